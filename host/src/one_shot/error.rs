//! Why a training cannot go on.

use osee_engine::{data::DataError, supernet::CheckpointError};
use std::{io, path::PathBuf};

/// Why a training cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum TrainingError {
    /// The images.
    #[error(transparent)]
    Data(#[from] DataError),
    /// A checkpoint.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The estimator, the space or torch.
    #[error("{0}")]
    Plugin(#[from] osee_sdk::Error),
    /// The folder of checkpoints.
    #[error("cannot make {}: {source}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// What was observed cannot be kept.
    #[error("cannot write {}: {source}", path.display())]
    Observation {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// What was observed makes no sense.
    #[error(transparent)]
    Analysis(#[from] osee_core::analysis::AnalysisError),
    /// Whoever listened is gone.
    #[error(transparent)]
    News(#[from] io::Error),
    /// The weights are lost.
    #[error("the loss of epoch {epoch} is {loss}; lower the learning rate, or clip gradients")]
    Diverged {
        /// From 1.
        epoch: u32,
        /// Mean over its steps.
        loss: f64,
    },
}

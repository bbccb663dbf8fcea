//! Errors of training a supernet.

use osee_engine::{data::DataError, supernet::CheckpointError};
use std::{io, path::PathBuf};

/// The reason why a training cannot continue.
#[derive(Debug, thiserror::Error)]
pub enum TrainingError {
    /// The images cannot be used.
    #[error(transparent)]
    Data(#[from] DataError),
    /// A checkpoint cannot be read or written.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The estimator, the space or torch fails.
    #[error("{0}")]
    Plugin(#[from] osee_sdk::Error),
    /// The folder of checkpoints cannot be made.
    #[error("cannot make {}: {source}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// Observations cannot be written.
    #[error("cannot write {}: {source}", path.display())]
    Observation {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// Observations cannot be analysed.
    #[error(transparent)]
    Analysis(#[from] osee_core::analysis::AnalysisError),
    /// The receiver of progress is gone.
    #[error(transparent)]
    News(#[from] io::Error),
    /// The training diverges: the mean loss of an epoch is NaN or infinite.
    #[error("the loss of epoch {epoch} is {loss}; lower the learning rate, or clip gradients")]
    Diverged {
        /// Number of the epoch, from 1.
        epoch: u32,
        /// Mean loss over its steps.
        loss: f64,
    },
}

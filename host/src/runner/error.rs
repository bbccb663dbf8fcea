//! Errors of carrying out a plan.

use crate::{
    exit::{Category, ExitCode},
    plan::PlanError,
    worker::WorkerError,
};
use osee_core::store::{MergeError, StoreError};
use std::path::PathBuf;

/// The reason why a plan cannot be carried out.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The plan is invalid, or its plugins fail what is asked of them.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// A plugin refuses what it was asked.
    #[error("{0}")]
    Plugin(#[from] osee_sdk::Error),
    /// The run directory cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The parts of a merge do not belong together.
    #[error("{0}; nothing was merged")]
    Merge(MergeError),
    /// The directory holds no shards to merge.
    #[error("{} has no shard-K-of-N folder; name the shards' run directories", .0.display())]
    NoShards(PathBuf),
    /// A worker fails.
    #[error(transparent)]
    Worker(#[from] WorkerError),
    /// A shard needs a supernet that is not trained: shards would train it at the same
    /// time, in one folder.
    #[error(
        "`{row}` seed {seed} is not trained yet, and shards do not train what they share; \
         osee-host train does, with the same study and --out"
    )]
    Untrained {
        /// Name of the row that trains it.
        row: String,
        /// Seed of the training.
        seed: u64,
    },
    /// A checkpoint cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Weights {
        /// The checkpoint.
        path: PathBuf,
        /// The reason.
        source: std::io::Error,
    },
    /// A checkpoint is not the one that stored scores were made with.
    #[error(
        "{} is not the file that scores of this run were made with; restore that file, or give --out another folder", .0.display()
    )]
    OtherWeights(PathBuf),
    /// Signal handlers cannot be set.
    #[error("cannot handle signals: {0}")]
    Signals(std::io::Error),
}

impl From<MergeError> for RunError {
    fn from(error: MergeError) -> Self {
        match error {
            MergeError::Store(error) => Self::Store(error),
            error => Self::Merge(error),
        }
    }
}

impl Category for RunError {
    fn exit_code(&self) -> ExitCode {
        match self {
            Self::Plan(error) => error.exit_code(),
            Self::Plugin(error) => error.exit_code(),
            Self::Store(_) | Self::Merge(_) | Self::NoShards(_) | Self::OtherWeights(_) => {
                ExitCode::Store
            }
            Self::Untrained { .. } => ExitCode::Incomplete,
            Self::Weights { .. } => ExitCode::Data,
            Self::Worker(_) | Self::Signals(_) => ExitCode::Internal,
        }
    }
}

//! Why a plan cannot be carried out.

use crate::{
    exit::{Category, ExitCode},
    plan::PlanError,
    worker::{SetupError, WorkerError},
};
use osee_core::store::{MergeError, StoreError};
use std::path::PathBuf;

/// Why a plan cannot be carried out.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The plan itself, or what is asked of its plugins.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// A plugin's refusal.
    #[error("{0}")]
    Plugin(#[from] osee_sdk::Error),
    /// The run directory.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Parts that do not go together.
    #[error("{0}; nothing was merged")]
    Merge(MergeError),
    /// Nothing to merge.
    #[error("{} has no shard-K-of-N folder; name the shards' run directories", .0.display())]
    NoShards(PathBuf),
    /// A worker.
    #[error(transparent)]
    Worker(#[from] WorkerError),
    /// The set-up, without workers.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// A shard whose supernets nobody trained: shards would train them at once,
    /// in one folder.
    #[error(
        "`{row}` seed {seed} is not trained yet, and shards do not train what they share; \
         osee-host train does, with the same study and --out"
    )]
    Untrained {
        /// Name of a row that looks at it.
        row: String,
        /// Its seed.
        seed: u64,
    },
    /// A checkpoint that cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Weights {
        /// The checkpoint.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A checkpoint that is not the one that scores are of.
    #[error(
        "{} is not the file that scores of this run were made with; put that one back, or give \
         --out another folder", .0.display()
    )]
    OtherWeights(PathBuf),
    /// Signals.
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
            Self::Setup(error) => error.exit_code(),
            Self::Store(_) | Self::Merge(_) | Self::NoShards(_) | Self::OtherWeights(_) => {
                ExitCode::Store
            }
            Self::Untrained { .. } => ExitCode::Incomplete,
            Self::Weights { .. } => ExitCode::Data,
            Self::Worker(_) | Self::Signals(_) => ExitCode::Internal,
        }
    }
}

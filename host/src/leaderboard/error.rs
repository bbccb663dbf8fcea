//! Why there is no leaderboard.

use crate::{
    exit::{Category, ExitCode},
    truth::TruthError,
};
use osee_core::{criteria::CriteriaError, store::StoreError};

/// Why there is no leaderboard.
#[derive(Debug, thiserror::Error)]
pub enum LeaderboardError {
    /// The run.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The truth.
    #[error(transparent)]
    Truth(#[from] TruthError),
    /// The criteria.
    #[error(transparent)]
    Criteria(#[from] CriteriaError),
}

impl Category for LeaderboardError {
    fn exit_code(&self) -> ExitCode {
        match self {
            Self::Store(error) => error.exit_code(),
            Self::Truth(error) => error.exit_code(),
            Self::Criteria(error) => error.exit_code(),
        }
    }
}

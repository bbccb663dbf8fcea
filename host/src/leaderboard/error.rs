//! Errors of making a leaderboard.

use crate::{
    exit::{Category, ExitCode},
    truth::TruthError,
};
use osee_core::{criteria::CriteriaError, store::StoreError};

/// The reason why a leaderboard cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum LeaderboardError {
    /// The run cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The truth cannot be used.
    #[error(transparent)]
    Truth(#[from] TruthError),
    /// The criteria cannot be computed.
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

//! Why there is no leaderboard.

use crate::truth::TruthError;
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

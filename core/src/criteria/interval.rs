//! Why a criterion has no interval.

use serde::{Deserialize, Serialize};

/// Why there is no interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "kebab-case")]
pub enum NoInterval {
    /// No resamples.
    #[error("no resamples were asked for")]
    NotAsked,
    /// There is no number that it could be about.
    #[error("scores or truths are all equal")]
    Undefined,
    /// Too few architectures.
    #[error("{architectures} architectures are too few for an interval, which needs {needed}")]
    TooFew {
        /// How many there are.
        architectures: usize,
        /// How many it takes.
        needed: usize,
    },
    /// Too many resamples have no tau-b.
    #[error("scores or truths are all equal in too many resamples")]
    OftenUndefined,
    /// A perfect ranking, for example.
    #[error(
        "any choice among these architectures gives the same number, so they do not say how far off it is"
    )]
    AllAlike,
}

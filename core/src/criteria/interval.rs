//! Why a criterion has no interval.

use serde::{Deserialize, Serialize};

/// Why a criterion has no interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "kebab-case")]
pub enum NoInterval {
    /// The number of resamples is 0.
    #[error("no resamples were asked for")]
    NotAsked,
    /// The criterion itself is undefined.
    #[error("scores or truths are all equal")]
    Undefined,
    /// There are too few architectures.
    #[error("{architectures} architectures are too few for an interval, which needs {needed}")]
    TooFew {
        /// Number of architectures.
        architectures: usize,
        /// Number of architectures that an interval needs.
        needed: usize,
    },
    /// tau-b is undefined in too many resamples.
    #[error("scores or truths are all equal in too many resamples")]
    OftenUndefined,
    /// All choices of architectures give the same number, as for a perfect ranking.
    #[error("every resample of these architectures gives the same number, so it has no interval")]
    AllAlike,
}

//! The conditions of a check.

use osee_model::device::DeviceName;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The conditions of a check, the same in every process that takes part.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Terms {
    /// Longest time for one answer of a fresh process, and for it to start.
    pub patience: Duration,
    /// Where the networks are that estimators score.
    pub device: DeviceName,
}

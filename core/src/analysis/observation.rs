//! What was seen of a supernet while it was trained.

use super::LayerSimilarity;
use serde::{Deserialize, Serialize};

/// What was seen of some of an epoch's architectures, for the analyses of
/// forgetting and of gradients; kept beside the checkpoint after that epoch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Observation {
    /// Epochs done.
    pub epoch: u32,
    /// The architectures, in the order of their steps.
    pub architectures: Vec<String>,
    /// Accuracy of each right after its own step, on the first validation batch.
    pub after_step: Vec<f64>,
    /// The same after all steps of the epoch.
    pub after_epoch: Vec<f64>,
    /// Gradients of these architectures on that batch after the epoch, by
    /// weight that at least two of them use, from the input to the output.
    pub similarity: Vec<LayerSimilarity>,
}

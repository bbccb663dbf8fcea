//! What is observed of a supernet while it is trained.

use super::LayerSimilarity;
use serde::{Deserialize, Serialize};

/// Observations of some of an epoch's architectures, for the analyses of forgetting and of
/// gradients; kept beside the checkpoint after that epoch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Observation {
    /// Number of epochs done.
    pub epoch: u32,
    /// The observed architectures, in the order of their steps.
    pub architectures: Vec<String>,
    /// Accuracy of each right after its own step, on the first validation batch.
    pub after_step: Vec<f64>,
    /// Accuracy of each on the same batch after all steps of the epoch.
    pub after_epoch: Vec<f64>,
    /// Similarity of these architectures' gradients on that batch after the epoch, for every weight
    /// that at least two of them use, from the input to the output.
    pub similarity: Vec<LayerSimilarity>,
}

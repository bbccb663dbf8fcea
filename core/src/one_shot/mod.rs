//! One-shot estimation as data: how a supernet is trained, what is asked of
//! it, and what a sub-network answered.

mod recipe;
mod schedule;

pub use recipe::{Recipe, TrainingChoice};
pub use schedule::{Progress, Schedule};

use crate::analysis::LayerSimilarity;
use serde::{Deserialize, Serialize};

/// A sub-network on one validation batch.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct BatchResult {
    /// Images in the batch.
    pub images: u32,
    /// Mean cross-entropy.
    pub loss: f64,
    /// Images whose highest logit is that of their label.
    pub correct: u32,
}

impl BatchResult {
    /// Share of correct images.
    pub fn accuracy(&self) -> f64 {
        f64::from(self.correct) / f64::from(self.images.max(1))
    }
}

/// Which weights a one-shot estimator looks at, and whose scores it takes
/// together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Evaluation {
    /// First so many validation batches; all if absent.
    pub batches: Option<usize>,
    /// Weights are the mean over the last so many kept checkpoints (temporal
    /// ensemble).
    pub checkpoints: usize,
    /// Scores are means over an architecture's isomorphism group (post-deiso).
    pub isomorphic: bool,
}

impl Default for Evaluation {
    /// The last weights on all batches.
    fn default() -> Self {
        Self { batches: None, checkpoints: 1, isomorphic: false }
    }
}

/// A sub-network on all validation batches, as stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evaluated {
    /// Key of the supernet.
    pub supernet: String,
    /// Its seed.
    pub seed: u64,
    /// The epochs whose weights were averaged.
    pub epochs: Vec<u32>,
    /// The sub-network's architecture.
    pub arch: String,
    /// What it answered, batch by batch.
    pub batches: Vec<BatchResult>,
    /// How long that took.
    pub milliseconds: f64,
}

/// What an epoch of training came to.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct EpochReport {
    /// Epochs done, from 1.
    pub epoch: u32,
    /// Mean cross-entropy over its steps.
    pub loss: f64,
    /// Mean share of correct training images.
    pub accuracy: f64,
    /// Learning rate it ran with.
    pub learning_rate: f64,
    /// Speed of training, without checkpoints and surveys.
    pub images_per_second: f64,
}

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

//! How good trained weights are on images, and which weights and images a
//! one-shot estimator judges by.

use serde::{Deserialize, Serialize};

/// Mean loss and accuracy on some images.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Fit {
    /// Mean cross-entropy, nats.
    pub loss: f64,
    /// Share of images whose highest logit is that of their label.
    pub accuracy: f64,
}

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
/// together. The default is the last weights on all batches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[non_exhaustive]
#[must_use]
pub struct Evaluation {
    /// First so many validation batches; all if absent.
    pub batches: Option<usize>,
    /// Weights are the mean over the last so many kept checkpoints (temporal
    /// ensemble).
    pub checkpoints: usize,
    /// Scores are means over an architecture's isomorphism group (post-deiso).
    pub isomorphic: bool,
}

impl Evaluation {
    /// On the first so many validation batches.
    pub fn batches(self, batches: usize) -> Self {
        Self { batches: Some(batches), ..self }
    }

    /// Of the mean over the last so many kept checkpoints.
    pub fn checkpoints(self, checkpoints: usize) -> Self {
        Self { checkpoints, ..self }
    }

    /// With scores averaged over isomorphism groups, or not.
    pub fn isomorphic(self, isomorphic: bool) -> Self {
        Self { isomorphic, ..self }
    }
}

impl Default for Evaluation {
    fn default() -> Self {
        Self { batches: None, checkpoints: 1, isomorphic: false }
    }
}

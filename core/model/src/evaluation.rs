//! How well trained weights do on images, and which weights and batches a one-shot estimator
//! scores.

use serde::{Deserialize, Serialize};

/// Mean loss and accuracy over some images.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Fit {
    /// Mean cross-entropy in nats.
    pub loss: f64,
    /// Share of images, from 0 to 1, whose highest logit is that of their label.
    pub accuracy: f64,
}

/// Result of a sub-network on one validation batch.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct BatchResult {
    /// Number of images in the batch.
    pub images: u32,
    /// Mean cross-entropy in nats.
    pub loss: f64,
    /// Number of images whose highest logit is that of their label.
    pub correct: u32,
}

impl BatchResult {
    /// Share of correct images, from 0 to 1.
    pub fn accuracy(&self) -> f64 {
        f64::from(self.correct) / f64::from(self.images.max(1))
    }
}

/// The weights that a one-shot estimator scores, and the architectures whose scores it averages.
/// The default is the last weights on all batches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[non_exhaustive]
#[must_use]
pub struct Evaluation {
    /// Uses only this many validation batches, the first ones; `None` uses all.
    pub batches: Option<usize>,
    /// Averages the weights of this many kept checkpoints, the last ones (temporal ensemble).
    pub checkpoints: usize,
    /// Averages scores over an architecture's isomorphism group (post-deiso).
    pub isomorphic: bool,
}

impl Evaluation {
    /// Uses only the first `batches` validation batches.
    pub fn batches(self, batches: usize) -> Self {
        Self { batches: Some(batches), ..self }
    }

    /// Averages the weights of the last `checkpoints` kept checkpoints.
    pub fn checkpoints(self, checkpoints: usize) -> Self {
        Self { checkpoints, ..self }
    }

    /// Sets whether scores are averaged over isomorphism groups.
    pub fn isomorphic(self, isomorphic: bool) -> Self {
        Self { isomorphic, ..self }
    }
}

impl Default for Evaluation {
    fn default() -> Self {
        Self { batches: None, checkpoints: 1, isomorphic: false }
    }
}

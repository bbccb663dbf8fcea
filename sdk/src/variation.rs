//! The same network under other weights, other images or another batch normalisation.

use osee_model::protocol::Init;
use serde::{Deserialize, Serialize};

/// The weights of a varied network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub enum Weights {
    /// Those of the network.
    #[default]
    Given,
    /// Weights drawn for this architecture. Networks with equal `init` and `repeat` have equal
    /// weights, whichever estimator asks.
    Drawn {
        /// The law of the weights.
        init: Init,
        /// Number of the draw, from 0.
        repeat: u32,
    },
}

/// The images of a varied network. Labels go with their images.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub enum Images {
    /// The batch.
    #[default]
    Batch,
    /// The batch in reverse order.
    Reversed,
    /// The first images of the batch; all of them if it has fewer.
    First(u32),
    /// One of several equal parts of the batch, in order. Images that are left over belong to
    /// no part.
    Part {
        /// Number of the part, from 0.
        index: u32,
        /// Number of parts.
        of: u32,
    },
    /// As many images of N(0, 1) as the batch has, with the labels of the batch. Networks with
    /// equal numbers have equal images.
    Noise(u32),
}

/// Statistics by which batch normalisations normalise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub enum NormStatistics {
    /// Those of the batch, as in training.
    #[default]
    Batch,
    /// Mean 0 and variance 1: what evaluation uses before any training.
    Initial,
}

/// What is different about a varied network, see [`Network::varied`](crate::Network::varied).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Variation {
    /// The weights.
    pub weights: Weights,
    /// The images.
    pub images: Images,
    /// Images that are added to `images` times [`STEP`](Self::STEP).
    pub perturbed_by: Option<Images>,
    /// The statistics of batch normalisations.
    pub norm: NormStatistics,
}

impl Variation {
    /// The weight of the images that perturb others (Lin et al., Zen-NAS, ICCV 2021).
    pub const STEP: f64 = 0.01;

    /// Replaces the weights.
    #[must_use]
    pub fn weights(self, weights: Weights) -> Self {
        Self { weights, ..self }
    }

    /// Replaces the images.
    #[must_use]
    pub fn images(self, images: Images) -> Self {
        Self { images, ..self }
    }

    /// Adds `images` times [`STEP`](Self::STEP) to the images.
    #[must_use]
    pub fn perturbed_by(self, images: Images) -> Self {
        Self { perturbed_by: Some(images), ..self }
    }

    /// Replaces the statistics of batch normalisations.
    #[must_use]
    pub fn norm(self, norm: NormStatistics) -> Self {
        Self { norm, ..self }
    }
}

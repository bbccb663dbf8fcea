//! The protocol by which zero-shot estimators see networks: everything that changes a score and
//! does not belong to the estimator itself.
//!
//! The reference implementations differ here before any formula is applied (batch, data,
//! normalisation, initialisation). So all of it is explicit, part of a result's key, and available
//! in presets named after these implementations.

use crate::settings::{Value, key_hash};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Mean and standard deviation per channel, for pixels in [0, 1].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Normalisation {
    /// Subtracted from each pixel.
    pub mean: [f32; 3],
    /// Divisor of each pixel after the subtraction.
    pub std: [f32; 3],
}

/// Which weights a network starts from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Weights {
    /// Every architecture draws its own weights.
    Standalone,
    /// All architectures with the same seed are cut from one randomly initialised supernet:
    /// parameters with the same name have the same value.
    Supernet,
}

/// How initial weights are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Init {
    /// torch's default: weights and biases uniform in +-1/sqrt(fan_in); scale 1, shift 0.
    Pytorch,
    /// Convolutions N(0, 2 / (k^2 out)), linear layers N(0, 0.01^2), biases 0.
    KaimingFanOut,
    /// Convolutions and linear layers N(0, 2 / fan_in), biases 0.
    KaimingFanIn,
    /// Convolutions and linear layers N(0, 1), biases 0.
    StandardNormal,
}

/// Which images make up a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Images {
    /// The last 20% of the training images in file order: images 40000-49999 of CIFAR-10, the
    /// paper's validation part.
    ValidationOrder,
    /// Training images in an order shuffled by the seed.
    TrainShuffled,
}

/// Everything between an architecture and an estimator's score.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Protocol {
    /// Name of the preset that this protocol started from.
    pub preset: String,
    /// Number of images per batch.
    pub batch_size: usize,
    /// Number of batches; scores are averaged over them.
    pub batches: usize,
    /// Which images make up a batch.
    pub images: Images,
    /// True to crop randomly from the image, padded with black by an eighth of its side, and to
    /// flip horizontally.
    pub augment: bool,
    /// Pixel normalisation.
    pub normalisation: Normalisation,
    /// Which weights a network starts from.
    pub weights: Weights,
    /// How initial weights are drawn.
    pub init: Init,
    /// Settings of the search space that the preset changes.
    #[serde(default)]
    pub space: BTreeMap<String, Value>,
}

/// Statistics of CIFAR-10 as most one-shot code has them.
const CIFAR10: Normalisation = Normalisation {
    mean: [0.491_399_68, 0.482_158_27, 0.446_531_24],
    std: [0.247_032_33, 0.243_485_05, 0.261_587_68],
};

impl Protocol {
    /// Names of the presets.
    pub const PRESETS: [&'static str; 4] = ["paper", "zero-cost-nas", "naswot", "naslib"];

    /// The preset called `name`:
    /// - `paper`: the protocol of the paper; networks cut from one random supernet per seed, cell
    ///   BN without affine, 128 validation images in order;
    /// - `zero-cost-nas`: Abdelfattah et al. 2021; 64 augmented images, its own pixel statistics;
    /// - `naswot`: Mellor et al. 2021; 128 augmented images, one class;
    /// - `naslib`: NAS-Bench-Suite-Zero; 64 augmented images, pooling in cells of DARTS followed by
    ///   BN.
    pub fn preset(name: &str) -> Option<Self> {
        let augmented = Self {
            preset: name.to_owned(),
            batch_size: 64,
            batches: 1,
            images: Images::TrainShuffled,
            augment: true,
            normalisation: CIFAR10,
            weights: Weights::Standalone,
            init: Init::Pytorch,
            space: BTreeMap::new(),
        };
        Some(match name {
            "paper" => Self {
                batch_size: 128,
                images: Images::ValidationOrder,
                augment: false,
                weights: Weights::Supernet,
                ..augmented
            },
            "zero-cost-nas" => Self {
                normalisation: Normalisation {
                    mean: [0.4914, 0.4822, 0.4465],
                    std: [0.2023, 0.1994, 0.2010],
                },
                ..augmented
            },
            "naswot" => Self {
                batch_size: 128,
                space: [("classes".to_owned(), Value::Int(1))].into(),
                ..augmented
            },
            "naslib" => Self {
                // For the pooling in a cell of DARTS.
                space: BTreeMap::from([("pool_norm".to_owned(), true.into())]),
                ..augmented
            },
            _ => return None,
        })
    }

    /// True if networks deliberately have one output, which is not compared with any label.
    pub fn has_one_class(&self) -> bool {
        self.space.get("classes") == Some(&Value::Int(1))
    }

    /// Hash of the protocol, part of a result's key.
    pub fn hash(&self) -> String {
        key_hash(self)
    }
}

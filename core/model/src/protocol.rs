//! How networks are put before zero-shot estimators: everything that changes
//! a number and is not the estimator's own.
//!
//! The reference implementations disagree here before any formula is applied
//! (batch, data, normalisation, initialisation), so all of it is explicit,
//! part of a result's key, and has presets named after them.

use crate::settings::{Value, key_hash};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Per-channel mean and standard deviation of pixels in [0, 1].
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Normalisation {
    /// Subtracted.
    pub mean: [f32; 3],
    /// Divided by.
    pub std: [f32; 3],
}

/// Which weights a candidate starts from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Weights {
    /// Every architecture draws its own.
    Standalone,
    /// All architectures of a seed are cut from one randomly initialised
    /// supernet: parameters of one name have one value.
    Supernet,
}

/// How a weight is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Init {
    /// torch's default: weights and biases uniform in +-1/sqrt(fan_in);
    /// scale 1, shift 0.
    Pytorch,
    /// Convolutions N(0, 2 / (k^2 out)), linear N(0, 0.01^2), biases 0.
    KaimingFanOut,
}

/// Which images make a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Images {
    /// The last 20% of the training images in file order: 40000-49999 of
    /// CIFAR-10, the study's validation part.
    ValidationOrder,
    /// Training images in an order shuffled by the seed.
    TrainShuffled,
}

/// Everything between an architecture and an estimator's number.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Protocol {
    /// Preset this started from.
    pub preset: String,
    /// Images per batch.
    pub batch_size: usize,
    /// Batches; scores are averaged over them.
    pub batches: usize,
    /// Where the images come from.
    pub images: Images,
    /// Random crop from the image padded with black by an eighth of its side,
    /// and horizontal flip.
    pub augment: bool,
    /// Pixel normalisation.
    pub normalisation: Normalisation,
    /// Whose weights.
    pub weights: Weights,
    /// How they are drawn.
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
    /// - `paper`: the study's own; candidates cut from one random supernet
    ///   per seed, cell BN without affine, 128 validation images in order;
    /// - `zero-cost-nas`: Abdelfattah et al. 2021; 64 augmented images, its
    ///   own pixel statistics;
    /// - `naswot`: Mellor et al. 2021; 128 augmented images, one class;
    /// - `naslib`: NAS-Bench-Suite-Zero; 64 augmented images, pooling in cells
    ///   of DARTS followed by BN.
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
                // Where pooling is in a cell of DARTS.
                space: BTreeMap::from([("pool_norm".to_owned(), true.into())]),
                ..augmented
            },
            _ => return None,
        })
    }

    /// Whether its networks have one output on purpose, which no label is
    /// compared with.
    pub fn has_one_class(&self) -> bool {
        self.space.get("classes") == Some(&Value::Int(1))
    }

    /// Part of a result's key.
    pub fn hash(&self) -> String {
        key_hash(self)
    }
}

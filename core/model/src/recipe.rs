//! How a supernet, or a network on its own, is trained.

use super::schedule::Schedule;
use crate::{
    protocol::{Init, Normalisation, Protocol},
    settings::Value,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The numbers that a supernet computes with. Its weights, statistics and losses are float32
/// always.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// float32.
    #[default]
    F32,
    /// float32 whose products keep 10 of 23 bits, on GPUs that have it.
    Tf32,
    /// bfloat16, with 7 bits, for what flows through the network.
    Bf16,
}

impl Precision {
    /// True for float32.
    pub fn is_f32(&self) -> bool {
        *self == Self::F32
    }
}

/// Everything that the training of a supernet depends on besides space, sampler, images and seed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Recipe {
    /// Number of passes over the training images.
    pub epochs: u32,
    /// Number of images per step.
    pub batch_size: usize,
    /// Number of training images: the first ones of the data set's first 80%, which in the paper
    /// are 40,000 of CIFAR-10.
    pub images: usize,
    /// Learning rate of the first epoch.
    pub learning_rate: f64,
    /// SGD momentum: share of the previous step that is kept.
    pub momentum: f64,
    /// L2 penalty: share of the weights that is added to their gradient.
    pub weight_decay: f64,
    /// Largest norm of the gradient; a longer gradient is scaled down to it. 0 for no clipping.
    pub max_norm: f64,
    /// How the learning rate changes.
    pub schedule: Schedule,
    /// True to crop randomly from the image, padded with black by an eighth of its side, and to
    /// flip horizontally.
    pub augment: bool,
    /// Side, in pixels, of the square that is cut out of training images; 0 for none.
    pub cutout: usize,
    /// Pixel normalisation.
    pub normalisation: Normalisation,
    /// How initial weights are drawn.
    pub init: Init,
    /// Epochs between kept checkpoints; the last epoch is always kept.
    pub keep_every: u32,
    /// Number of images on which sub-networks are evaluated: the first ones of the other 20%.
    pub validation_images: usize,
    /// Number of images per evaluated batch, whose statistics normalise it; the last batch has the
    /// remaining images.
    pub validation_batch_size: usize,
    /// Numbers that it computes with.
    #[serde(default, skip_serializing_if = "Precision::is_f32")]
    pub precision: Precision,
    /// Settings of the search space that supernets change.
    pub space: BTreeMap<String, Value>,
}

/// Why a recipe is invalid or does not fit the data.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct RecipeError(String);

impl Recipe {
    /// Names of the presets.
    pub const PRESETS: [&'static str; 3] = ["paper", "small", "standalone"];

    /// Most epochs; the list of kept epochs must fit in memory.
    const EPOCHS: u32 = 1_000_000;

    /// The recipe called `name`:
    /// - `paper`: the paper's for NAS-Bench-201, 1,000 epochs of batch 512;
    /// - `small`: takes minutes on two cores: a narrow network, images of 16 by 16 pixels, and a
    ///   cosine in place of the plateau;
    /// - `standalone`: one network on its own, for the truth of a benchmark.
    pub fn preset(name: &str) -> Option<Self> {
        let space = |pairs: &[(&str, Value)]| {
            pairs.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect()
        };
        let paper = Self {
            epochs: 1000,
            batch_size: 512,
            images: 40_000,
            learning_rate: 0.05,
            momentum: 0.9,
            weight_decay: 5e-4,
            max_norm: 5.0,
            schedule: Schedule::Plateau { factor: 0.5, patience: 30 },
            augment: true,
            cutout: 0,
            normalisation: Protocol::preset("paper")?.normalisation,
            init: Init::Pytorch,
            keep_every: 40,
            validation_images: 10_000,
            validation_batch_size: 512,
            precision: Precision::F32,
            space: space(&[("dropout", 0.1.into())]),
        };
        match name {
            "paper" => Some(paper),
            "small" => Some(Self {
                epochs: 50,
                batch_size: 128,
                schedule: Schedule::Cosine { last: 0.0 },
                keep_every: 10,
                validation_images: 1000,
                validation_batch_size: 250,
                space: space(&[
                    ("dropout", 0.1.into()),
                    ("channels", 8.into()),
                    ("cells", 1.into()),
                    ("image_size", 16.into()),
                ]),
                ..paper
            }),
            "standalone" => Some(Self {
                epochs: 20,
                batch_size: 50,
                images: 500,
                learning_rate: 0.1,
                schedule: Schedule::Cosine { last: 0.0 },
                keep_every: 20,
                validation_images: 400,
                validation_batch_size: 500,
                space: BTreeMap::new(),
                ..paper
            }),
            _ => None,
        }
    }

    /// Epochs, from 1, whose weights are kept.
    pub fn kept(&self) -> Vec<u32> {
        let every = self.keep_every.max(1);
        let mut kept: Vec<u32> = (1..=self.epochs / every).map(|i| i * every).collect();
        if kept.last() != Some(&self.epochs) {
            kept.push(self.epochs);
        }
        kept
    }

    /// Number of steps in an epoch. Images that do not fill a batch are left out, different ones in
    /// each epoch.
    pub fn steps(&self) -> usize {
        self.images / self.batch_size
    }

    /// Number of evaluated batches.
    pub fn validation_batches(&self) -> usize {
        self.validation_images.div_ceil(self.validation_batch_size)
    }

    /// Checks that there are enough images to train and to evaluate on.
    ///
    /// # Errors
    /// If there are too few.
    pub fn check_images(&self, training: usize, validation: usize) -> Result<(), RecipeError> {
        let wanted = [
            ("images", self.images, training),
            ("validation_images", self.validation_images, validation),
        ];
        match wanted.into_iter().find(|(_, wanted, there)| wanted > there) {
            Some((field, wanted, there)) => Err(RecipeError(format!(
                "training wants {wanted} images, and the data has {there} for it; set `{field}` of \
                 [training] to that or less"
            ))),
            None => Ok(()),
        }
    }

    /// Checks that the numbers describe a valid training.
    ///
    /// # Errors
    /// The first number that does not.
    pub fn check(&self) -> Result<(), RecipeError> {
        let wrong = |what: &str| Err(RecipeError(format!("training needs {what}")));
        if self.epochs == 0 {
            return wrong("at least one epoch");
        }
        if self.epochs > Self::EPOCHS {
            return wrong("at most 1,000,000 epochs");
        }
        if self.batch_size < 2 || self.validation_batch_size < 2 {
            return wrong("batches of at least two images");
        }
        if self.images < self.batch_size {
            return wrong("at least one batch of images");
        }
        if self.validation_images < 2 {
            return wrong("at least two validation images");
        }
        let sane = |value: f64| value.is_finite() && value >= 0.0;
        let rates = [self.learning_rate, self.momentum, self.weight_decay, self.max_norm];
        if !rates.into_iter().all(sane) || self.learning_rate == 0.0 {
            return wrong("a learning rate above 0, and no negative momentum, decay or norm");
        }
        if self.keep_every == 0 {
            return wrong("`keep_every` of at least one epoch");
        }
        let Normalisation { mean, std } = self.normalisation;
        let scales = |std: &f32| std.is_finite() && *std > 0.0;
        if !mean.iter().all(|mean| mean.is_finite()) || !std.iter().all(scales) {
            return wrong("pixels with a finite mean and a standard deviation above 0");
        }
        Ok(())
    }
}

impl Default for Recipe {
    fn default() -> Self {
        Self::preset("small").expect("there is such a preset")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recipe_of_float32_is_written_as_before_there_were_others() {
        let text = serde_json::to_string(&Recipe::default()).unwrap();
        assert!(!text.contains("precision"), "{text}");
        assert_eq!(serde_json::from_str::<Recipe>(&text).unwrap(), Recipe::default());
        let half = Recipe { precision: Precision::Bf16, ..Recipe::default() };
        let text = serde_json::to_string(&half).unwrap();
        assert!(text.contains("\"precision\":\"bf16\""), "{text}");
        assert_eq!(serde_json::from_str::<Recipe>(&text).unwrap(), half);
    }

    #[test]
    fn checkpoints_are_kept_regularly_and_at_the_end() {
        let kept = |epochs, keep_every| Recipe { epochs, keep_every, ..Recipe::default() }.kept();
        assert_eq!(kept(10, 4), [4, 8, 10]);
        assert_eq!(kept(8, 4), [4, 8]);
        assert_eq!(kept(3, 40), [3]);
    }
}

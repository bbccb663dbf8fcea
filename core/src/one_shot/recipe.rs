//! How a supernet, or a network alone, is trained, and what a study changes of it.

use super::Schedule;
use crate::{
    protocol::{Init, Normalisation, Protocol},
    settings::{Value, nearest},
    study::StudyError,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Everything that the training of a supernet depends on besides space,
/// sampler, images and seed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Recipe {
    /// Passes over the training images.
    pub epochs: u32,
    /// Images per step.
    pub batch_size: usize,
    /// Training images: the first so many of the data set's first 80%, which
    /// are the study's 40,000 of CIFAR-10.
    pub images: usize,
    /// Learning rate at the start.
    pub learning_rate: f64,
    /// Share of the last step that is kept.
    pub momentum: f64,
    /// Share of the weights that is added to the gradient.
    pub weight_decay: f64,
    /// Longer gradients are scaled to this norm; 0 for no clipping.
    pub max_norm: f64,
    /// How the learning rate changes.
    pub schedule: Schedule,
    /// Random crop from the image padded with black by an eighth of its side,
    /// and horizontal flip.
    pub augment: bool,
    /// Side of the square that is cut out of training images; 0 for none.
    pub cutout: usize,
    /// Pixel normalisation.
    pub normalisation: Normalisation,
    /// How weights are drawn.
    pub init: Init,
    /// Epochs between kept checkpoints; the last is always kept.
    pub keep_every: u32,
    /// Images that sub-networks are evaluated on: the first so many of the
    /// other 20%.
    pub validation_images: usize,
    /// Images per evaluated batch, whose statistics normalise it; the last
    /// batch has the rest.
    pub validation_batch_size: usize,
    /// Settings of the search space that supernets change.
    pub space: BTreeMap<String, Value>,
}

impl Recipe {
    /// Names of the presets.
    pub const PRESETS: [&'static str; 3] = ["paper", "small", "standalone"];

    /// Most epochs: the list of those that are kept must fit memory.
    const EPOCHS: u32 = 1_000_000;

    /// The recipe called `name`:
    /// - `paper`: the study's for NAS-Bench-201, 1,000 epochs of batch 512;
    /// - `small`: for two cores and minutes: a narrow network on images of 16
    ///   by 16 pixels, a cosine in place of the plateau;
    /// - `standalone`: one network alone, for the truth of a benchmark.
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

    /// Steps of an epoch; images that do not fill a batch are left out, others
    /// in each epoch.
    pub fn steps(&self) -> usize {
        self.images / self.batch_size
    }

    /// Evaluated batches.
    pub fn validation_batches(&self) -> usize {
        self.validation_images.div_ceil(self.validation_batch_size)
    }

    /// Whether there are so many images to train and to evaluate on.
    ///
    /// # Errors
    /// When there are fewer.
    pub fn check_images(&self, training: usize, validation: usize) -> Result<(), StudyError> {
        let wanted = [
            ("images", self.images, training),
            ("validation-images", self.validation_images, validation),
        ];
        match wanted.into_iter().find(|(_, wanted, there)| wanted > there) {
            Some((field, wanted, there)) => Err(StudyError::Invalid(format!(
                "training wants {wanted} images, and the data has {there} for it; set `{field}` of \
                 [training] to that or less"
            ))),
            None => Ok(()),
        }
    }

    /// Whether its numbers make a training.
    ///
    /// # Errors
    /// The first that does not.
    pub fn check(&self) -> Result<(), StudyError> {
        let wrong = |what: &str| Err(StudyError::Invalid(format!("training needs {what}")));
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
            return wrong("`keep-every` of at least one epoch");
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

/// What a study changes of the estimators' own recipes.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
#[expect(missing_docs, reason = "every field is that of `Recipe`")]
pub struct TrainingChoice {
    /// Start from this preset, not from the estimator's own recipe.
    pub preset: Option<String>,
    pub epochs: Option<u32>,
    pub batch_size: Option<usize>,
    pub images: Option<usize>,
    pub learning_rate: Option<f64>,
    pub momentum: Option<f64>,
    pub weight_decay: Option<f64>,
    pub max_norm: Option<f64>,
    pub augment: Option<bool>,
    pub cutout: Option<usize>,
    pub init: Option<Init>,
    pub keep_every: Option<u32>,
    pub validation_images: Option<usize>,
    pub validation_batch_size: Option<usize>,
    pub schedule: Option<Schedule>,
    pub normalisation: Option<Normalisation>,
    /// How many architectures of every epoch with a kept checkpoint are looked
    /// at for forgetting and gradients; the training stays what it is.
    pub observe: Option<usize>,
    /// Added to the recipe's.
    pub space: BTreeMap<String, Value>,
}

impl TrainingChoice {
    /// The preset, if there is one.
    ///
    /// # Errors
    /// An unknown name.
    pub fn base(&self) -> Result<Option<Recipe>, StudyError> {
        let Some(name) = &self.preset else { return Ok(None) };
        let unknown = || StudyError::Preset {
            name: name.clone(),
            hint: match nearest(name, Recipe::PRESETS) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("there are {}", Recipe::PRESETS.join(", ")),
            },
        };
        Recipe::preset(name).ok_or_else(unknown).map(Some)
    }

    /// The estimator's `own` recipe with the changes, on images with statistics
    /// `pixels`; `None` where the recipe has them.
    ///
    /// # Errors
    /// An unknown preset, or numbers that make no training.
    pub fn resolve(
        &self,
        own: Recipe,
        pixels: Option<Normalisation>,
    ) -> Result<Recipe, StudyError> {
        let base = self.base()?.unwrap_or(own);
        let mut space = base.space;
        space.extend(self.space.clone());
        let resolved = Recipe {
            epochs: self.epochs.unwrap_or(base.epochs),
            batch_size: self.batch_size.unwrap_or(base.batch_size),
            images: self.images.unwrap_or(base.images),
            learning_rate: self.learning_rate.unwrap_or(base.learning_rate),
            momentum: self.momentum.unwrap_or(base.momentum),
            weight_decay: self.weight_decay.unwrap_or(base.weight_decay),
            max_norm: self.max_norm.unwrap_or(base.max_norm),
            schedule: self.schedule.unwrap_or(base.schedule),
            augment: self.augment.unwrap_or(base.augment),
            cutout: self.cutout.unwrap_or(base.cutout),
            normalisation: self.normalisation.or(pixels).unwrap_or(base.normalisation),
            init: self.init.unwrap_or(base.init),
            keep_every: self.keep_every.unwrap_or(base.keep_every),
            validation_images: self.validation_images.unwrap_or(base.validation_images),
            validation_batch_size: self.validation_batch_size.unwrap_or(base.validation_batch_size),
            space,
        };
        resolved.check()?;
        Ok(resolved)
    }

    /// Refuses changes that would change nothing of the training of a supernet by
    /// `recipe`, which they were resolved to, on images of this side. A preset's
    /// own numbers are no changes.
    ///
    /// # Errors
    /// The first of them, with what is allowed.
    pub fn check_supernet(&self, recipe: &Recipe, side: usize) -> Result<(), StudyError> {
        let keep_every = self.keep_every.map(|it| it as usize);
        at_most("keep-every", keep_every, recipe.epochs as usize, "epochs")?;
        let of = "validation images";
        let size = self.validation_batch_size;
        at_most("validation-batch-size", size, recipe.validation_images, of)?;
        at_most("observe", self.observe, recipe.steps(), "steps in an epoch")?;
        self.check_common(recipe, side)
    }

    /// The same where each network is trained alone, and at most `judged` images
    /// are looked at together.
    ///
    /// # Errors
    /// The first of them, with what is allowed.
    pub fn check_alone(
        &self,
        recipe: &Recipe,
        side: usize,
        judged: usize,
    ) -> Result<(), StudyError> {
        let unused =
            [("keep-every", self.keep_every.is_some()), ("observe", self.observe.is_some())];
        if let Some((field, _)) = unused.into_iter().find(|(_, given)| *given) {
            return Err(StudyError::Invalid(format!(
                "`{field}` of [training] is about supernets, and a benchmark trains networks alone; \
                 leave it out"
            )));
        }
        let size = self.validation_batch_size;
        at_most("validation-batch-size", size, judged, "images that are judged together")?;
        self.check_common(recipe, side)
    }

    /// Of either.
    fn check_common(&self, recipe: &Recipe, side: usize) -> Result<(), StudyError> {
        if recipe.cutout >= side {
            return Err(StudyError::Invalid(format!(
                "`cutout` of [training] is {}, and images have a side of {side} pixels; it is below \
                 that",
                recipe.cutout
            )));
        }
        match self.schedule {
            None => Ok(()),
            Some(schedule) => schedule
                .check(recipe.learning_rate, recipe.epochs)
                .map_err(|what| StudyError::Invalid(format!("`schedule` of [training]: {what}"))),
        }
    }

    /// These changes with `over` on top.
    pub fn with(&self, over: &Self) -> Self {
        let mut space = self.space.clone();
        space.extend(over.space.clone());
        Self {
            preset: over.preset.clone().or_else(|| self.preset.clone()),
            epochs: over.epochs.or(self.epochs),
            batch_size: over.batch_size.or(self.batch_size),
            images: over.images.or(self.images),
            learning_rate: over.learning_rate.or(self.learning_rate),
            momentum: over.momentum.or(self.momentum),
            weight_decay: over.weight_decay.or(self.weight_decay),
            max_norm: over.max_norm.or(self.max_norm),
            augment: over.augment.or(self.augment),
            cutout: over.cutout.or(self.cutout),
            init: over.init.or(self.init),
            keep_every: over.keep_every.or(self.keep_every),
            validation_images: over.validation_images.or(self.validation_images),
            validation_batch_size: over.validation_batch_size.or(self.validation_batch_size),
            schedule: over.schedule.or(self.schedule),
            normalisation: over.normalisation.or(self.normalisation),
            observe: over.observe.or(self.observe),
            space,
        }
    }
}

/// Refuses a number that is more than there is.
fn at_most(field: &str, given: Option<usize>, most: usize, of: &str) -> Result<(), StudyError> {
    match given.filter(|given| *given > most) {
        None => Ok(()),
        Some(given) => Err(StudyError::Invalid(format!(
            "`{field}` of [training] is {given}, and there are {most} {of}; it is at most that"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checkpoints_are_kept_regularly_and_at_the_end() {
        let kept = |epochs, keep_every| Recipe { epochs, keep_every, ..Recipe::default() }.kept();
        assert_eq!(kept(10, 4), [4, 8, 10]);
        assert_eq!(kept(8, 4), [4, 8]);
        assert_eq!(kept(3, 40), [3]);
    }

    #[test]
    fn a_row_overrides_the_study_and_the_study_the_estimator() {
        let study: TrainingChoice =
            toml::from_str("epochs = 3\nmomentum = 0.5\n[space]\nchannels = 4\n").unwrap();
        let row: TrainingChoice = toml::from_str("epochs = 5\n[space]\naffine = true\n").unwrap();
        let recipe = study.with(&row).resolve(Recipe::default(), None).unwrap();
        assert_eq!((recipe.epochs, recipe.momentum, recipe.batch_size), (5, 0.5, 128));
        assert_eq!(recipe.space["channels"], 4.into());
        assert_eq!(recipe.space["affine"], true.into());
        assert_eq!(recipe.space["cells"], 1.into());
    }

    #[test]
    fn what_makes_no_training_is_refused() {
        let wrong = |text: &str| {
            let choice: TrainingChoice = toml::from_str(text).unwrap();
            choice.resolve(Recipe::default(), None).unwrap_err().to_string()
        };
        assert_eq!(wrong("epochs = 0"), "training needs at least one epoch");
        assert!(wrong("images = 100").contains("at least one batch"));
        let paper = Recipe::preset("paper").unwrap();
        assert!(paper.check_images(40_000, 10_000).is_ok());
        let few = paper.check_images(40_000, 9_999).unwrap_err().to_string();
        assert!(few.contains("wants 10000 images") && few.contains("`validation-images`"), "{few}");
        assert!(wrong("learning-rate = -1.0").contains("learning rate above 0"));
        assert!(wrong("preset = \"papr\"").contains("did you mean `paper`?"));
        assert!(wrong("keep-every = 0").contains("`keep-every` of at least one epoch"));
        let flat = "normalisation = { mean = [0.5, 0.5, 0.5], std = [0.2, 0.0, 0.2] }";
        assert!(wrong(flat).contains("standard deviation above 0"));
    }

    #[test]
    fn a_change_that_changes_nothing_is_refused_and_a_presets_own_number_is_not() {
        let checked = |text: &str| {
            let choice: TrainingChoice = toml::from_str(text).unwrap();
            let recipe = choice.resolve(Recipe::default(), None).unwrap();
            choice.check_supernet(&recipe, 32).map_err(|error| error.to_string())
        };
        let refused = |text: &str, part: &str| {
            let said = checked(text).unwrap_err();
            assert!(said.contains(part), "{text}: {said}");
        };
        // The preset keeps every tenth, and evaluates batches of 250.
        assert_eq!(checked("epochs = 3\nvalidation-images = 96"), Ok(()));
        refused("epochs = 3\nkeep-every = 4", "`keep-every` of [training] is 4, and there are 3");
        assert_eq!(checked("epochs = 3\nkeep-every = 3"), Ok(()));
        let batches = "validation-images = 96\nvalidation-batch-size =";
        refused(&format!("{batches} 97"), "is 97, and there are 96 validation images");
        assert_eq!(checked(&format!("{batches} 96")), Ok(()));
        let steps = "images = 256\nbatch-size = 32\nobserve =";
        refused(&format!("{steps} 9"), "`observe` of [training] is 9, and there are 8 steps");
        assert_eq!(checked(&format!("{steps} 8")), Ok(()));
        refused("schedule = { kind = \"cosine\", last = 0.05 }", "below the first, 0.05");
        refused("epochs = 1\nschedule = { kind = \"cosine\", last = 0.0 }", "two epochs");
        let plateau = |factor: f64, patience: u32| {
            format!(
                "schedule = {{ kind = \"plateau\", factor = {factor:?}, patience = {patience} }}"
            )
        };
        refused(&plateau(1.0, 2), "`factor` is above 0 and below 1");
        refused(&plateau(0.0, 2), "`factor` is above 0 and below 1");
        refused(&plateau(0.5, 48), "`patience` is at most 47");
        assert_eq!(checked(&plateau(0.5, 47)), Ok(()));
        refused(&format!("epochs = 2\n{}", plateau(0.5, 0)), "at least three epochs");
    }
}

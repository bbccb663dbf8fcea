//! The changes that a study makes to the training of supernets.

use super::{StudyError, overlay::overlay, unknown_preset};
use osee_model::{
    device::DeviceKind,
    protocol::{Init, Normalisation},
    recipe::{Precision, Recipe},
    schedule::Schedule,
    settings::Value,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

overlay! {
    /// Changes to the estimators' own recipes.
    #[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    pub struct TrainingChoice {
        /// Preset to start from; the estimator's own recipe if absent.
        pub preset: Option<String>,
        /// Number of architectures that are observed for forgetting and gradients in every epoch
        /// with a kept checkpoint. Observing does not change the training.
        pub observe: Option<usize>,
        /// Settings of the search space, added to those of the recipe.
        pub space: BTreeMap<String, Value>,
    }
    changes Recipe {
        epochs: u32,
        batch_size: usize,
        images: usize,
        learning_rate: f64,
        momentum: f64,
        weight_decay: f64,
        max_norm: f64,
        augment: bool,
        cutout: usize,
        init: Init,
        keep_every: u32,
        validation_images: usize,
        validation_batch_size: usize,
        schedule: Schedule,
        normalisation: Normalisation,
        precision: Precision,
    }
}

impl TrainingChoice {
    /// The recipe of the preset; `None` if none is named.
    ///
    /// # Errors
    /// If the preset is unknown.
    pub fn base(&self) -> Result<Option<Recipe>, StudyError> {
        let Some(name) = &self.preset else { return Ok(None) };
        let unknown = || unknown_preset(name, &Recipe::PRESETS);
        Recipe::preset(name).ok_or_else(unknown).map(Some)
    }

    /// The recipe with the changes, starting from the preset or the estimator's `own`. `pixels` are
    /// the statistics of the images; `None` uses those of the recipe.
    ///
    /// # Errors
    /// If the preset is unknown, or the numbers are invalid.
    pub fn resolve(
        &self,
        own: Recipe,
        pixels: Option<Normalisation>,
    ) -> Result<Recipe, StudyError> {
        let mut base = self.base()?.unwrap_or(own);
        base.normalisation = pixels.unwrap_or(base.normalisation);
        base.space.extend(self.space.clone());
        let resolved = self.applied_to(base);
        resolved.check()?;
        Ok(resolved)
    }

    /// Refuses changes that have no effect on the training of a supernet. `recipe` is the resolved
    /// recipe, `side` the side of the images in pixels, and `device` where it is trained. A preset's own numbers are not changes.
    ///
    /// # Errors
    /// The first such change, with what is allowed.
    pub fn check_supernet(
        &self,
        recipe: &Recipe,
        side: usize,
        device: DeviceKind,
    ) -> Result<(), StudyError> {
        if recipe.precision == Precision::Tf32 && device.is_cpu() {
            return Err(StudyError::Invalid(
                "`precision` of [training] is \"tf32\", which has no effect on the CPU; choose a \
                 GPU by `device`, or \"bf16\""
                    .to_owned(),
            ));
        }
        let keep_every = self.keep_every.map(|it| it as usize);
        at_most("keep_every", keep_every, recipe.epochs as usize, "epochs")?;
        let of = "validation images";
        let size = self.validation_batch_size;
        at_most("validation_batch_size", size, recipe.validation_images, of)?;
        at_most("observe", self.observe, recipe.steps(), "steps in an epoch")?;
        self.check_common(recipe, side)
    }

    /// Refuses changes that have no effect on networks that are trained alone, where at most
    /// `judged` images are evaluated together.
    ///
    /// # Errors
    /// The first such change, with what is allowed.
    pub fn check_alone(
        &self,
        recipe: &Recipe,
        side: usize,
        judged: usize,
    ) -> Result<(), StudyError> {
        let unused = [
            ("keep_every", self.keep_every.is_some()),
            ("observe", self.observe.is_some()),
            ("precision", self.precision.is_some()),
        ];
        if let Some((field, _)) = unused.into_iter().find(|(_, given)| *given) {
            return Err(StudyError::Invalid(format!(
                "`{field}` of [training] is about supernets, and a benchmark trains networks alone; \
                 leave it out"
            )));
        }
        let size = self.validation_batch_size;
        at_most("validation_batch_size", size, judged, "images that are judged together")?;
        self.check_common(recipe, side)
    }

    /// Refuses changes that have no effect in either case.
    fn check_common(&self, recipe: &Recipe, side: usize) -> Result<(), StudyError> {
        if recipe.cutout >= side {
            return Err(StudyError::Invalid(format!(
                "`cutout` of [training] is {}; it must be below the side of the images, {side} pixels",
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

    /// These changes with those of `over` on top.
    pub fn with(&self, over: &Self) -> Self {
        let mut space = self.space.clone();
        space.extend(over.space.clone());
        Self {
            preset: over.preset.clone().or_else(|| self.preset.clone()),
            observe: over.observe.or(self.observe),
            space,
            ..over.clone().or(self)
        }
    }
}

/// Refuses a number greater than `most`.
fn at_most(field: &str, given: Option<usize>, most: usize, of: &str) -> Result<(), StudyError> {
    match given.filter(|given| *given > most) {
        None => Ok(()),
        Some(given) => Err(StudyError::Invalid(format!(
            "`{field}` of [training] is {given}, and there are {most} {of}; it can be no more"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        assert!(few.contains("wants 10000 images") && few.contains("`validation_images`"), "{few}");
        assert!(wrong("learning_rate = -1.0").contains("learning rate above 0"));
        assert!(wrong("preset = \"papr\"").contains("did you mean `paper`?"));
        assert!(wrong("keep_every = 0").contains("`keep_every` of at least one epoch"));
        let flat = "normalisation = { mean = [0.5, 0.5, 0.5], std = [0.2, 0.0, 0.2] }";
        assert!(wrong(flat).contains("standard deviation above 0"));
    }

    #[test]
    fn a_change_that_changes_nothing_is_refused_and_a_presets_own_number_is_not() {
        let checked = |text: &str| {
            let choice: TrainingChoice = toml::from_str(text).unwrap();
            let recipe = choice.resolve(Recipe::default(), None).unwrap();
            choice.check_supernet(&recipe, 32, DeviceKind::Cpu).map_err(|error| error.to_string())
        };
        let refused = |text: &str, part: &str| {
            let said = checked(text).unwrap_err();
            assert!(said.contains(part), "{text}: {said}");
        };
        // The preset keeps every tenth epoch, and evaluates batches of 250.
        assert_eq!(checked("epochs = 3\nvalidation_images = 96"), Ok(()));
        refused("epochs = 3\nkeep_every = 4", "`keep_every` of [training] is 4, and there are 3");
        assert_eq!(checked("epochs = 3\nkeep_every = 3"), Ok(()));
        let batches = "validation_images = 96\nvalidation_batch_size =";
        refused(&format!("{batches} 97"), "is 97, and there are 96 validation images");
        assert_eq!(checked(&format!("{batches} 96")), Ok(()));
        let steps = "images = 256\nbatch_size = 32\nobserve =";
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
        refused(
            "precision = \"tf32\"",
            "`precision` of [training] is \"tf32\", which has no effect",
        );
        assert_eq!(checked("precision = \"bf16\""), Ok(()));
    }
}

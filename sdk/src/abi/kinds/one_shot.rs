//! One-shot estimators across the boundary.

use super::{
    lent::{self, LentSpace},
    space::SpaceTable,
};
use crate::{
    OneShot, Result,
    abi::{
        answer::{DECLARED, Origin},
        document::{self, Document, OwnedDocument},
        guard::{self, FfiResult},
    },
    one_shot::{BatchResult, Epoch, Evaluation, Recipe, Sampled},
};
use abi_stable::{
    sabi_trait,
    sabi_trait::TD_Opaque,
    std_types::{RBox, RString, RVec},
};

/// Functions in a one-shot estimator's table.
#[sabi_trait]
pub trait FfiOneShot: Send + Sync {
    /// See [`OneShot::recipe`]; returns a document of a [`Recipe`].
    fn recipe(&self) -> FfiResult<OwnedDocument>;
    /// See [`OneShot::evaluation`]; returns a document of an [`Evaluation`].
    fn evaluation(&self) -> FfiResult<OwnedDocument>;
    /// See [`OneShot::survey`]; takes documents of the [`Epoch`] and the space's declaration.
    fn survey(
        &self,
        epoch: Document<'_>,
        info: Document<'_>,
        space: SpaceTable,
    ) -> FfiResult<RVec<RString>>;
    /// See [`OneShot::sample`]; takes the same, returns a document of [`Sampled`].
    fn sample(
        &self,
        epoch: Document<'_>,
        info: Document<'_>,
        space: SpaceTable,
    ) -> FfiResult<OwnedDocument>;
    /// See [`OneShot::score`]; takes a document of [`BatchResult`]s.
    fn score(&self, batches: Document<'_>) -> FfiResult<f64>;
}

/// The table of a one-shot estimator, as it crosses.
pub type OneShotTable = FfiOneShot_TO<'static, RBox<()>>;

struct Glue<T>(T);

impl<T: OneShot> FfiOneShot for Glue<T> {
    fn recipe(&self) -> FfiResult<OwnedDocument> {
        guard::run(|| Ok(document::encode(&self.0.recipe()).into()))
    }

    fn evaluation(&self) -> FfiResult<OwnedDocument> {
        guard::run(|| Ok(document::encode(&self.0.evaluation()).into()))
    }

    fn survey(
        &self,
        epoch: Document<'_>,
        info: Document<'_>,
        space: SpaceTable,
    ) -> FfiResult<RVec<RString>> {
        guard::run(|| {
            let epoch: Epoch = document::decode(epoch.as_slice())?;
            let wanted = self.0.survey(&epoch, &lent::view(info.as_slice(), space)?)?;
            Ok(wanted.into_iter().map(RString::from).collect())
        })
    }

    fn sample(
        &self,
        epoch: Document<'_>,
        info: Document<'_>,
        space: SpaceTable,
    ) -> FfiResult<OwnedDocument> {
        guard::run(|| {
            let epoch: Epoch = document::decode(epoch.as_slice())?;
            Ok(document::encode(&self.0.sample(&epoch, &lent::view(info.as_slice(), space)?)?)
                .into())
        })
    }

    fn score(&self, batches: Document<'_>) -> FfiResult<f64> {
        guard::run(|| {
            let batches: Vec<BatchResult> = document::decode(batches.as_slice())?;
            self.0.score(&batches)
        })
    }
}

/// Puts an author's one-shot estimator behind its table.
pub(crate) fn table<T: OneShot>(it: T) -> OneShotTable {
    FfiOneShot_TO::from_value(Glue(it), TD_Opaque)
}

/// A plugin's one-shot estimator, as the host calls it.
pub struct ForeignOneShot {
    table: OneShotTable,
    origin: Origin,
}

impl ForeignOneShot {
    pub(crate) fn new(table: OneShotTable, origin: Origin) -> Self {
        Self { table, origin }
    }

    /// See [`OneShot::recipe`].
    ///
    /// # Errors
    /// The plugin's panic, or a recipe that cannot be run.
    pub fn recipe(&self) -> Result<Recipe> {
        let call = self.origin.call("recipe");
        let recipe: Recipe =
            call.document(self.origin.watched("recipe", || self.table.recipe()))?;
        call.at_most(recipe.space.len(), DECLARED, "settings of the space")?;
        recipe.check().map_err(|error| {
            call.wrong(format!("a recipe that cannot be run: {error}"), "one that can")
        })?;
        Ok(recipe)
    }

    /// See [`OneShot::evaluation`].
    ///
    /// # Errors
    /// The plugin's panic, or an evaluation of no batches or no checkpoints.
    pub fn evaluation(&self) -> Result<Evaluation> {
        let call = self.origin.call("evaluation");
        let evaluation: Evaluation =
            call.document(self.origin.watched("evaluation", || self.table.evaluation()))?;
        let counts =
            [("batches", evaluation.batches), ("checkpoints", Some(evaluation.checkpoints))];
        match counts.into_iter().find(|(_, count)| *count == Some(0)) {
            Some((what, _)) => Err(call.wrong(format!("0 {what}"), "at least 1")),
            None => Ok(evaluation),
        }
    }

    /// See [`OneShot::survey`].
    ///
    /// # Errors
    /// The plugin's failure or panic, or text that is not an architecture.
    pub fn survey(&self, epoch: &Epoch, space: &LentSpace) -> Result<Vec<String>> {
        let epoch = document::encode(epoch);
        let info = space.info();
        let call = || self.table.survey(epoch.as_slice().into(), info.into(), space.lend());
        self.origin.call("survey").architectures(self.origin.watched("survey", call))
    }

    /// See [`OneShot::sample`].
    ///
    /// # Errors
    /// The plugin's failure or panic, a number of steps other than the epoch's,
    /// or a step without architectures.
    pub fn sample(&self, epoch: &Epoch, space: &LentSpace) -> Result<Sampled> {
        let call = self.origin.call("sample");
        let document = document::encode(epoch);
        let info = space.info();
        let make = || self.table.sample(document.as_slice().into(), info.into(), space.lend());
        let sampled: Sampled = call.document(self.origin.watched("sample", make))?;
        call.exactly(sampled.steps.len(), epoch.steps, "steps")?;
        if let Some(step) = sampled.steps.iter().position(Vec::is_empty) {
            let got = format!("no architecture for step {step}");
            return Err(call.wrong(got, "at least one for every step"));
        }
        sampled.steps.iter().flatten().try_for_each(|arch| call.is_architecture(arch))?;
        Ok(sampled)
    }

    /// See [`OneShot::score`].
    ///
    /// # Errors
    /// The plugin's failure or panic.
    pub fn score(&self, batches: &[BatchResult]) -> Result<f64> {
        let batches = document::encode(&batches.to_vec());
        let call = || self.table.score(batches.as_slice().into());
        guard::receive(self.origin.watched("score", call))
    }
}

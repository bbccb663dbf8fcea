//! A one-shot estimator behind its table, and the space that the host lends
//! it.

use super::{
    answer::{DECLARED, Origin},
    document,
    guard::{self, FfiResult},
    space::ForeignSpace,
    tables::{FfiOneShot, FfiOneShot_TO, FfiSpace, FfiSpace_TO, Instance},
};
use crate::{
    OneShot, Result,
    one_shot::{BatchResult, Epoch, Evaluation, Recipe, Sampled, Space},
};
use abi_stable::{
    sabi_trait::TD_Opaque,
    std_types::{RBox, ROk, RSlice, RStr, RString, RVec},
};
use osee_model::space::SpaceInfo;
use std::sync::Arc;

struct Glue<T>(T);

pub(crate) fn instance<T: OneShot>(it: T) -> Instance {
    Instance::OneShot(FfiOneShot_TO::from_value(Glue(it), TD_Opaque))
}

fn space(info: RSlice<'_, u8>, table: FfiSpace_TO<'static, RBox<()>>) -> Result<Space> {
    let info: SpaceInfo = document::decode(info.as_slice())?;
    let functions = ForeignSpace::from_table(table, &info.id);
    Ok(Space::new(info, functions))
}

impl<T: OneShot> FfiOneShot for Glue<T> {
    fn recipe(&self) -> FfiResult<RVec<u8>> {
        guard::run(|| Ok(document::encode(&self.0.recipe()).into()))
    }

    fn evaluation(&self) -> FfiResult<RVec<u8>> {
        guard::run(|| Ok(document::encode(&self.0.evaluation()).into()))
    }

    fn survey(
        &self,
        epoch: RSlice<'_, u8>,
        info: RSlice<'_, u8>,
        table: FfiSpace_TO<'static, RBox<()>>,
    ) -> FfiResult<RVec<RString>> {
        guard::run(|| {
            let epoch: Epoch = document::decode(epoch.as_slice())?;
            let wanted = self.0.survey(&epoch, &space(info, table)?)?;
            Ok(wanted.into_iter().map(RString::from).collect())
        })
    }

    fn sample(
        &self,
        epoch: RSlice<'_, u8>,
        info: RSlice<'_, u8>,
        table: FfiSpace_TO<'static, RBox<()>>,
    ) -> FfiResult<RVec<u8>> {
        guard::run(|| {
            let epoch: Epoch = document::decode(epoch.as_slice())?;
            Ok(document::encode(&self.0.sample(&epoch, &space(info, table)?)?).into())
        })
    }

    fn score(&self, batches: RSlice<'_, u8>) -> FfiResult<f64> {
        guard::run(|| {
            let batches: Vec<BatchResult> = document::decode(batches.as_slice())?;
            self.0.score(&batches)
        })
    }
}

/// A plugin's one-shot estimator.
pub struct ForeignOneShot {
    table: FfiOneShot_TO<'static, RBox<()>>,
    origin: Origin,
}

impl ForeignOneShot {
    pub(super) fn new(table: FfiOneShot_TO<'static, RBox<()>>, origin: Origin) -> Self {
        Self { table, origin }
    }

    /// See [`OneShot::recipe`].
    ///
    /// # Errors
    /// The plugin's panic, or numbers that make no training.
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
    /// The plugin's panic, or an evaluation of nothing.
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
    /// The plugin's failure or panic, or architectures that are none.
    pub fn survey(&self, epoch: &Epoch, space: &LentSpace) -> Result<Vec<String>> {
        let epoch = document::encode(epoch);
        let info = space.info.as_slice();
        let call = || self.table.survey(epoch.as_slice().into(), info.into(), space.lend());
        self.origin.call("survey").architectures(self.origin.watched("survey", call))
    }

    /// See [`OneShot::sample`].
    ///
    /// # Errors
    /// The plugin's failure or panic, or another number of steps than the
    /// epoch has, or one without architectures.
    pub fn sample(&self, epoch: &Epoch, space: &LentSpace) -> Result<Sampled> {
        let call = self.origin.call("sample");
        let document = document::encode(epoch);
        let info = space.info.as_slice();
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

/// Whether an architecture makes a network that can be trained, as far as its
/// lender can say.
pub type Fits = dyn Fn(&str) -> bool + Send + Sync;

/// A search space of one plugin on loan to another.
#[derive(Clone)]
pub struct LentSpace {
    info: Vec<u8>,
    functions: Arc<ForeignSpace>,
    fits: Option<Arc<Fits>>,
}

impl LentSpace {
    /// What `info` and `functions` describe.
    pub fn new(info: &SpaceInfo, functions: Arc<ForeignSpace>) -> Self {
        Self { info: document::encode(info), functions, fits: None }
    }

    /// One whose [`Space::trainable`] are only those that `fits` as well.
    #[must_use]
    pub fn with_trainable(self, fits: impl Fn(&str) -> bool + Send + Sync + 'static) -> Self {
        Self { fits: Some(Arc::new(fits)), ..self }
    }

    /// As an author sees it.
    ///
    /// # Errors
    /// When the declaration is damaged.
    pub fn view(&self) -> Result<Space> {
        space(self.info.as_slice().into(), self.lend())
    }

    fn lend(&self) -> FfiSpace_TO<'static, RBox<()>> {
        let relay = Relay { space: Arc::clone(&self.functions), fits: self.fits.clone() };
        FfiSpace_TO::from_value(relay, TD_Opaque)
    }
}

/// Hands calls of one plugin on to another's space. Sizes are looked at on the
/// way; the other side, which reads the answers, looks at what is in them.
struct Relay {
    space: Arc<ForeignSpace>,
    fits: Option<Arc<Fits>>,
}

impl Relay {
    fn documents(
        &self,
        call: &'static str,
        of: RStr<'_>,
        ask: impl FnOnce(&FfiSpace_TO<'static, RBox<()>>) -> FfiResult<RVec<u8>>,
    ) -> FfiResult<RVec<u8>> {
        let (table, origin) = self.space.parts();
        guard::run(|| origin.call(call).bytes(origin.named(call, of, ask(table))))
    }
}

impl FfiSpace for Relay {
    fn architecture(&self, index: u64) -> FfiResult<RString> {
        guard::run(|| self.space.architecture(index).map(RString::from))
    }
    fn parse(&self, arch: RStr<'_>) -> FfiResult<RString> {
        guard::run(|| self.space.parse(arch.as_str()).map(RString::from))
    }
    fn canonical(&self, arch: RStr<'_>) -> FfiResult<RString> {
        guard::run(|| self.space.canonical(arch.as_str()).map(RString::from))
    }
    fn mutations(&self, arch: RStr<'_>) -> FfiResult<RVec<u8>> {
        self.documents("mutations", arch, |table| table.mutations(arch))
    }
    fn graph(&self, arch: RStr<'_>, settings: RSlice<'_, u8>) -> FfiResult<RVec<u8>> {
        self.documents("graph", arch, |table| table.graph(arch, settings))
    }
    fn trainable(&self, arch: RStr<'_>) -> FfiResult<bool> {
        match (self.space.parts().0.trainable(arch), &self.fits) {
            (ROk(true), Some(fits)) => guard::run(|| Ok(fits(arch.as_str()))),
            (says, _) => says,
        }
    }

    fn benchmark_counts(&self, arch: RStr<'_>) -> FfiResult<RVec<u8>> {
        self.documents("benchmark_counts", arch, |table| table.benchmark_counts(arch))
    }
}

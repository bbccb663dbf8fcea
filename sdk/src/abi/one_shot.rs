//! A one-shot estimator behind its table, and the space that the host lends
//! it.

use super::{
    document,
    guard::{self, FfiResult},
    root::{FfiSpace, FfiSpace_TO, ForeignSpace, Instance},
    watch,
};
use crate::{
    OneShot, Result,
    one_shot::{BatchResult, Epoch, Evaluation, Recipe, Sampled, Space},
};
use abi_stable::{
    sabi_trait,
    sabi_trait::TD_Opaque,
    std_types::{RBox, RSlice, RStr, RString, RVec},
};
use osee_core::space::SpaceInfo;
use std::sync::Arc;

#[sabi_trait]
pub trait FfiOneShot: Send + Sync {
    fn recipe(&self) -> FfiResult<RVec<u8>>;
    fn evaluation(&self) -> FfiResult<RVec<u8>>;
    fn survey(
        &self,
        epoch: RSlice<'_, u8>,
        info: RSlice<'_, u8>,
        space: FfiSpace_TO<'static, RBox<()>>,
    ) -> FfiResult<RVec<RString>>;
    fn sample(
        &self,
        epoch: RSlice<'_, u8>,
        info: RSlice<'_, u8>,
        space: FfiSpace_TO<'static, RBox<()>>,
    ) -> FfiResult<RVec<u8>>;
    fn score(&self, batches: RSlice<'_, u8>) -> FfiResult<f64>;
}

struct Glue<T>(T);

pub(crate) fn instance<T: OneShot>(it: T) -> Instance {
    Instance::OneShot(FfiOneShot_TO::from_value(Glue(it), TD_Opaque))
}

fn space(info: RSlice<'_, u8>, table: FfiSpace_TO<'static, RBox<()>>) -> Result<Space> {
    let info: SpaceInfo = document::decode(info.as_slice())?;
    Ok(Space::new(info, ForeignSpace::from_table(table)))
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
pub struct ForeignOneShot(pub(super) FfiOneShot_TO<'static, RBox<()>>, pub(super) String);

impl ForeignOneShot {
    /// See [`OneShot::recipe`].
    ///
    /// # Errors
    /// The plugin's panic.
    pub fn recipe(&self) -> Result<Recipe> {
        document::decode(&guard::receive(self.watched("recipe", || self.0.recipe()))?)
    }

    /// See [`OneShot::evaluation`].
    ///
    /// # Errors
    /// The plugin's panic.
    pub fn evaluation(&self) -> Result<Evaluation> {
        document::decode(&guard::receive(self.watched("evaluation", || self.0.evaluation()))?)
    }

    /// See [`OneShot::survey`].
    ///
    /// # Errors
    /// The plugin's failure or panic.
    pub fn survey(&self, epoch: &Epoch, space: &LentSpace) -> Result<Vec<String>> {
        let epoch = document::encode(epoch);
        let info = space.info.as_slice();
        let call = || self.0.survey(epoch.as_slice().into(), info.into(), space.lend());
        let wanted = guard::receive(self.watched("survey", call))?;
        Ok(wanted.into_iter().map(RString::into_string).collect())
    }

    /// See [`OneShot::sample`].
    ///
    /// # Errors
    /// The plugin's failure or panic.
    pub fn sample(&self, epoch: &Epoch, space: &LentSpace) -> Result<Sampled> {
        let epoch = document::encode(epoch);
        let info = space.info.as_slice();
        let call = || self.0.sample(epoch.as_slice().into(), info.into(), space.lend());
        document::decode(&guard::receive(self.watched("sample", call))?)
    }

    /// See [`OneShot::score`].
    ///
    /// # Errors
    /// The plugin's failure or panic.
    pub fn score(&self, batches: &[BatchResult]) -> Result<f64> {
        let batches = document::encode(&batches.to_vec());
        guard::receive(self.watched("score", || self.0.score(batches.as_slice().into())))
    }

    fn watched<T>(&self, what: &str, call: impl FnOnce() -> T) -> T {
        watch::during(|| format!("estimator `{}`, {what}", self.1), call)
    }
}

/// A search space of one plugin on loan to another.
#[derive(Clone)]
pub struct LentSpace {
    info: Vec<u8>,
    functions: Arc<ForeignSpace>,
}

impl LentSpace {
    /// What `info` and `functions` describe.
    pub fn new(info: &SpaceInfo, functions: Arc<ForeignSpace>) -> Self {
        Self { info: document::encode(info), functions }
    }

    /// As an author sees it.
    ///
    /// # Errors
    /// When the declaration is damaged.
    pub fn view(&self) -> Result<Space> {
        space(self.info.as_slice().into(), self.lend())
    }

    fn lend(&self) -> FfiSpace_TO<'static, RBox<()>> {
        FfiSpace_TO::from_value(Relay(Arc::clone(&self.functions)), TD_Opaque)
    }
}

/// Hands calls of one plugin on to another's space.
struct Relay(Arc<ForeignSpace>);

impl FfiSpace for Relay {
    fn architecture(&self, index: u64) -> FfiResult<RString> {
        self.0.table().architecture(index)
    }
    fn parse(&self, arch: RStr<'_>) -> FfiResult<RString> {
        self.0.table().parse(arch)
    }
    fn canonical(&self, arch: RStr<'_>) -> FfiResult<RString> {
        self.0.table().canonical(arch)
    }
    fn mutations(&self, arch: RStr<'_>) -> FfiResult<RVec<u8>> {
        self.0.table().mutations(arch)
    }
    fn graph(&self, arch: RStr<'_>, settings: RSlice<'_, u8>) -> FfiResult<RVec<u8>> {
        self.0.table().graph(arch, settings)
    }
    fn trainable(&self, arch: RStr<'_>) -> FfiResult<bool> {
        self.0.table().trainable(arch)
    }

    fn benchmark_counts(&self, arch: RStr<'_>) -> FfiResult<RVec<u8>> {
        self.0.table().benchmark_counts(arch)
    }
}

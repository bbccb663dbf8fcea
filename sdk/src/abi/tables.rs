//! The tables of what a plugin exports: what both sides of the boundary agree
//! on.

use super::{guard::FfiResult, network::FfiNetwork_TO};
use abi_stable::{
    StableAbi, sabi_trait,
    std_types::{RBox, RSlice, RStr, RString, RVec},
};
use osee_model::estimator::EstimatorKind;

/// One created export.
#[repr(C)]
#[derive(StableAbi)]
pub enum Instance {
    ZeroShot(FfiZeroShot_TO<'static, RBox<()>>),
    Baseline(FfiBaseline_TO<'static, RBox<()>>),
    Meta(FfiMeta_TO<'static, RBox<()>>),
    Space(FfiSpace_TO<'static, RBox<()>>),
    OneShot(FfiOneShot_TO<'static, RBox<()>>),
}

impl Instance {
    /// Of estimators.
    pub(super) fn kind(&self) -> Option<EstimatorKind> {
        match self {
            Self::ZeroShot(_) => Some(EstimatorKind::ZeroShot),
            Self::Baseline(_) => Some(EstimatorKind::Baseline),
            Self::Meta(_) => Some(EstimatorKind::Meta),
            Self::OneShot(_) => Some(EstimatorKind::OneShot),
            Self::Space(_) => None,
        }
    }
}

#[sabi_trait]
pub trait FfiZeroShot: Send + Sync {
    fn score(&self, network: FfiNetwork_TO<'static, RBox<()>>) -> FfiResult<f64>;
}

#[sabi_trait]
pub trait FfiBaseline: Send + Sync {
    fn score(&self, graph: RSlice<'_, u8>) -> FfiResult<f64>;
}

#[sabi_trait]
pub trait FfiMeta: Send + Sync {
    fn needs(&self) -> FfiResult<RVec<RString>>;
    fn scores(&self, population: RSlice<'_, u8>) -> FfiResult<RVec<f64>>;
}

#[sabi_trait]
pub trait FfiSpace: Send + Sync {
    fn architecture(&self, index: u64) -> FfiResult<RString>;
    fn parse(&self, arch: RStr<'_>) -> FfiResult<RString>;
    fn canonical(&self, arch: RStr<'_>) -> FfiResult<RString>;
    fn mutations(&self, arch: RStr<'_>) -> FfiResult<RVec<u8>>;
    fn graph(&self, arch: RStr<'_>, settings: RSlice<'_, u8>) -> FfiResult<RVec<u8>>;
    fn trainable(&self, arch: RStr<'_>) -> FfiResult<bool>;
    fn benchmark_counts(&self, arch: RStr<'_>) -> FfiResult<RVec<u8>>;
}

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

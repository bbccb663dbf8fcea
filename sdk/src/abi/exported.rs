//! The exports of a library, collected inside it by the inventory crate.

use super::{
    instance::Instance,
    kinds::{baseline, meta, one_shot, space, zero_shot},
};
use crate::{Baseline, ExportInfo, Meta, OneShot, Result, SearchSpace, ZeroShot};
use osee_model::{
    estimator::{EstimatorInfo, EstimatorKind},
    settings::Settings,
};

/// One exported estimator or space. Made by [`export!`](crate::export).
pub struct Export {
    pub(super) info: fn() -> ExportInfo,
    pub(super) create: fn(&Settings) -> Result<Instance>,
}

inventory::collect!(Export);

/// An estimator's declaration, with the kind that its trait implies.
fn estimator(kind: EstimatorKind, info: EstimatorInfo) -> ExportInfo {
    ExportInfo::Estimator(info.of_kind(kind))
}

impl Export {
    /// Exports a zero-shot estimator.
    pub const fn zero_shot<T: ZeroShot>() -> Self {
        Self {
            info: || estimator(EstimatorKind::ZeroShot, T::info()),
            create: |settings| Ok(Instance::ZeroShot(zero_shot::table(T::new(settings)?))),
        }
    }

    /// Exports a one-shot estimator.
    pub const fn one_shot<T: OneShot>() -> Self {
        Self {
            info: || estimator(EstimatorKind::OneShot, T::info()),
            create: |settings| Ok(Instance::OneShot(one_shot::table(T::new(settings)?))),
        }
    }

    /// Exports a baseline.
    pub const fn baseline<T: Baseline>() -> Self {
        Self {
            info: || estimator(EstimatorKind::Baseline, T::info()),
            create: |settings| Ok(Instance::Baseline(baseline::table(T::new(settings)?))),
        }
    }

    /// Exports a meta estimator.
    pub const fn meta<T: Meta>() -> Self {
        Self {
            info: || estimator(EstimatorKind::Meta, T::info()),
            create: |settings| Ok(Instance::Meta(meta::table(T::new(settings)?))),
        }
    }

    /// Exports a search space, which takes its settings with each call.
    pub const fn space<T: SearchSpace>() -> Self {
        Self {
            info: || ExportInfo::Space(T::info()),
            create: |_| Ok(Instance::Space(space::table(T::new()))),
        }
    }
}

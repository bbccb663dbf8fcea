//! A created export, whatever its kind: as it crosses, and as its consumer has it.

use super::{
    answer::Origin,
    kinds::{
        baseline::{BaselineTable, ForeignBaseline},
        meta::{ForeignMeta, MetaTable},
        one_shot::{ForeignOneShot, OneShotTable},
        space::{ForeignSpace, SpaceTable},
        zero_shot::{ForeignZeroShot, ZeroShotTable},
    },
};
use crate::{Error, ExportKind};
use abi_stable::StableAbi;
use osee_model::estimator::EstimatorKind;

/// What crosses.
#[repr(C)]
#[derive(StableAbi)]
pub enum Instance {
    /// A zero-shot estimator.
    ZeroShot(ZeroShotTable),
    /// A baseline.
    Baseline(BaselineTable),
    /// A meta estimator.
    Meta(MetaTable),
    /// A search space.
    Space(SpaceTable),
    /// A one-shot estimator.
    OneShot(OneShotTable),
}

impl Instance {
    /// Its kind.
    pub(super) fn kind(&self) -> ExportKind {
        match self {
            Self::ZeroShot(_) => EstimatorKind::ZeroShot.into(),
            Self::Baseline(_) => EstimatorKind::Baseline.into(),
            Self::Meta(_) => EstimatorKind::Meta.into(),
            Self::OneShot(_) => EstimatorKind::OneShot.into(),
            Self::Space(_) => ExportKind::Space,
        }
    }
}

/// A created export of a plugin.
pub enum Foreign {
    /// A zero-shot estimator.
    ZeroShot(ForeignZeroShot),
    /// A baseline.
    Baseline(ForeignBaseline),
    /// A meta estimator.
    Meta(ForeignMeta),
    /// A search space.
    Space(ForeignSpace),
    /// A one-shot estimator.
    OneShot(ForeignOneShot),
}

impl Foreign {
    /// What `origin` has created.
    pub(super) fn new(instance: Instance, origin: Origin) -> Self {
        match instance {
            Instance::ZeroShot(it) => Self::ZeroShot(ForeignZeroShot::new(it, origin)),
            Instance::Baseline(it) => Self::Baseline(ForeignBaseline::new(it, origin)),
            Instance::Meta(it) => Self::Meta(ForeignMeta::new(it, origin)),
            Instance::Space(it) => Self::Space(ForeignSpace::new(it, origin)),
            Instance::OneShot(it) => Self::OneShot(ForeignOneShot::new(it, origin)),
        }
    }
}

macro_rules! of_one_kind {
    ($($variant:ident $foreign:ident;)+) => {$(
        impl TryFrom<Foreign> for $foreign {
            type Error = Error;

            fn try_from(it: Foreign) -> Result<Self, Error> {
                match it {
                    Foreign::$variant(it) => Ok(it),
                    _ => Err(Error::new("the export is of another kind")),
                }
            }
        }
    )+};
}

of_one_kind! {
    ZeroShot ForeignZeroShot;
    Baseline ForeignBaseline;
    Meta ForeignMeta;
    Space ForeignSpace;
    OneShot ForeignOneShot;
}

//! A created export of any kind: as it crosses the boundary, and as the host uses it.

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

/// A created export as it crosses the boundary.
#[repr(C)]
#[derive(StableAbi)]
pub enum Instance {
    /// The table of a zero-shot estimator.
    ZeroShot(ZeroShotTable),
    /// The table of a baseline.
    Baseline(BaselineTable),
    /// The table of a meta estimator.
    Meta(MetaTable),
    /// The table of a search space.
    Space(SpaceTable),
    /// The table of a one-shot estimator.
    OneShot(OneShotTable),
}

impl Instance {
    /// The kind that was created, to compare with the kind that was asked for.
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

/// A created export of a plugin, as its consumer uses it: answers are checked.
pub enum Foreign {
    /// A zero-shot estimator, behind checks.
    ZeroShot(ForeignZeroShot),
    /// A baseline, behind checks.
    Baseline(ForeignBaseline),
    /// A meta estimator, behind checks.
    Meta(ForeignMeta),
    /// A search space, behind checks.
    Space(ForeignSpace),
    /// A one-shot estimator, behind checks.
    OneShot(ForeignOneShot),
}

impl Foreign {
    /// Wraps an instance that the export `origin` created.
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

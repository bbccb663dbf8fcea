//! Everything that an author of an osee plugin needs.
//!
//! ```no_run
//! use osee_sdk::prelude::*;
//!
//! struct LossAtStart;
//!
//! impl ZeroShot for LossAtStart {
//!     fn info() -> EstimatorInfo {
//!         EstimatorInfo::new("loss_at_start", "1")
//!             .direction(Direction::LowerIsBetter)
//!             .summary("cross-entropy of the untrained network")
//!     }
//!     fn new(_: &Settings) -> Result<Self> {
//!         Ok(Self)
//!     }
//!     fn score(&self, network: &Network) -> Result<f64> {
//!         network.loss()
//!     }
//! }
//!
//! osee_sdk::export! { zero_shot: LossAtStart }
//! # fn main() {}
//! ```
//!
//! Build the crate as a `cdylib` and run `osee-host --plugin libmine.so`. The crate
//! `osee-testkit` tests it, natively and as a library.
//!
//! Only three things cross the plugin boundary: small tables of functions checked by
//! abi_stable, documents as bytes, and tensors as handles inside the process's one
//! libtorch. All of that lives in `abi`, which authors do not need; the rest is safe
//! Rust.

#[doc(hidden)]
pub mod abi;
mod author;
mod autograd;
mod document;
mod draws;
mod error;
mod export;
mod measurement;
mod network;
mod numbers;
mod one_shot;
mod variation;

pub use author::{Baseline, Meta, Population, SearchSpace, ZeroShot};
pub use autograd::{differentiable_gradients, gradients};
pub use draws::{Draws, mean_over_draws};
pub use error::{Error, Result};
pub use export::{ExportInfo, ExportKind};
pub use measurement::{BatchNormMode, Measurement, Objective, Signs, Tangent};
pub use network::{Activation, Batch, LayerGradient, NamedTensor, Network};
pub use numbers::{numbers, sum_over, sum_over_entries};
pub use one_shot::{
    BatchResult, Epoch, Evaluation, OneShot, Recipe, Sampled, Schedule, Space, Surveyed,
};

pub use variation::{Images, NormStatistics, Variation, Weights};

/// The version of libtorch that this crate is compiled against.
pub const LIBTORCH: &str = env!("OSEE_LIBTORCH_VERSION");

pub use osee_model as model;
/// The torch bindings that every plugin must use. The sdk re-exports them so that
/// there is only one version.
pub use tch;

#[doc(hidden)]
pub mod __private {
    pub use crate::abi::{
        exported::Export,
        header::PluginHeader,
        root::{LibHeader, lib_header},
    };
    pub use inventory;
}

/// The names that a plugin's source file imports.
pub mod prelude {
    pub use crate::{
        Activation, Baseline, Batch, BatchNormMode, BatchResult, Draws, Epoch, Error, Evaluation,
        Images, LayerGradient, Meta, NamedTensor, Network, NormStatistics, Objective, OneShot,
        Population, Recipe, Result, Sampled, Schedule, SearchSpace, Signs, Space, Surveyed,
        Tangent, Variation, Weights, ZeroShot, mean_over_draws, numbers, sum_over,
        sum_over_entries,
    };
    pub use osee_model::{
        estimator::{Direction, EstimatorInfo, Group},
        graph::{
            ConvSpec, Graph, GraphBuilder, NodeId, Op, ParamRole, Pool, PoolKind, Select, Shape,
            Shared,
        },
        settings::{SettingSpec, Settings, Value},
        space::{Counts, Mutation, SpaceInfo, TruthColumns},
    };
    pub use tch::{self, Kind, Tensor};
}

//! All that an author of an osee plugin needs.
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
//! Build it as a `cdylib` and run `osee-host --plugin libmine.so`. Crate
//! `osee-testkit` tests it, natively and as a library.
//!
//! Three things cross the boundary, and only these: small tables checked by
//! abi_stable, documents as bytes, and tensors as handles inside the one
//! libtorch of the process. All of that lives in `abi`, which authors have no use
//! for; the rest is safe Rust.

#[doc(hidden)]
pub mod abi;
mod author;
mod error;
mod export;
mod measurement;
mod network;
mod one_shot;

pub use author::{Baseline, Meta, Population, SearchSpace, ZeroShot};
pub use error::{Error, Result};
pub use export::{ExportInfo, ExportKind};
pub use measurement::{BatchNormMode, Measurement};
pub use network::{Activation, Batch, LayerGradient, NamedTensor, Network};
pub use network::{differentiable_gradients, gradients};
pub use one_shot::{
    BatchResult, Epoch, Evaluation, OneShot, Recipe, Sampled, Schedule, Space, Surveyed,
};

/// Version of libtorch that this is compiled against.
pub const LIBTORCH: &str = env!("OSEE_LIBTORCH_VERSION");

pub use osee_model as model;
/// The torch bindings every plugin must use: the sdk's own, so that there is
/// one version of them.
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

/// What an author's file starts with.
pub mod prelude {
    pub use crate::{
        Activation, Baseline, Batch, BatchNormMode, BatchResult, Epoch, Error, Evaluation,
        LayerGradient, Meta, NamedTensor, Network, OneShot, Population, Recipe, Result, Sampled,
        Schedule, SearchSpace, Space, Surveyed, ZeroShot,
    };
    pub use osee_model::{
        estimator::{Direction, EstimatorInfo},
        graph::{
            ConvSpec, Graph, GraphBuilder, NodeId, Op, ParamRole, Pool, PoolKind, Select, Shape,
            Shared,
        },
        settings::{SettingSpec, Settings, Value},
        space::{Counts, Mutation, SpaceInfo, TruthColumns},
    };
    pub use tch::{self, Kind, Tensor};
}

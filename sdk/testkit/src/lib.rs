//! Tests of plugins: the same calls natively, through the boundary's tables, and
//! through a built library.
//!
//! ```
//! use osee_sdk::{Measurement, prelude::*};
//! use osee_testkit::{FixedNetwork, Library, small_graph};
//! # struct LossAtStart;
//! # impl ZeroShot for LossAtStart {
//! #     fn info() -> EstimatorInfo { EstimatorInfo::new("loss_at_start", "1") }
//! #     fn new(_: &Settings) -> Result<Self> { Ok(Self) }
//! #     fn score(&self, network: &Network) -> Result<f64> { network.loss() }
//! # }
//! # osee_sdk::export! { zero_shot: LossAtStart }
//! # fn main() -> Result<()> {
//! let network =
//!     FixedNetwork::new(small_graph()).with(Measurement::Loss, vec![Tensor::from(2.5f64)]);
//! let native = LossAtStart::new(&LossAtStart::info().defaults())?;
//! assert_eq!(native.score(&network.view()), Ok(2.5));
//! assert_eq!(Library::here().zero_shot("loss_at_start")?.score(&network), Ok(2.5));
//! # Ok(())
//! # }
//! ```
//!
//! If the crate is both a `cdylib` and an `rlib`, it can be tested as a library, too:
//! `Library::of_crate("my_zse")?.zero_shot("my_zse")?.score(&network)`.

mod library;
mod network;
mod notation;
mod small_space;

pub use library::Library;
pub use network::{FixedNetwork, small_graph};
pub use notation::{notation, read_back};
pub use small_space::{Chain, SmallSpace, small_space};

//! The domain of osee, on top of `osee_model`: what is to be computed (a [`study`]), [row] by row;
//! the results (the [`store`] in a [run's directory](run_dir)); how a score is judged ([`criteria`]
//! against a [`truth`] table) and why it errs ([`analysis`]); and how a [`benchmark`] is built.
//!
//! Invariant: nothing here knows torch, the plugin boundary or the terminal.

pub mod analysis;
pub mod benchmark;
pub mod criteria;
pub mod embedded;
pub mod mean;
mod normal;
pub mod row;
pub mod run_dir;
pub mod shard;
pub mod store;
pub mod study;
pub mod truth;

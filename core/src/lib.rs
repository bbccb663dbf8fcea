//! The domain of osee, in pure Rust: what an architecture is (a [`graph`]),
//! what a search [`space`] and an [`estimator`] are, how a supernet is trained
//! ([`one_shot`]), how a score is judged
//! ([`criteria`] against a [`truth`] table) and why it errs ([`analysis`]),
//! what is to be computed (a
//! [`study`]) and what was computed (the [`store`]).
//! [`csv_text`] writes tables.
//!
//! Invariant: nothing here knows torch, the plugin boundary or the terminal.

pub mod analysis;
pub mod benchmark;
pub mod criteria;
pub mod csv_text;
pub mod embedded;
pub mod estimator;
pub mod graph;
pub mod hex;
pub mod mean;
mod normal;
pub mod notation;
pub mod one_shot;
pub mod paths;
pub mod protocol;
pub mod seed;
pub mod settings;
pub mod shard;
pub mod space;
pub mod store;
pub mod study;
pub mod truth;

//! What osee and its plugins both speak of: what an architecture is (a
//! [`graph`], read from its [`notation`]), what a search [`space`] and an
//! [`estimator`] are and which [`settings`] they take, how networks are put before
//! an estimator ([`protocol`]), how a supernet is trained ([`recipe`],
//! [`schedule`]) and judged ([`evaluation`]), and where random numbers come from
//! ([`seed`]).
//!
//! Invariant: nothing here reads or writes a file, knows torch, or knows how it
//! crosses the plugin boundary. Plugin authors build this crate, so it has few
//! dependencies.

pub mod data_source;
pub mod device;
pub mod estimator;
pub mod evaluation;
pub mod graph;
pub mod hex;
pub mod notation;
pub mod paths;
pub mod protocol;
pub mod recipe;
pub mod schedule;
pub mod seed;
pub mod settings;
pub mod space;

//! The types that osee and its plugins share: an architecture as a [`graph`] and its [`notation`],
//! search [`space`]s and [`estimator`]s with their [`settings`], the [`protocol`] by which
//! estimators see networks, how a supernet is trained ([`recipe`], [`schedule`]) and evaluated
//! ([`evaluation`]), and where random numbers come from ([`seed`]).
//!
//! Invariant: nothing here reads or writes a file, knows torch, or knows how it crosses the plugin
//! boundary. Plugin authors build this crate, so it has few dependencies.

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

//! The plugin boundary, and the only home of abi_stable.
//!
//! Tables ([`tables`]) and their two sides: the producer's in [`glue`] and
//! [`one_shot`], the consumer's in [`space`], [`one_shot`] and [`root`], which has
//! the one table that a library exports.
//!
//! Invariants: no panic crosses ([`guard`]); no Rust type of tch, serde or
//! the engine crosses, only tables, bytes and tensor handles; whoever makes
//! an object frees it.
#![allow(
    non_local_definitions,
    clippy::undocumented_unsafe_blocks,
    missing_docs,
    reason = "expansions of abi_stable 0.11's derives"
)]

pub mod answer;
mod declaration;
pub mod document;
pub mod glue;
pub mod guard;
pub mod header;
pub mod network;
pub mod one_shot;
pub mod root;
pub mod space;
pub mod tables;
pub mod tensor;
pub mod watch;

//! What crosses the boundary, one file per kind. Each file has the table, then the
//! producer's side (an author's type behind the table), then the consumer's
//! (`Foreign..`, which checks the answers). Only a [`network`] is produced by the
//! host and consumed by the plugin.
#![allow(non_local_definitions, reason = "expansions of abi_stable 0.11's sabi_trait")]

pub mod baseline;
pub mod lent;
pub mod meta;
pub mod network;
pub mod one_shot;
pub mod space;
pub mod zero_shot;

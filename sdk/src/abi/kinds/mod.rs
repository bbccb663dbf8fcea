//! What crosses the boundary, kind by kind: one file each, with its table, then
//! the producer's side (an author's type behind the table), then the consumer's
//! (`Foreign..`, which checks what comes back). A [`network`] is the one that the
//! host produces and the plugin consumes.
#![allow(non_local_definitions, reason = "expansions of abi_stable 0.11's sabi_trait")]

pub mod baseline;
pub mod lent;
pub mod meta;
pub mod network;
pub mod one_shot;
pub mod space;
pub mod zero_shot;

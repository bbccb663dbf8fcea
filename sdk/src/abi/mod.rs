//! The plugin boundary, and the only place that uses abi_stable. Plugin authors do not
//! need it: it serves the [`export!`](crate::export) macro, the host and the test kit.
//!
//! Each file uses only those above it:
//!
//! | file | contents |
//! |---|---|
//! | [`header`] | what a plugin was built with, as data in its file |
//! | [`document`], [`tensor`] | what crosses besides tables |
//! | [`guard`] | failures and panics on their way across |
//! | [`watch`] | which call into a plugin is under way |
//! | [`answer`] | checks of a plugin's answers, where they arrive |
//! | [`graph`] | graphs lent to estimators |
//! | [`kinds`] | tables, and both sides of each, by kind |
//! | [`instance`] | a created export of any kind |
//! | [`exported`] | the exports of a library, collected inside it |
//! | `declaration` | checks of what exports declare, where it arrives |
//! | [`root`] | the one table that a library has, and both sides of it |
//!
//! Invariants: no panic crosses ([`guard`]); no Rust type of tch, serde or
//! the engine crosses, only tables, bytes and tensor handles; the side that makes
//! an object frees it.

pub mod answer;
mod declaration;
pub mod document;
pub mod exported;
pub mod graph;
pub mod guard;
pub mod header;
pub mod instance;
pub mod kinds;
pub mod root;
pub mod tensor;
pub mod watch;

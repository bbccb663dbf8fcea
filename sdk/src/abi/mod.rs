//! The plugin boundary, and the only home of abi_stable. Not for authors: the
//! [`export!`](crate::export) macro, the host and the test kit use it.
//!
//! Each file uses only those above it:
//!
//! | file | what it has |
//! |---|---|
//! | [`header`] | what a plugin was built with, as data in its file |
//! | [`document`], [`tensor`] | what crosses besides tables |
//! | [`guard`] | failures and panics on their way across |
//! | [`watch`] | which call of a plugin is under way |
//! | [`answer`] | what a plugin answers, checked where it arrives |
//! | [`graph`] | graphs that estimators are lent |
//! | [`kinds`] | tables, and both sides of each, by kind |
//! | [`instance`] | a created export of any kind |
//! | [`exported`] | what a library exports, collected inside it |
//! | `declaration` | what exports declare, checked where it arrives |
//! | [`root`] | the one table that a library has, and both sides of it |
//!
//! Invariants: no panic crosses ([`guard`]); no Rust type of tch, serde or
//! the engine crosses, only tables, bytes and tensor handles; whoever makes
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

//! The osee host, room by room in the order the data takes: the command line
//! ([`cli`]) makes a study, the [`runner`] plans it and hands architectures to
//! [`worker`] processes, which [load](loader) plugins, put [`data`] through
//! the torch [`engine`] as [`networks`] that fit it and let estimators judge; the
//! [`report`] joins stored scores with the truth, [`analysis`] says why they
//! differ, and [`export`] hands them to other programs. A [`supervisor`] looks
//! after commands that load plugins of one's own; the [`catalog`] gets tables and
//! images by name; the [`terminal`] is what all of them print to.
//!
//! Invariant: no bundled plugin is named here; all are found as files.

pub mod analysis;
pub mod benchmark;
pub mod catalog;
pub mod child;
pub mod cli;
pub mod conformance;
pub mod exit;
pub mod export;
#[doc(hidden)]
pub mod fuzz;
pub mod leaderboard;
pub mod loader;
pub mod networks;
pub mod one_shot;
pub mod plan;
pub mod progress;
pub mod relay;
pub mod runner;
pub mod stop;
pub mod supervisor;
pub mod terminal;
pub mod truth;
pub mod worker;

//! The osee host, room by room in the order the data takes. The command line ([`cli`])
//! makes a study. The [`runner`] plans it and hands architectures to [`worker`]
//! processes, which [load](loader) plugins, put [`data`] through the torch [`engine`]
//! as [`networks`] that fit it, and let estimators judge. The [`report`] joins stored
//! scores with the truth, [`analysis`] says why they differ, and [`export`] hands them
//! to other programs. A [`supervisor`] watches commands that load user plugins; the
//! [`catalog`] gets tables and images by name; all of them print to the [`terminal`].
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
#[cfg(any(test, fuzzing))]
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

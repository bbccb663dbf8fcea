//! Joins stored scores with the truth, and makes a leaderboard.

mod across;
pub(crate) mod beside;
mod board;
pub(crate) mod columns;
mod dependent;
mod error;
mod names;
mod number;
mod render;
mod scored;
mod small_sample;
mod standing;

pub use across::Across;
pub use board::{Leaderboard, Row};
pub use dependent::dependent;
pub use error::LeaderboardError;
pub use names::told_apart;
pub use number::{CONSTANT, TOO_FEW_AT_K, cell, population};
pub use render::{Format, criteria_document, faults, render, scores_csv};
pub use scored::{NotRun, Scored};
pub use small_sample::{LEVEL, few};
pub use standing::standing;

//! From stored scores and the truth to a leaderboard.

mod across;
mod board;
mod error;
mod names;
mod number;
mod render;
mod scored;
mod small_sample;
mod standing;

pub use across::Across;
pub use board::{Leaderboard, Row};
pub use error::LeaderboardError;
pub use names::told_apart;
pub use number::{population, tie_text};
pub use render::{Format, criteria_document, faults, interval_text, render, scores_csv};
pub use scored::{NotRun, Scored};
pub use small_sample::{LEVEL, few};
pub use standing::standing;

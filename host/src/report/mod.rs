//! From stored scores and the truth to a leaderboard.

mod leaderboard;
mod render;

pub use leaderboard::{Leaderboard, ReportError, Row, Truth};
pub use render::{Format, criteria_document, render, scores_csv};

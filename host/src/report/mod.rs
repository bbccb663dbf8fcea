//! From stored scores and the truth to a leaderboard.

mod leaderboard;
mod render;
mod standing;

pub use leaderboard::{Leaderboard, ReportError, Row, Truth};
pub use render::{Format, criteria_document, faults, render, scores_csv};
pub use standing::standing;

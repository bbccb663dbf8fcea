//! From stored scores and the truth to a leaderboard.

mod across;
pub mod figure;
pub mod html;
mod leaderboard;
mod render;
mod standing;
mod truth;

pub use across::Across;
pub use leaderboard::{Leaderboard, ReportError, Row};
pub use render::{Format, criteria_document, csv_text, faults, render, scores_csv, terminal_table};
pub use standing::standing;
pub use truth::{Judged, Truth, TruthTable, repeated};

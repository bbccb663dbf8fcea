//! From stored scores and the truth to a leaderboard.

mod across;
pub mod figure;
pub mod html;
mod leaderboard;
mod names;
mod render;
mod scored;
mod standing;
mod text;
mod truth;

pub use across::Across;
pub use leaderboard::{Leaderboard, ReportError, Row};
pub use names::told_apart;
pub use render::{Format, criteria_document, faults, render, scores_csv};
pub use scored::{NotRun, Scored, supernet};
pub use standing::standing;
pub use text::{markdown_cell, p_value, terminal_table};
pub use truth::{Judged, Truth, TruthTable};

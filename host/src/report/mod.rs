//! From stored scores and the truth to a leaderboard.

mod across;
mod error;
pub mod figure;
pub mod html;
mod leaderboard;
mod names;
mod number;
mod render;
mod scored;
mod small_sample;
mod standing;
mod text;
mod truth;

pub use across::Across;
pub use error::ReportError;
pub use leaderboard::{Leaderboard, Row};
pub use names::told_apart;
pub use number::{DIGITS, fixed, p_equals, p_size, p_text, population, tie_text};
pub use render::{Format, criteria_document, faults, interval_text, render, scores_csv};
pub use scored::{NotRun, Scored, supernet};
pub use small_sample::{LEVEL, few};
pub use standing::standing;
pub use text::{markdown_cell, terminal_table};
pub use truth::{Judged, Rows, Truth, TruthTable, repeated};

//! Writes criteria and counts for people.

use osee_report::{
    html::Cell,
    number::{DIGITS, fixed},
};

/// Reason why tau-b is undefined.
pub const CONSTANT: &str = "scores or truths are all equal";
/// Reason why a criterion of the best or worst K is undefined.
pub const TOO_FEW_AT_K: &str = "K of the architectures is less than one";

/// A number with three digits, or the reason why there is none.
pub fn cell(number: Option<f64>) -> Cell {
    match number.filter(|it| it.is_finite()) {
        Some(it) => Cell::number(&fixed(it, DIGITS), it),
        None => Cell::undefined(CONSTANT),
    }
}

/// The architectures of a run in words: "30 architectures and 142 neighbours".
pub fn population(drawn: usize, neighbours: usize) -> String {
    match neighbours {
        0 => format!("{drawn} architectures"),
        neighbours => format!("{drawn} architectures and {neighbours} neighbours"),
    }
}

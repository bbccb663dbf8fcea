//! Reading architectures as people paste them: keywords whose values are Python literals, and the
//! tokens of notations that are strings.
//!
//! Invariants: text that is not understood is refused with its place, and nothing is skipped; no
//! text makes the reader nest deeper than [`DEPTH`] or list more than [`LONGEST`] numbers of a
//! range.

mod literal;
mod reader;

pub use literal::{Data, Literal};
pub use reader::Reader;

use crate::settings::nearest;
use std::fmt::Display;

/// Deepest nesting of lists and calls.
pub const DEPTH: usize = 16;
/// Most numbers in a range.
pub const LONGEST: usize = 10_000;
/// Most characters of a text that a message repeats.
const SHOWN: usize = 1_000;

/// Why a text cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misread {
    /// Byte offset in the text; `None` if the error is about the whole text.
    pub at: Option<usize>,
    /// What was expected, or what is wrong.
    pub message: String,
}

/// The result of a reader.
pub type Result<T> = std::result::Result<T, Misread>;

impl Misread {
    /// An error at a byte offset of the text.
    pub fn new(at: usize, message: impl Into<String>) -> Self {
        Self { at: Some(at), message: message.into() }
    }

    /// An error about the text as a whole.
    pub fn whole(message: impl Into<String>) -> Self {
        Self { at: None, message: message.into() }
    }

    /// The error that `name` is not one of `known`.
    pub fn unknown(at: usize, what: &str, name: &str, known: &[&str]) -> Self {
        let hint = match nearest(name, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("there are {}", known.join(", ")),
        };
        Self::new(at, format!("unknown {what} `{}` ({hint})", shown(name)))
    }

    /// The message "`TEXT` is no WHAT: column 7: expected `]`; the form is FORM".
    pub fn of(&self, text: &str, what: &str, form: impl Display) -> String {
        format!(
            "`{}` is not a valid {what}: {}; the form is {form}",
            shown(text),
            self.within(text)
        )
    }

    /// The message "column 7: expected `]`", with the line if the text has several.
    fn within(&self, text: &str) -> String {
        let Some(at) = self.at else { return self.message.clone() };
        let before = text.get(..at).unwrap_or(text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        let place = match text.trim().contains('\n') {
            true => format!("line {line}, column {column}"),
            false => format!("column {column}"),
        };
        format!("{place}: {}", self.message)
    }
}

/// The beginning of a text, at most as much as a message repeats.
fn shown(text: &str) -> String {
    let mut shown: String = text.chars().take(SHOWN).collect();
    if shown.len() < text.len() {
        shown.push_str("..");
    }
    shown
}

#[cfg(test)]
mod tests;

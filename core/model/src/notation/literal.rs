//! A value that was read, with its place.

use super::{Misread, Result, shown};
use std::fmt;

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Literal {
    /// Byte of the text.
    pub at: usize,
    /// The value.
    pub data: Data,
}

/// A value. Lists, tuples, arrays and ranges are all lists; names without quotes are texts.
#[derive(Debug, Clone, PartialEq)]
pub enum Data {
    /// A whole number.
    Int(i64),
    /// Another number, finite.
    Float(f64),
    /// A string, or a name.
    Text(String),
    /// Several.
    List(Vec<Literal>),
}

impl Literal {
    /// A refusal at its place: it is not `what`.
    pub fn expected(&self, what: &str) -> Misread {
        Misread::new(self.at, format!("expected {what}, found {self}"))
    }

    /// A whole number.
    ///
    /// # Errors
    /// If it is something else.
    pub fn int(&self, what: &str) -> Result<i64> {
        match self.data {
            Data::Int(number) => Ok(number),
            _ => Err(self.expected(what)),
        }
    }

    /// Any number.
    ///
    /// # Errors
    /// If it is something else.
    pub fn number(&self, what: &str) -> Result<f64> {
        match self.data {
            Data::Int(number) => Ok(number as f64),
            Data::Float(number) => Ok(number),
            _ => Err(self.expected(what)),
        }
    }

    /// A string or a name.
    ///
    /// # Errors
    /// If it is something else.
    pub fn text(&self, what: &str) -> Result<&str> {
        match &self.data {
            Data::Text(text) => Ok(text),
            _ => Err(self.expected(what)),
        }
    }

    /// A list or a tuple.
    ///
    /// # Errors
    /// If it is something else.
    pub fn list(&self, what: &str) -> Result<&[Self]> {
        match &self.data {
            Data::List(list) => Ok(list),
            _ => Err(self.expected(what)),
        }
    }
}

impl fmt::Display for Literal {
    /// For messages: `3`, `'conv'`, a list of 4.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.data {
            Data::Int(number) => write!(f, "`{number}`"),
            Data::Float(number) => write!(f, "`{number:?}`"),
            Data::Text(text) => write!(f, "`{}`", shown(text)),
            Data::List(list) => write!(f, "a list of {}", list.len()),
        }
    }
}

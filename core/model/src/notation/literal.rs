//! A value that was read, with its place in the text.

use super::{Misread, Result, shown};
use std::fmt;

/// A value and its place in the text.
#[derive(Debug, Clone, PartialEq)]
pub struct Literal {
    /// Byte offset in the text.
    pub at: usize,
    /// The value itself.
    pub data: Data,
}

/// A value. Lists, tuples, arrays and ranges are all lists; names without quotes are texts.
#[derive(Debug, Clone, PartialEq)]
pub enum Data {
    /// A whole number.
    Int(i64),
    /// Any other number; always finite.
    Float(f64),
    /// A quoted string, or a name.
    Text(String),
    /// A list of values.
    List(Vec<Literal>),
}

impl Literal {
    /// The error that this value is not `what`.
    pub fn expected(&self, what: &str) -> Misread {
        Misread::new(self.at, format!("expected {what}, found {self}"))
    }

    /// The value as a whole number.
    ///
    /// # Errors
    /// If it is anything else.
    pub fn int(&self, what: &str) -> Result<i64> {
        match self.data {
            Data::Int(number) => Ok(number),
            _ => Err(self.expected(what)),
        }
    }

    /// The value as a number, whole or not.
    ///
    /// # Errors
    /// If it is anything else.
    pub fn number(&self, what: &str) -> Result<f64> {
        match self.data {
            Data::Int(number) => Ok(number as f64),
            Data::Float(number) => Ok(number),
            _ => Err(self.expected(what)),
        }
    }

    /// The value as a string or a name.
    ///
    /// # Errors
    /// If it is anything else.
    pub fn text(&self, what: &str) -> Result<&str> {
        match &self.data {
            Data::Text(text) => Ok(text),
            _ => Err(self.expected(what)),
        }
    }

    /// The value as a list or a tuple.
    ///
    /// # Errors
    /// If it is anything else.
    pub fn list(&self, what: &str) -> Result<&[Self]> {
        match &self.data {
            Data::List(list) => Ok(list),
            _ => Err(self.expected(what)),
        }
    }
}

impl fmt::Display for Literal {
    /// Short form for messages: `3`, `'conv'`, a list of 4.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.data {
            Data::Int(number) => write!(f, "`{number}`"),
            Data::Float(number) => write!(f, "`{number:?}`"),
            Data::Text(text) => write!(f, "`{}`", shown(text)),
            Data::List(list) => write!(f, "a list of {}", list.len()),
        }
    }
}

//! Values of settings, and what Rust reads them as.

use serde::{Deserialize, Serialize};
use std::fmt;

/// The value of a setting.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    /// true or false.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// Any number.
    Float(f64),
    /// Words.
    Text(String),
}

impl Value {
    /// What values of this type are called in an error.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Bool(_) => bool::WANTED,
            Self::Int(_) => i64::WANTED,
            Self::Float(_) => f64::WANTED,
            Self::Text(_) => String::WANTED,
        }
    }

    /// This value as one of the type of `like`: a whole number may stand for any
    /// number. `None` if it is of another type.
    pub fn coerce(self, like: &Value) -> Option<Value> {
        match (self, like) {
            (Self::Int(whole), Self::Float(_)) => Some(Self::Float(whole as f64)),
            (value, like) if std::mem::discriminant(&value) == std::mem::discriminant(like) => {
                Some(value)
            }
            _ => None,
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(value) => write!(f, "{value}"),
            Self::Int(value) => write!(f, "{value}"),
            Self::Float(value) => write!(f, "{value}"),
            Self::Text(value) => write!(f, "{value}"),
        }
    }
}

// One integer type alone, so that a literal such as `16` is of it.
impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}
impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}
impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Float(value)
    }
}
impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

/// A type that [`Settings::get`](super::Settings::get) reads.
pub trait FromValue: Sized {
    /// What its values are called in an error.
    const WANTED: &'static str;

    /// The value as this type, if it is one.
    fn from_value(value: &Value) -> Option<Self>;
}

impl FromValue for bool {
    const WANTED: &'static str = "true or false";
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Bool(value) => Some(*value),
            _ => None,
        }
    }
}

impl FromValue for f64 {
    const WANTED: &'static str = "a number";
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Float(value) => Some(*value),
            Value::Int(value) => Some(*value as f64),
            _ => None,
        }
    }
}

impl FromValue for i64 {
    const WANTED: &'static str = "a whole number";
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Int(value) => Some(*value),
            _ => None,
        }
    }
}

impl FromValue for usize {
    const WANTED: &'static str = "a whole number from 0";
    fn from_value(value: &Value) -> Option<Self> {
        i64::from_value(value)?.try_into().ok()
    }
}

impl FromValue for u32 {
    const WANTED: &'static str = "a whole number from 0 to 4294967295";
    fn from_value(value: &Value) -> Option<Self> {
        i64::from_value(value)?.try_into().ok()
    }
}

impl FromValue for String {
    const WANTED: &'static str = "text";
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Text(value) => Some(value.clone()),
            _ => None,
        }
    }
}

/// Words separated by commas, without the spaces around them; an empty text has
/// none.
impl FromValue for Vec<String> {
    const WANTED: &'static str = "words separated by commas";
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Text(text) => Some(words(text).map(str::to_owned).collect()),
            _ => None,
        }
    }
}

/// The words of a list.
pub(super) fn words(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').map(str::trim).filter(|word| !word.is_empty())
}

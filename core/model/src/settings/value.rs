//! Values of settings, and the Rust types that they can be read as.

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
    /// A number, whole or not.
    Float(f64),
    /// A text, or words separated by commas.
    Text(String),
}

impl Value {
    /// Name of the type in error messages.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Bool(_) => bool::WANTED,
            Self::Int(_) => i64::WANTED,
            Self::Float(_) => f64::WANTED,
            Self::Text(_) => String::WANTED,
        }
    }

    /// The value converted to the type of `like`. A whole number is accepted for any number; any
    /// other conversion is `None`.
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

// Only one integer type converts, so that a literal such as `16` has that type.
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

/// A type that [`Settings::get`](super::Settings::get) can read.
pub trait FromValue: Sized {
    /// Name of the type in error messages.
    const WANTED: &'static str;

    /// The value as this type; `None` if it is of another type.
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

/// Words separated by commas, without surrounding spaces; an empty text has no words.
impl FromValue for Vec<String> {
    const WANTED: &'static str = "words separated by commas";
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Text(text) => Some(words(text).map(str::to_owned).collect()),
            _ => None,
        }
    }
}

/// The words of a comma-separated list.
pub(super) fn words(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').map(str::trim).filter(|word| !word.is_empty())
}

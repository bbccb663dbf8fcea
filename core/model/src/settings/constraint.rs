//! Constraints on the values of settings, as data: the host refuses other values before it asks the
//! plugin, and prints what is allowed.

use super::value::{FromValue, Value, words};
use serde::{Deserialize, Serialize};
use std::{cmp::Ordering, fmt};

/// A condition on the values of a setting. Where a setting has several, its values must meet all.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Constraint {
    /// The value is a number no smaller than `least`.
    AtLeast {
        /// The smallest allowed number.
        least: Value,
    },
    /// The value is a number larger than `bound`.
    Above {
        /// The bound, which is not allowed itself.
        bound: Value,
    },
    /// The value is a number no larger than `most`.
    AtMost {
        /// The largest allowed number.
        most: Value,
    },
    /// The value is a number smaller than `bound`.
    Below {
        /// The bound, which is not allowed itself.
        bound: Value,
    },
    /// The value is a whole number that `factor` divides.
    MultipleOf {
        /// The divisor; not 0.
        factor: i64,
    },
    /// The value is one of `choices`.
    OneOf {
        /// All allowed values, at least one.
        choices: Vec<Value>,
    },
    /// The value is a text of words separated by commas.
    ListOf {
        /// All allowed words; empty if any word is allowed.
        words: Vec<String>,
    },
    /// A constraint of a newer sdk. This one cannot check it, so the plugin does.
    #[serde(other)]
    Unknown,
}

impl Constraint {
    /// True if a value of the setting's type meets the constraint.
    pub fn keeps(&self, value: &Value) -> bool {
        match self {
            Self::AtLeast { least } => compare(value, least).is_some_and(Ordering::is_ge),
            Self::Above { bound } => compare(value, bound).is_some_and(Ordering::is_gt),
            Self::AtMost { most } => compare(value, most).is_some_and(Ordering::is_le),
            Self::Below { bound } => compare(value, bound).is_some_and(Ordering::is_lt),
            Self::MultipleOf { factor } => {
                i64::from_value(value).is_some_and(|it| it.checked_rem(*factor) == Some(0))
            }
            Self::OneOf { choices } => choices.contains(value),
            Self::ListOf { words: known } => match value {
                Value::Text(text) => {
                    let known = |word| known.is_empty() || known.iter().any(|it| it == word);
                    text.is_empty() || words(text).next().is_some() && words(text).all(known)
                }
                _ => false,
            },
            Self::Unknown => true,
        }
    }

    /// True if the constraint can be applied to values of the type of `default`.
    pub fn suits(&self, default: &Value) -> bool {
        match self {
            Self::AtLeast { least: end }
            | Self::AtMost { most: end }
            | Self::Above { bound: end }
            | Self::Below { bound: end } => compare(default, end).is_some(),
            Self::MultipleOf { factor } => matches!(default, Value::Int(_)) && *factor != 0,
            Self::OneOf { choices } => {
                let same = |it: &Value| it.clone().coerce(default).as_ref() == Some(it);
                !choices.is_empty() && choices.iter().all(same)
            }
            Self::ListOf { .. } => matches!(default, Value::Text(_)),
            Self::Unknown => true,
        }
    }

    /// The words that a value can consist of; empty if the constraint names none.
    pub fn vocabulary(&self) -> Vec<String> {
        match self {
            Self::OneOf { choices } => choices.iter().map(Value::to_string).collect(),
            Self::ListOf { words } => words.clone(),
            _ => Vec::new(),
        }
    }
}

/// The order of two values; `None` if either is not a number.
fn compare(value: &Value, end: &Value) -> Option<Ordering> {
    match (value, end) {
        (Value::Int(value), Value::Int(end)) => Some(value.cmp(end)),
        _ => f64::from_value(value)?.partial_cmp(&f64::from_value(end)?),
    }
}

impl fmt::Display for Constraint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtLeast { least } => write!(f, "at least {least}"),
            Self::Above { bound } => write!(f, "above {bound}"),
            Self::AtMost { most } => write!(f, "at most {most}"),
            Self::Below { bound } => write!(f, "below {bound}"),
            Self::MultipleOf { factor } => write!(f, "a multiple of {factor}"),
            Self::OneOf { .. } => f.write_str(&listed(&self.vocabulary(), "or")),
            Self::ListOf { words } if words.is_empty() => f.write_str(Vec::WANTED),
            Self::ListOf { words } => {
                write!(f, "a comma-separated list of {}", listed(words, "and"))
            }
            Self::Unknown => f.write_str("what the plugin allows"),
        }
    }
}

/// Words as in a sentence: `a, b or c`.
fn listed(words: &[String], and: &str) -> String {
    match words {
        [first @ .., last] if !first.is_empty() => format!("{} {and} {last}", first.join(", ")),
        words => words.concat(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_constraint_of_a_newer_sdk_is_read_and_left_to_the_plugin() {
        let newer = r#"{"kind": "prime", "below": [1, 2], "of": {"base": 10}}"#;
        let read: Constraint = serde_json::from_str(newer).unwrap();
        assert_eq!(read, Constraint::Unknown);
        assert!(read.keeps(&Value::Int(8)) && read.suits(&Value::Int(8)));
        let more = r#"{"kind": "at-least", "least": 2, "unit": "pixels"}"#;
        let read: Constraint = serde_json::from_str(more).unwrap();
        assert_eq!(read, Constraint::AtLeast { least: Value::Int(2) });
    }

    #[test]
    fn whole_numbers_are_compared_exactly_and_nan_keeps_no_bound() {
        let largest = Constraint::AtMost { most: Value::Int((1 << 53) + 1) };
        assert!(largest.keeps(&Value::Int((1 << 53) + 1)));
        assert!(!largest.keeps(&Value::Int((1 << 53) + 2)));
        for bound in [Constraint::AtLeast { least: 0.0.into() }, largest] {
            assert!(!bound.keeps(&Value::Float(f64::NAN)), "{bound}");
        }
    }

    #[test]
    fn a_list_is_of_its_words_and_an_empty_text_is_an_empty_list() {
        let words = ["a", "b"].map(str::to_owned).to_vec();
        let list = Constraint::ListOf { words };
        for (text, keeps) in [("", true), ("a", true), ("b, a,", true), (",", false), ("c", false)]
        {
            assert_eq!(list.keeps(&text.into()), keeps, "{text:?}");
        }
        assert!(Constraint::ListOf { words: vec![] }.keeps(&"any, words".into()));
        assert_eq!(list.to_string(), "a comma-separated list of a and b");
    }
}

//! Declarations of settings.

use super::{constraint::Constraint, value::Value};
use serde::{Deserialize, Serialize};
use std::ops::{Bound, RangeBounds};

/// One declared setting: its default, and which other values are allowed.
///
/// ```
/// use osee_model::settings::SettingSpec;
/// SettingSpec::new("channels", 16, "channels of the first stage").at_least(1);
/// SettingSpec::new("dropout", 0.0, "share that is dropped").in_range(0.0..1.0);
/// SettingSpec::new("score", "loss", "what is looked at").one_of(["loss", "accuracy"]);
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
#[must_use]
pub struct SettingSpec {
    /// Name in study files and on the command line.
    pub key: String,
    /// Value if none is given; it also fixes the type.
    pub default: Value,
    /// One line of help, without the default and the constraints.
    pub help: String,
    /// For one-shot estimators: true if the setting does not change how the supernet is trained.
    #[serde(default)]
    pub judges_only: bool,
    /// For search spaces: the default where architectures share a supernet's weights, trained or
    /// not.
    #[serde(default)]
    pub in_supernet: Option<Value>,
    /// Constraints that every value must meet.
    #[serde(default)]
    pub constraints: Vec<Constraint>,
}

impl SettingSpec {
    /// A setting with its default and one line of help.
    pub fn new(key: &str, default: impl Into<Value>, help: &str) -> Self {
        Self {
            key: key.to_owned(),
            default: default.into(),
            help: help.to_owned(),
            judges_only: false,
            in_supernet: None,
            constraints: Vec::new(),
        }
    }

    /// For one-shot estimators: declares that the setting changes only how a trained supernet is
    /// evaluated. Rows that differ only in it share a supernet.
    pub fn judges_only(self) -> Self {
        Self { judges_only: true, ..self }
    }

    /// For search spaces: sets another default where architectures share a supernet's weights.
    pub fn in_supernet(self, value: impl Into<Value>) -> Self {
        Self { in_supernet: Some(value.into()), ..self }
    }

    /// Allows only numbers no smaller than `least`.
    pub fn at_least(self, least: impl Into<Value>) -> Self {
        self.keeping(Constraint::AtLeast { least: least.into() })
    }

    /// Allows only numbers larger than `bound`.
    pub fn above(self, bound: impl Into<Value>) -> Self {
        self.keeping(Constraint::Above { bound: bound.into() })
    }

    /// Allows only numbers no larger than `most`.
    pub fn at_most(self, most: impl Into<Value>) -> Self {
        self.keeping(Constraint::AtMost { most: most.into() })
    }

    /// Allows only numbers smaller than `bound`.
    pub fn below(self, bound: impl Into<Value>) -> Self {
        self.keeping(Constraint::Below { bound: bound.into() })
    }

    /// Allows only numbers within a range such as `1..=10` or `0.0..1.0`.
    pub fn in_range<T: Into<Value> + Copy>(self, range: impl RangeBounds<T>) -> Self {
        let from = match range.start_bound() {
            Bound::Included(&least) => self.at_least(least),
            Bound::Excluded(&bound) => self.above(bound),
            Bound::Unbounded => self,
        };
        match range.end_bound() {
            Bound::Included(&most) => from.at_most(most),
            Bound::Excluded(&bound) => from.below(bound),
            Bound::Unbounded => from,
        }
    }

    /// Allows only whole numbers that `factor` divides.
    pub fn multiple_of(self, factor: i64) -> Self {
        self.keeping(Constraint::MultipleOf { factor })
    }

    /// Allows only these values.
    pub fn one_of<T: Into<Value>>(self, choices: impl IntoIterator<Item = T>) -> Self {
        let choices = choices.into_iter().map(Into::into).collect();
        self.keeping(Constraint::OneOf { choices })
    }

    /// Allows only texts of these words, separated by commas.
    pub fn list_of<'a>(self, words: impl IntoIterator<Item = &'a str>) -> Self {
        let words = words.into_iter().map(str::to_owned).collect();
        self.keeping(Constraint::ListOf { words })
    }

    /// Allows any words, separated by commas.
    pub fn list(self) -> Self {
        self.list_of([])
    }

    fn keeping(mut self, constraint: Constraint) -> Self {
        self.constraints.push(constraint);
        self
    }

    /// True if a value of the default's type meets every constraint.
    pub fn allows(&self, value: &Value) -> bool {
        self.constraints.iter().all(|constraint| constraint.keeps(value))
    }

    /// What is allowed, such as `at least 1`; `None` if any value of the type is.
    pub fn allowed(&self) -> Option<String> {
        let said = self.constraints.iter().filter(|it| **it != Constraint::Unknown);
        let said: Vec<String> = said.map(Constraint::to_string).collect();
        (!said.is_empty()).then(|| said.join(" and "))
    }
}

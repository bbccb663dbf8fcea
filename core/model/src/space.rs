//! What a search space is, apart from how it builds graphs.

use crate::settings::SettingSpec;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt};

/// What a search space declares of itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SpaceInfo {
    /// Name in study files, such as `nb201`.
    pub id: String,
    /// Version of the definition; a new one makes old results stale.
    pub version: String,
    /// One line.
    pub summary: String,
    /// The paper or code that defines it.
    pub citation: String,
    /// An architecture in the field's own notation, as an example.
    pub example: String,
    /// Number of architectures, if they can be numbered from 0. A space of more
    /// than 2^64 numbers the first `u64::MAX` of a fixed order.
    pub size: Option<u64>,
    /// Network settings with their defaults.
    pub settings: Vec<SettingSpec>,
    /// Columns of the space's usual truth table.
    pub truth: TruthColumns,
}

/// Where a truth table keeps what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TruthColumns {
    /// Column with the architecture, or a form of several columns such as
    /// `{adjacency};{ops}`.
    pub key: String,
    /// Column with the accuracy that is meant by default.
    pub value: String,
    /// Column with the benchmark's own parameter count, if it has one.
    #[serde(default)]
    pub params: Option<String>,
    /// Column with the benchmark's own FLOPs, if it has one.
    #[serde(default)]
    pub flops: Option<String>,
    /// Columns with the accuracy on other data sets, by the word that a study
    /// has for the set, such as `cifar100`.
    #[serde(default)]
    pub by_data: BTreeMap<String, String>,
}

impl TruthColumns {
    /// A table without counts.
    pub fn new(key: &str, value: &str) -> Self {
        Self {
            key: key.to_owned(),
            value: value.to_owned(),
            params: None,
            flops: None,
            by_data: BTreeMap::new(),
        }
    }

    /// With columns for the benchmark's own counts.
    pub fn counts(self, params: &str, flops: &str) -> Self {
        Self { params: Some(params.to_owned()), flops: Some(flops.to_owned()), ..self }
    }

    /// With a column for the accuracy on another data set.
    #[must_use]
    pub fn on(mut self, data: &str, value: &str) -> Self {
        self.by_data.insert(data.to_owned(), value.to_owned());
        self
    }

    /// The column that is meant by default when images are `data`, the word of
    /// a study without the folder.
    pub fn value_on(&self, data: &str) -> &str {
        self.by_data.get(data).unwrap_or(&self.value)
    }
}

impl fmt::Display for TruthColumns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} by {}", self.value, self.key)?;
        self.by_data.iter().try_for_each(|(data, value)| write!(f, "; {value} on {data}"))
    }
}

/// What a benchmark says an architecture costs; conventions differ.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Trainable parameters.
    pub params: Option<u64>,
    /// Floating-point operations of one image.
    pub flops: Option<u64>,
}

/// One architecture that differs from another in one decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mutation {
    /// The new architecture.
    pub arch: String,
    /// The decision that changed, such as `edge 1<-0`.
    pub decision: String,
    /// Its old value.
    pub from: String,
    /// Its new value.
    pub to: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_data_set_may_have_a_truth_of_its_own() {
        let truth = TruthColumns::new("arch", "acc").on("cifar100", "acc100");
        assert_eq!([truth.value_on("cifar100"), truth.value_on("cifar10")], ["acc100", "acc"]);
        assert_eq!(truth.to_string(), "acc by arch; acc100 on cifar100");
    }

    #[test]
    fn plugins_that_know_of_one_data_set_are_read() {
        let old = r#"{"key": "arch", "value": "acc"}"#;
        assert_eq!(
            serde_json::from_str::<TruthColumns>(old).unwrap(),
            TruthColumns::new("arch", "acc")
        );
    }
}

//! What a search space is, apart from how it builds graphs.

use crate::{
    graph::Cost,
    settings::{SettingSpec, Settings},
};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt};

/// What a search space declares of itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
#[must_use]
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

impl SpaceInfo {
    /// A space that cannot be enumerated, without settings, whose truth is in
    /// columns `arch` and `accuracy`. It needs an [`example`](Self::example).
    pub fn new(id: &str, version: &str) -> Self {
        Self {
            id: id.to_owned(),
            version: version.to_owned(),
            summary: String::new(),
            citation: String::new(),
            example: String::new(),
            size: None,
            settings: Vec::new(),
            truth: TruthColumns::new("arch", "accuracy"),
        }
    }

    /// With a one-line description.
    pub fn summary(self, summary: &str) -> Self {
        Self { summary: summary.to_owned(), ..self }
    }

    /// With the paper or code that defines it.
    pub fn citation(self, citation: &str) -> Self {
        Self { citation: citation.to_owned(), ..self }
    }

    /// With an architecture in the field's own notation.
    pub fn example(self, example: &str) -> Self {
        Self { example: example.to_owned(), ..self }
    }

    /// With so many architectures, numbered from 0.
    pub fn size(self, size: u64) -> Self {
        Self { size: Some(size), ..self }
    }

    /// With one more setting of its networks.
    pub fn setting(self, spec: SettingSpec) -> Self {
        self.settings([spec])
    }

    /// With more settings of its networks.
    pub fn settings(mut self, specs: impl IntoIterator<Item = SettingSpec>) -> Self {
        self.settings.extend(specs);
        self
    }

    /// With other columns of its usual truth table.
    pub fn truth(self, truth: TruthColumns) -> Self {
        Self { truth, ..self }
    }

    /// Its settings, all with their defaults.
    pub fn defaults(&self) -> Settings {
        Settings::defaults(&self.settings)
    }
}

/// Where a truth table keeps what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
#[must_use]
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

    /// With a column for the benchmark's own parameter count.
    pub fn params(self, params: &str) -> Self {
        Self { params: Some(params.to_owned()), ..self }
    }

    /// With a column for the benchmark's own FLOPs.
    pub fn flops(self, flops: &str) -> Self {
        Self { flops: Some(flops.to_owned()), ..self }
    }

    /// With a column for the accuracy on another data set.
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

/// What a benchmark says an architecture costs; conventions differ. The default
/// says nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
#[must_use]
pub struct Counts {
    /// Trainable parameters.
    pub params: Option<u64>,
    /// Floating-point operations of one image.
    pub flops: Option<u64>,
}

impl Counts {
    /// With so many trainable parameters.
    pub fn params(self, params: u64) -> Self {
        Self { params: Some(params), ..self }
    }

    /// With so many floating-point operations of one image.
    pub fn flops(self, flops: u64) -> Self {
        Self { flops: Some(flops), ..self }
    }
}

impl From<Cost> for Counts {
    fn from(cost: Cost) -> Self {
        Self { params: Some(cost.params), flops: Some(cost.flops()) }
    }
}

/// One architecture that differs from another in one decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
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

impl Mutation {
    /// `arch`, in which a decision has the value `to` in place of `from`.
    pub fn new(
        arch: impl fmt::Display,
        decision: impl Into<String>,
        from: impl fmt::Display,
        to: impl fmt::Display,
    ) -> Self {
        let (arch, from, to) = (arch.to_string(), from.to_string(), to.to_string());
        Self { arch, decision: decision.into(), from, to }
    }
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

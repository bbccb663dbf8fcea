//! What a search space declares about itself, and mutations of its architectures.

use crate::{
    graph::Cost,
    settings::{SettingSpec, Settings},
};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt};

/// What a search space declares about itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
#[must_use]
pub struct SpaceInfo {
    /// Name in study files, such as `nb201`.
    pub id: String,
    /// Version of the definition; a new one makes old results stale.
    pub version: String,
    /// Description in one line.
    pub summary: String,
    /// The paper or code that defines the space.
    pub citation: String,
    /// Example of an architecture in the notation of the field.
    pub example: String,
    /// Number of architectures if they can be numbered from 0, else `None`. In a space of more than
    /// 2^64, the first `u64::MAX` in a fixed order are numbered.
    pub size: Option<u64>,
    /// Declared settings of the networks, with their defaults.
    pub settings: Vec<SettingSpec>,
    /// Columns of the truth table that is usual for this space.
    pub truth: TruthColumns,
}

impl SpaceInfo {
    /// A space that cannot be enumerated, has no settings, and has its truth in columns `arch` and
    /// `accuracy`. It needs an [`example`](Self::example).
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

    /// Sets the one-line description.
    pub fn summary(self, summary: &str) -> Self {
        Self { summary: summary.to_owned(), ..self }
    }

    /// Names the paper or code that defines the space.
    pub fn citation(self, citation: &str) -> Self {
        Self { citation: citation.to_owned(), ..self }
    }

    /// Sets the example architecture, in the notation of the field.
    pub fn example(self, example: &str) -> Self {
        Self { example: example.to_owned(), ..self }
    }

    /// Sets the number of architectures, numbered from 0.
    pub fn size(self, size: u64) -> Self {
        Self { size: Some(size), ..self }
    }

    /// Adds a setting of the networks.
    pub fn setting(self, spec: SettingSpec) -> Self {
        self.settings([spec])
    }

    /// Adds several settings of the networks.
    pub fn settings(mut self, specs: impl IntoIterator<Item = SettingSpec>) -> Self {
        self.settings.extend(specs);
        self
    }

    /// Sets the columns of the usual truth table.
    pub fn truth(self, truth: TruthColumns) -> Self {
        Self { truth, ..self }
    }

    /// The declared settings, all with their defaults.
    pub fn defaults(&self) -> Settings {
        Settings::defaults(&self.settings)
    }
}

/// The columns of a truth table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
#[must_use]
pub struct TruthColumns {
    /// Column with the architecture, or a form with several columns such as `{adjacency};{ops}`.
    pub key: String,
    /// Column with the accuracy that is used by default.
    pub value: String,
    /// Column with the benchmark's own parameter count; `None` if it has none.
    #[serde(default)]
    pub params: Option<String>,
    /// Column with the benchmark's own FLOPs; `None` if it has none.
    #[serde(default)]
    pub flops: Option<String>,
    /// Columns with the accuracy on other data sets, by the word that a study uses for the data
    /// set, such as `cifar100`.
    #[serde(default)]
    pub by_data: BTreeMap<String, String>,
}

impl TruthColumns {
    /// Columns of a table that has no parameter counts and no FLOPs.
    pub fn new(key: &str, value: &str) -> Self {
        Self {
            key: key.to_owned(),
            value: value.to_owned(),
            params: None,
            flops: None,
            by_data: BTreeMap::new(),
        }
    }

    /// Sets the column with the benchmark's own parameter count.
    pub fn params(self, params: &str) -> Self {
        Self { params: Some(params.to_owned()), ..self }
    }

    /// Sets the column with the benchmark's own FLOPs.
    pub fn flops(self, flops: &str) -> Self {
        Self { flops: Some(flops.to_owned()), ..self }
    }

    /// Adds a column with the accuracy on another data set.
    pub fn on(mut self, data: &str, value: &str) -> Self {
        self.by_data.insert(data.to_owned(), value.to_owned());
        self
    }

    /// The default accuracy column for images of `data`, the study's word without the folder.
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

/// The cost of an architecture as its benchmark states it; conventions differ. The default states
/// nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
#[must_use]
pub struct Counts {
    /// Number of trainable parameters; `None` if not stated.
    pub params: Option<u64>,
    /// Floating-point operations for one image; `None` if not stated.
    pub flops: Option<u64>,
}

impl Counts {
    /// Sets the number of trainable parameters.
    pub fn params(self, params: u64) -> Self {
        Self { params: Some(params), ..self }
    }

    /// Sets the number of floating-point operations for one image.
    pub fn flops(self, flops: u64) -> Self {
        Self { flops: Some(flops), ..self }
    }
}

impl From<Cost> for Counts {
    fn from(cost: Cost) -> Self {
        Self { params: Some(cost.params), flops: Some(cost.flops()) }
    }
}

/// An architecture that differs from another one in a single decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Mutation {
    /// The new architecture.
    pub arch: String,
    /// The decision that changed, such as `edge 1<-0`.
    pub decision: String,
    /// Previous value of the decision.
    pub from: String,
    /// New value of the decision.
    pub to: String,
}

impl Mutation {
    /// The architecture `arch`, in which a decision has the value `to` instead of `from`.
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

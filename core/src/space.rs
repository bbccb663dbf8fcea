//! What a search space is, apart from how it builds graphs.

use crate::settings::SettingSpec;
use serde::{Deserialize, Serialize};

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
    /// Number of architectures, if they can be numbered from 0.
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
}

impl TruthColumns {
    /// A table without counts.
    pub fn new(key: &str, value: &str) -> Self {
        Self { key: key.to_owned(), value: value.to_owned(), params: None, flops: None }
    }

    /// With columns for the benchmark's own counts.
    pub fn counts(self, params: &str, flops: &str) -> Self {
        Self { params: Some(params.to_owned()), flops: Some(flops.to_owned()), ..self }
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

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
    /// Column with the architecture.
    pub key: String,
    /// Column with the accuracy that is meant by default.
    pub value: String,
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

//! What a worker is told once, before its units.

use crate::{
    loader::Pinned,
    one_shot::{SupernetSpec, SupernetUse},
};
use osee_core::{row::RowKey, run_dir::RunDir};
use osee_model::{
    data_source::DataSource, device::DeviceName, estimator::EstimatorKind, protocol::Protocol,
    settings::Settings,
};
use serde::{Deserialize, Serialize};

/// A row of the plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// All that its scores depend on besides architecture and seed.
    pub key: RowKey,
    /// The trained weights that it scores, if it does.
    pub weights: Option<SupernetUse>,
}

impl Row {
    /// What its estimator looks at.
    pub fn kind(&self) -> EstimatorKind {
        self.key.estimator.kind
    }

    /// Whether scores differ between seeds. What does not depend on the seed is
    /// scored with the first one only.
    pub fn has_seed(&self, seed_index: usize) -> bool {
        seed_index == 0 || self.kind() != EstimatorKind::Baseline
    }
}

/// Everything a worker needs besides the units.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Setup {
    /// Plugin files, the bundled ones included.
    pub plugins: Vec<Pinned>,
    /// Space id.
    pub space: String,
    /// Resolved settings of the space.
    pub space_settings: Settings,
    /// How networks are put before estimators.
    pub protocol: Protocol,
    /// Images.
    pub data: DataSource,
    /// Where networks are computed.
    pub device: DeviceName,
    /// Torch's threads. More workers, not more threads: two processes of one
    /// thread do half as much again as one of two.
    pub threads: usize,
    /// The rows that units refer to.
    pub rows: Vec<Row>,
    /// Supernets whose weights rows score.
    pub supernets: Vec<SupernetSpec>,
    /// Where checkpoints are: the run of the whole study.
    pub run: RunDir,
}

//! The setup: what a worker is told once, before its units.

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

/// A row of the plan, with the weights that it scores.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// Everything that its scores depend on besides architecture and seed.
    pub key: RowKey,
    /// The trained weights that it scores; `None` for untrained networks.
    pub weights: Option<SupernetUse>,
}

impl Row {
    /// The kind of its estimator.
    pub fn kind(&self) -> EstimatorKind {
        self.key.estimator.kind
    }

    /// True if the row is scored with this seed. What does not depend on the seed is
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
    /// Id of the search space.
    pub space: String,
    /// Resolved settings of the space, for rows without a supernet.
    pub space_settings: Settings,
    /// How networks are shown to zero-shot estimators.
    pub protocol: Protocol,
    /// Where the images come from.
    pub data: DataSource,
    /// The device that networks are computed on.
    pub device: DeviceName,
    /// Torch threads of a worker. More workers are better than more threads: two
    /// processes of one thread do half as much again as one process of two.
    pub threads: usize,
    /// The rows that units refer to.
    pub rows: Vec<Row>,
    /// The supernets whose weights rows score.
    pub supernets: Vec<SupernetSpec>,
    /// The run of the whole study, where checkpoints are.
    pub run: RunDir,
}

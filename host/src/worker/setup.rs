//! What a worker is told once, before its units.

use crate::{
    loader::Pinned,
    one_shot::{SupernetSpec, SupernetUse},
};
use osee_model::{
    estimator::{Direction, EstimatorInfo, EstimatorKind},
    protocol::Protocol,
    settings::Settings,
};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// An estimator as a study names it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Named {
    /// Name of its row.
    pub name: String,
    /// Its id.
    pub id: String,
    /// Its kind.
    pub kind: EstimatorKind,
    /// Which end is good.
    pub direction: Direction,
    /// Resolved settings.
    pub settings: Settings,
    /// The supernet it looks at, if it does.
    pub supernet: Option<SupernetUse>,
}

impl Named {
    /// An estimator under its own name.
    pub fn new(name: &str, info: &EstimatorInfo, settings: Settings) -> Self {
        Self {
            name: name.to_owned(),
            id: info.id.clone(),
            kind: info.kind,
            direction: info.direction,
            settings,
            supernet: None,
        }
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
    pub data: String,
    /// `cpu` or `cuda:N`.
    pub device: String,
    /// Torch's threads. More workers, not more threads: two processes of one
    /// thread do half as much again as one of two.
    pub threads: usize,
    /// The estimators that units refer to.
    pub estimators: Vec<Named>,
    /// Supernets that estimators look at.
    pub supernets: Vec<SupernetSpec>,
    /// The run's directory, where checkpoints are.
    #[serde(with = "osee_model::paths")]
    pub run: PathBuf,
}

//! A unit of work, as it is sent to a worker.

use osee_core::store::Evaluated;
use serde::{Deserialize, Serialize};

/// One architecture with one seed, under some of the rows.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Unit {
    /// Index of the architecture in the plan.
    pub arch_index: usize,
    /// The architecture in its space's notation.
    pub arch: String,
    /// Initialisation seed.
    pub seed: u64,
    /// Indices into the setup's rows.
    pub rows: Vec<usize>,
    /// Members of its isomorphism group, itself included; empty if no row asks for it.
    #[serde(default)]
    pub group: Vec<String>,
    /// Stored evaluations of sub-networks that rows may ask for.
    #[serde(default)]
    pub known: Vec<Evaluated>,
}

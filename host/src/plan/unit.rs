//! A unit of work.

use osee_core::store::Evaluated;
use serde::{Deserialize, Serialize};

/// One architecture with one seed, under some of the rows.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Unit {
    /// Index of the architecture among the plan's.
    pub arch_index: usize,
    /// The architecture.
    pub arch: String,
    /// Initialisation seed.
    pub seed: u64,
    /// Indices of rows in the setup.
    pub rows: Vec<usize>,
    /// Its isomorphism group, itself included, if a row asks for it.
    #[serde(default)]
    pub group: Vec<String>,
    /// What is known of sub-networks that rows may ask for.
    #[serde(default)]
    pub known: Vec<Evaluated>,
}

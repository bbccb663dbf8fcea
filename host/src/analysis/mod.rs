//! Why an estimator is wrong: the analyses of [`osee_core::analysis`] on a run
//! or on tables, each as a section of a report.
//!
//! Invariant: an analysis either has a section or says why not and what would
//! give it; none is left out in silence.

mod from_run;
mod from_tables;
mod material;
mod page;
mod sections;
mod text;

pub use from_run::from_run;
pub use from_tables::{Tables, from_tables};
pub use material::{ByBatch, Material, Observed, Scorer, Structure};
pub use page::page;
pub use text::text;

use crate::report::html::{Absent, Section};
use osee_core::{analysis::AnalysisError, store::StoreError, truth::TableError};
use std::path::PathBuf;

/// Why there is nothing to analyse.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MaterialError {
    /// The run.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A table.
    #[error(transparent)]
    Table(#[from] TableError),
    /// Columns that do not go together.
    #[error(transparent)]
    Analysis(#[from] AnalysisError),
    /// An architecture that the space refuses.
    #[error("{0}")]
    Plugin(#[from] osee_sdk::Error),
    /// What a training observed.
    #[error("cannot use {}: {reason}", file.display())]
    Observation {
        /// The file.
        file: PathBuf,
        /// Why.
        reason: String,
    },
    /// Two tables about different things.
    #[error("{} and {} have no key in common", scores.display(), truth.display())]
    NoCommonKey {
        /// The scores.
        scores: PathBuf,
        /// The truth.
        truth: PathBuf,
    },
    /// Nothing to judge by.
    #[error(
        "the run has no truth, and nothing can be said about errors without; give one with --truth FILE"
    )]
    NoTruth,
}

/// One analysis: a section, or what is missing for it.
type Analysis = fn(&Material) -> Result<Section, Absent>;

/// All of them, in the order of a report.
const ANALYSES: [Analysis; 15] = [
    sections::significance::section,
    sections::cost::section,
    sections::agreement::section,
    sections::seeds::section,
    sections::noise::section,
    sections::complexity::section,
    sections::operations::section,
    sections::architectures::section,
    sections::checkpoints::trend,
    sections::checkpoints::stability,
    sections::validation::scores,
    sections::validation::batches,
    sections::variants::section,
    sections::training::forgetting,
    sections::training::gradients,
];

/// Every analysis of `material`: those that it allows, and those it does not.
pub fn analyse(material: &Material) -> (Vec<Section>, Vec<Absent>) {
    let (mut sections, mut absent) = (Vec::new(), Vec::new());
    for analysis in ANALYSES {
        match analysis(material) {
            Ok(section) => sections.push(section),
            Err(missing) => absent.push(missing),
        }
    }
    (sections, absent)
}

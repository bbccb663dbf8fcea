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
use osee_core::{
    analysis::AnalysisError, settings::SettingError, store::StoreError, truth::TableError,
};
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
    /// A setting that the space does not have.
    #[error(transparent)]
    Setting(#[from] SettingError),
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
    /// A run that has just begun.
    #[error("too few architectures with truth are scored to be ranked\n{0}")]
    TooFewScored(String),
    /// Nothing to judge by.
    #[error(
        "the run has no truth, and nothing can be said about errors without; give one with --truth FILE"
    )]
    NoTruth,
}

/// One analysis: a section, or what is missing for it.
type Analysis = fn(&Material) -> Result<Section, Absent>;

/// All of them by name, in the order of a report.
const ANALYSES: [(&str, Analysis); 15] = [
    ("significance", sections::significance::section),
    ("cost", sections::cost::section),
    ("agreement", sections::agreement::section),
    ("seeds", sections::seeds::section),
    ("noise", sections::noise::section),
    ("complexity", sections::complexity::section),
    ("operations", sections::operations::section),
    ("architectures", sections::architectures::section),
    ("trend", sections::checkpoints::trend),
    ("stability", sections::checkpoints::stability),
    ("scores", sections::validation::scores),
    ("batches", sections::validation::batches),
    ("variants", sections::variants::section),
    ("forgetting", sections::training::forgetting),
    ("gradients", sections::training::gradients),
];

/// Names of all analyses.
pub fn names() -> impl Iterator<Item = &'static str> {
    ANALYSES.iter().map(|(name, _)| *name)
}

/// The analyses of `material` that `only` names, all if it is empty: those
/// that it allows, and those it does not.
pub fn analyse(material: &Material, only: &[String]) -> (Vec<Section>, Vec<Absent>) {
    let (mut sections, mut absent) = (Vec::new(), Vec::new());
    let asked = |name: &str| only.is_empty() || only.iter().any(|it| it == name);
    for (name, analysis) in ANALYSES.iter().filter(|(name, _)| asked(name)) {
        match analysis(material) {
            Ok(section) => {
                debug_assert_eq!(section.name, *name, "a section goes by the name of its analysis");
                sections.push(section);
            }
            Err(missing) => absent.push(missing),
        }
    }
    (sections, absent)
}

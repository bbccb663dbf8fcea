//! Errors of judging architectures by a truth.

use crate::{
    catalog::CatalogError,
    exit::{Category, ExitCode},
};
use osee_core::{criteria::CriteriaError, truth::TableError};
use std::path::PathBuf;

/// The reason why architectures cannot be judged.
#[derive(Debug, thiserror::Error)]
pub enum TruthError {
    /// The truth table cannot be read.
    #[error(transparent)]
    Table(#[from] TableError),
    /// The truth's data set is not available.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// The architectures are too few for any criterion.
    #[error(transparent)]
    Criteria(#[from] CriteriaError),
    /// The search space fails.
    #[error(transparent)]
    Space(#[from] osee_sdk::Error),
    /// The columns are not named, and no space can name them.
    #[error(
        "the truth's columns are not named, and the search space, which may know them, is not \
         loaded; name them, or give its plugin"
    )]
    NoColumns,
    /// Rows that stand for one architecture differ.
    #[error(
        "`{arch}` has no row in {}, and the {rows} rows of architectures isomorphic to it differ; say \
         which counts with --duplicates first, last or mean (`duplicates` of a study's [truth])",
        file.display()
    )]
    IsomorphicRows {
        /// The table.
        file: PathBuf,
        /// The architecture that is looked up.
        arch: String,
        /// Number of rows of isomorphic architectures.
        rows: usize,
    },
    /// The table is about other architectures than the run.
    #[error(
        "no architecture of the run is in column `{key}` of {}: the run has `{ours}`, the table `{theirs}`",
        file.display()
    )]
    NoMatch {
        /// The table.
        file: PathBuf,
        /// Name of the key column.
        key: String,
        /// An example architecture of the run.
        ours: String,
        /// An example key of the table.
        theirs: String,
    },
}

impl Category for TruthError {
    fn exit_code(&self) -> ExitCode {
        ExitCode::Table
    }
}

//! Why architectures cannot be judged.

use crate::{
    catalog::CatalogError,
    exit::{Category, ExitCode},
};
use osee_core::{criteria::CriteriaError, truth::TableError};
use std::path::PathBuf;

/// Why architectures cannot be judged.
#[derive(Debug, thiserror::Error)]
pub enum TruthError {
    /// The truth table.
    #[error(transparent)]
    Table(#[from] TableError),
    /// The data set that it is.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// Too few architectures for any criterion.
    #[error(transparent)]
    Criteria(#[from] CriteriaError),
    /// The search space.
    #[error(transparent)]
    Space(#[from] osee_sdk::Error),
    /// Nobody said what the columns are.
    #[error(
        "the truth's columns are not named, and the search space, which may know them, is not \
         loaded; name them, or give its plugin"
    )]
    NoColumns,
    /// Rows that stand for one architecture say different things.
    #[error(
        "`{arch}` has no row in {}, and the {rows} rows of architectures isomorphic to it differ; say \
         which counts with --duplicates first, last or mean (`duplicates` of a study's [truth])",
        file.display()
    )]
    IsomorphicRows {
        /// The table.
        file: PathBuf,
        /// An architecture that is looked up.
        arch: String,
        /// Isomorphic rows.
        rows: usize,
    },
    /// The truth is about other architectures.
    #[error(
        "no architecture of the run is in column `{key}` of {}: the run has `{ours}`, the table `{theirs}`",
        file.display()
    )]
    NoMatch {
        /// The table.
        file: PathBuf,
        /// The key column.
        key: String,
        /// An architecture of the run.
        ours: String,
        /// A key of the table.
        theirs: String,
    },
}

impl Category for TruthError {
    fn exit_code(&self) -> ExitCode {
        match self {
            Self::Table(_)
            | Self::Catalog(_)
            | Self::Criteria(_)
            | Self::Space(_)
            | Self::NoColumns
            | Self::IsomorphicRows { .. }
            | Self::NoMatch { .. } => ExitCode::Table,
        }
    }
}

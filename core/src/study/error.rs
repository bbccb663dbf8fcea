//! Why a study cannot be used.

use osee_model::{device::UnknownDevice, recipe::RecipeError};
use std::path::PathBuf;

/// Why a study cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StudyError {
    /// The file cannot be read.
    #[error("cannot read study {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is not a study.
    #[error("study {}: {message}", path.display())]
    Parse {
        /// The file.
        path: PathBuf,
        /// toml's account, with the line.
        message: String,
    },
    /// Written for a newer osee, or malformed.
    #[error(
        "study {} has version {found}, and this osee reads versions up to {known}; a newer osee \
         reads it", path.display()
    )]
    Version {
        /// The file.
        path: PathBuf,
        /// As written.
        found: String,
        /// The newest that is known.
        known: u32,
    },
    /// A device of an unknown form.
    #[error(transparent)]
    Device(#[from] UnknownDevice),
    /// No such preset.
    #[error("there is no preset `{name}`; {hint}")]
    Preset {
        /// As asked.
        name: String,
        /// The nearest, or all.
        hint: String,
    },
    /// Numbers that make no training.
    #[error(transparent)]
    Recipe(#[from] RecipeError),
    /// A number that makes no sense.
    #[error("{0}")]
    Invalid(String),
}

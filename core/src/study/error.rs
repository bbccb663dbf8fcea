//! Why a study cannot be used.

use osee_model::{device::UnknownDevice, recipe::RecipeError};
use std::path::PathBuf;

/// Why a study cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StudyError {
    /// The file cannot be read.
    #[error("cannot read study {}: {source}", path.display())]
    Read {
        /// Path of the file.
        path: PathBuf,
        /// Error of the operating system.
        source: std::io::Error,
    },
    /// The file is not a study.
    #[error("study {}: {message}", path.display())]
    Parse {
        /// Path of the file.
        path: PathBuf,
        /// Message of the TOML parser, with the line.
        message: String,
    },
    /// The version is newer than this osee, or malformed.
    #[error(
        "study {} has version {found}, and this osee reads versions up to {known}; a newer osee \
         reads it", path.display()
    )]
    Version {
        /// Path of the file.
        path: PathBuf,
        /// The version as written.
        found: String,
        /// The newest version that is known.
        known: u32,
    },
    /// The device is neither `cpu` nor `cuda:N`.
    #[error(transparent)]
    Device(#[from] UnknownDevice),
    /// There is no preset with this name.
    #[error("there is no preset `{name}`; {hint}")]
    Preset {
        /// Name of the preset, as given.
        name: String,
        /// The most similar name, or all names.
        hint: String,
    },
    /// The numbers of a recipe are invalid.
    #[error(transparent)]
    Recipe(#[from] RecipeError),
    /// A value is invalid; the text says why.
    #[error("{0}")]
    Invalid(String),
}

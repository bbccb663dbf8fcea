//! Errors of the catalogue.

use super::entry::{Converter, Entry, Kind, NoTask};
use crate::exit::{Category, ExitCode};
use std::{
    io,
    path::{Path, PathBuf},
};

/// The reason why a data set is not available.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CatalogError {
    /// The catalogue has no such data set.
    #[error(
        "there is no data set `{name}`{}; osee-host data list names all",
        .nearest.as_ref().map(|near| format!("; did you mean `{near}`?")).unwrap_or_default()
    )]
    Unknown {
        /// Name that the user gave.
        name: String,
        /// The most similar name.
        nearest: Option<String>,
    },
    /// The catalogue has no such data set; a path to a table may have been meant.
    #[error(
        "{unknown}\n  help: the path of a table has a / in it, or ends in .csv or .csv.gz{}",
        a_file(path)
    )]
    UnknownTable {
        /// The error for an unknown data set.
        unknown: Box<CatalogError>,
        /// The name as a path.
        path: PathBuf,
    },
    /// The data set has no such task.
    #[error(transparent)]
    NoTask(#[from] NoTask),
    /// There is no folder for data sets.
    #[error("there is no data folder: HOME is not set\n  help: set OSEE_DATA to one")]
    NoHome,
    /// The command was told to stop.
    #[error("{name}: stopped; what was downloaded is kept, and the same command resumes")]
    Stopped {
        /// Name of the data set.
        name: String,
    },
    /// Something is wrong with this data set.
    #[error("{name}: {fault}")]
    Of {
        /// Name of the data set.
        name: String,
        /// Its form, which determines the exit code.
        kind: Kind,
        /// What is wrong; boxed to keep results small.
        fault: Box<Fault>,
    },
}

impl Category for CatalogError {
    fn exit_code(&self) -> ExitCode {
        match self {
            Self::Stopped { .. } => ExitCode::Incomplete,
            Self::Of { kind: Kind::Table, .. } | Self::UnknownTable { .. } | Self::NoTask(_) => {
                ExitCode::Table
            }
            Self::Of { kind: Kind::Images, .. } => ExitCode::Data,
            Self::Unknown { .. } | Self::NoHome => ExitCode::Input,
        }
    }
}

/// What is wrong with one data set.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// It has not been fetched.
    #[error("it is not in {}\n  help: {how}", home.display())]
    NotHere {
        /// The folder of all data sets.
        home: PathBuf,
        /// The command that gets it.
        how: String,
    },
    /// It has no address to fetch it from.
    #[error("it cannot be fetched\n  help: {how}")]
    NoAddress {
        /// Its origin, and the command that imports it.
        how: String,
    },
    /// osee has no reader for it.
    #[error("osee neither uses nor imports it\n  it is at {origin}")]
    NoReader {
        /// Where people find the original, in words.
        origin: String,
    },
    /// All sources failed.
    #[error(
        "{file} cannot be fetched{}\n  help: put it at {} and run the command again, or import it: {how}",
        tried.iter().map(|(from, why)| format!("\n  {from}: {why}")).collect::<String>(),
        place.display()
    )]
    Unreachable {
        /// Name of the file.
        file: String,
        /// Each source, with the reason why it failed.
        tried: Vec<(String, String)>,
        /// Path at which the user can put the file.
        place: PathBuf,
        /// The command that imports it.
        how: String,
    },
    /// A file does not have the expected content.
    #[error("{} {what}", path.display())]
    Wrong {
        /// Path of the file.
        path: PathBuf,
        /// How it differs; follows the path in a sentence.
        what: String,
    },
    /// A file that osee did not write, or that was changed, is in the way.
    #[error(
        "{} was not written by osee-host, or was changed since, and is left alone\n  \
         help: move it away, or choose another folder by OSEE_DATA", .0.display()
    )]
    InTheWay(PathBuf),
    /// Files were changed since they were written; each with its difference.
    #[error("{}\n  help: move them away and run osee-host data fetch or import again", changed(.0))]
    Changed(Vec<(PathBuf, String)>),
    /// The command was told to stop.
    #[error("stopped")]
    Stopped,
    /// The original files do not have the expected content.
    #[error("{0}")]
    Content(String),
    /// A file cannot be read or written.
    #[error("cannot {what} {}: {source}", path.display())]
    Io {
        /// What failed, such as "read" or "write".
        what: &'static str,
        /// Path of the file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
}

/// Hint for a name that is also a file: its path with `./`, else an empty text.
fn a_file(path: &Path) -> String {
    if path.exists() { format!(": ./{}", path.display()) } else { String::new() }
}

fn changed(files: &[(PathBuf, String)]) -> String {
    let lines: Vec<String> =
        files.iter().map(|(path, what)| format!("{} {what}", path.display())).collect();
    lines.join("\n  ")
}

impl Fault {
    /// Makes the error of a file operation, for `map_err`.
    pub(super) fn io(
        what: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { what, path, source }
    }

    /// Adds the name of the data set.
    pub(super) fn of(self, entry: &Entry) -> CatalogError {
        if matches!(self, Self::Stopped) {
            return CatalogError::Stopped { name: entry.name.clone() };
        }
        CatalogError::Of { name: entry.name.clone(), kind: entry.kind, fault: Box::new(self) }
    }
}

/// The command that gets a data set.
pub(super) fn how_to_get(entry: &Entry) -> String {
    match (entry.can_be_fetched(), entry.converter) {
        (true, _) => format!("osee-host data fetch {}", entry.name),
        (false, Some(_)) => format!("{}, from {}", how_to_import(entry), entry.origin),
        (false, None) => format!("osee does not use it; it is at {}", entry.origin),
    }
}

/// The command that imports a data set.
pub(super) fn how_to_import(entry: &Entry) -> String {
    let what = match (entry.converter, entry.files.as_slice()) {
        (Some(Converter::Cifar10 | Converter::Cifar100), _) => "ARCHIVE_OR_FOLDER",
        (_, [_]) => "FILE",
        _ => "FOLDER",
    };
    format!("osee-host data import {} {what}", entry.name)
}

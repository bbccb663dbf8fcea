//! What can go wrong with a data set.

use super::entry::{Converter, Entry, Kind, NoTask};
use crate::exit::{Category, ExitCode};
use std::{
    io,
    path::{Path, PathBuf},
};

/// Why a data set cannot be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CatalogError {
    /// No such data set.
    #[error(
        "there is no data set `{name}`{}; osee-host data list names all",
        .nearest.as_ref().map(|near| format!("; did you mean `{near}`?")).unwrap_or_default()
    )]
    Unknown {
        /// As asked.
        name: String,
        /// The name most like it.
        nearest: Option<String>,
    },
    /// No such data set, and a table was asked for.
    #[error(
        "{unknown}\n  help: the path of a table has a / in it, or ends in .csv or .csv.gz{}",
        a_file(path)
    )]
    UnknownTable {
        /// That there is none.
        unknown: Box<CatalogError>,
        /// As asked.
        path: PathBuf,
    },
    /// No such task.
    #[error(transparent)]
    NoTask(#[from] NoTask),
    /// Nowhere to keep anything.
    #[error("there is no folder for data: HOME is not set\n  help: set OSEE_DATA to one")]
    NoHome,
    /// Told to stop.
    #[error("{name}: stopped; what was downloaded is kept, and the same command goes on")]
    Stopped {
        /// The data set.
        name: String,
    },
    /// Something about one data set.
    #[error("{name}: {fault}")]
    Of {
        /// The data set.
        name: String,
        /// What it would become.
        kind: Kind,
        /// What; in a box, for results of a size that all can be.
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
    /// It was not fetched.
    #[error("it is not in {}\n  help: {how}", home.display())]
    NotHere {
        /// Where it would be.
        home: PathBuf,
        /// The command that gets it.
        how: String,
    },
    /// No address.
    #[error("it cannot be fetched\n  help: {how}")]
    NoAddress {
        /// Where it comes from, and how it is imported.
        how: String,
    },
    /// Nothing reads it.
    #[error("osee has no use for it, and does not import it\n  it is at {origin}")]
    NoReader {
        /// Where it is.
        origin: String,
    },
    /// All sources failed.
    #[error(
        "{file} cannot be fetched{}\n  help: put it at {} and call again, or import it: {how}",
        tried.iter().map(|(from, why)| format!("\n  {from}: {why}")).collect::<String>(),
        place.display()
    )]
    Unreachable {
        /// The file.
        file: String,
        /// Each source, and why not.
        tried: Vec<(String, String)>,
        /// Where to put it by hand.
        place: PathBuf,
        /// The command that imports it.
        how: String,
    },
    /// A file that is another.
    #[error("{} {what}", path.display())]
    Wrong {
        /// The file.
        path: PathBuf,
        /// What it is instead.
        what: String,
    },
    /// A file in the way.
    #[error(
        "{} was not written by osee-host, or was changed since, and is left alone\n  \
         help: move it away, or choose another folder by OSEE_DATA", .0.display()
    )]
    InTheWay(PathBuf),
    /// Files that are not what they were.
    #[error("{}\n  help: move them away and call osee-host data fetch or import again", changed(.0))]
    Changed(Vec<(PathBuf, String)>),
    /// Told to stop.
    #[error("stopped")]
    Stopped,
    /// Original files are not as they should be.
    #[error("{0}")]
    Content(String),
    /// Reading or writing.
    #[error("cannot {what} {}: {source}", path.display())]
    Io {
        /// Which of them.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// What to write where a file has the name that was asked for.
fn a_file(path: &Path) -> String {
    if path.exists() { format!(": ./{}", path.display()) } else { String::new() }
}

fn changed(files: &[(PathBuf, String)]) -> String {
    let lines: Vec<String> =
        files.iter().map(|(path, what)| format!("{} {what}", path.display())).collect();
    lines.join("\n  ")
}

impl Fault {
    /// For `map_err`.
    pub(super) fn io(
        what: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { what, path, source }
    }

    /// Of this data set.
    pub(super) fn of(self, entry: &Entry) -> CatalogError {
        if matches!(self, Self::Stopped) {
            return CatalogError::Stopped { name: entry.name.clone() };
        }
        CatalogError::Of { name: entry.name.clone(), kind: entry.kind, fault: Box::new(self) }
    }
}

/// How a data set is had, as a command.
pub(super) fn how_to_get(entry: &Entry) -> String {
    match (entry.can_be_fetched(), entry.converter) {
        (true, _) => format!("osee-host data fetch {}", entry.name),
        (false, Some(_)) => format!("{}, from {}", how_to_import(entry), entry.origin),
        (false, None) => format!("osee has no use for it; it is at {}", entry.origin),
    }
}

/// How a data set is imported, as a command.
pub(super) fn how_to_import(entry: &Entry) -> String {
    let what = match (entry.converter, entry.files.as_slice()) {
        (Some(Converter::Cifar10 | Converter::Cifar100), _) => "ARCHIVE_OR_FOLDER",
        (_, [_]) => "FILE",
        _ => "FOLDER",
    };
    format!("osee-host data import {} {what}", entry.name)
}

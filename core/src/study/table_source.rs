//! The source of a table: a file, a data set of the catalogue, or a table that is part of osee.

use crate::embedded;
use osee_model::paths;
use serde::{Deserialize, Serialize};
use std::{
    fmt,
    path::{Path, PathBuf},
};

/// The source of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum TableSource {
    /// A CSV or CSV.gz file: any text that contains `/`, or ends in `.csv` or `.csv.gz`.
    File(PathBuf),
    /// A data set such as `nb201`, or one of its tasks, such as `nb201:cifar100`.
    DataSet {
        /// Name of the data set.
        name: String,
        /// Name of the task; `None` if none is given.
        task: Option<String>,
    },
    /// A table that is part of osee, written `embedded:NAME`; its name.
    Embedded(String),
}

impl TableSource {
    /// The table that `path` stands for on a command line.
    pub fn of(path: &Path) -> Self {
        let text = paths::text(path);
        if text.contains('/') || text.ends_with(".csv") || text.ends_with(".csv.gz") {
            return Self::File(path.to_owned());
        }
        if let Some(name) = embedded::table_name(path) {
            return Self::Embedded(name.to_owned());
        }
        match text.split_once(':') {
            Some((name, task)) => {
                Self::DataSet { name: name.to_owned(), task: Some(task.to_owned()) }
            }
            None => Self::DataSet { name: text, task: None },
        }
    }

    /// The source as written in a study; for a file, its path.
    pub fn path(&self) -> PathBuf {
        match self {
            Self::File(path) => path.clone(),
            other => PathBuf::from(other.to_string()),
        }
    }

    /// Puts `onto` before the path of a file if it is relative.
    pub fn rebase(&mut self, onto: &Path) {
        if let Self::File(path) = self {
            *path = onto.join(&*path);
        }
    }
}

impl fmt::Display for TableSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => f.write_str(&paths::text(path)),
            Self::DataSet { name, task: None } => f.write_str(name),
            Self::DataSet { name, task: Some(task) } => write!(f, "{name}:{task}"),
            Self::Embedded(name) => write!(f, "{}{name}", embedded::PREFIX),
        }
    }
}

impl From<String> for TableSource {
    fn from(text: String) -> Self {
        Self::of(&paths::path(&text))
    }
}

impl From<TableSource> for String {
    fn from(source: TableSource) -> Self {
        source.to_string()
    }
}

//! The source of the images, as a study names it.

use crate::paths;
use serde::{Deserialize, Serialize};
use std::{
    convert::Infallible,
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
};

/// `noise`, `digits`, a data set such as `cifar10`, or a data set with the folder of its files,
/// such as `cifar10:FOLDER`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct DataSource {
    /// The word before the colon. The code that reads images knows which words are valid.
    pub kind: String,
    /// Folder with the files; `None` if the study gives none.
    pub folder: Option<PathBuf>,
}

impl DataSource {
    /// The source of random pixels.
    pub fn noise() -> Self {
        Self { kind: "noise".to_owned(), folder: None }
    }

    /// A data set whose files lie in `folder`.
    pub fn in_folder(kind: &str, folder: PathBuf) -> Self {
        Self { kind: kind.to_owned(), folder: Some(folder) }
    }

    /// Puts `onto` before the folder if it is relative.
    pub fn rebase(&mut self, onto: &Path) {
        if let Some(folder) = &mut self.folder {
            *folder = onto.join(&*folder);
        }
    }
}

impl FromStr for DataSource {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(match text.split_once(':') {
            Some((kind, folder)) => Self::in_folder(kind, paths::path(folder)),
            None => Self { kind: text.to_owned(), folder: None },
        })
    }
}

impl From<String> for DataSource {
    fn from(text: String) -> Self {
        let Ok(source) = text.parse();
        source
    }
}

impl fmt::Display for DataSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.folder {
            Some(folder) => write!(f, "{}:{}", self.kind, paths::text(folder)),
            None => f.write_str(&self.kind),
        }
    }
}

impl From<DataSource> for String {
    fn from(source: DataSource) -> Self {
        source.to_string()
    }
}

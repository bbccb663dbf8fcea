//! The card of a data set: its description, its origin, and every file that osee
//! wrote.

use super::{entry::Entry, error::Fault, files};
use crate::stop::Stop;
use serde::{Deserialize, Serialize};
use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Component, Path, PathBuf},
};

/// File name of the card.
pub const CARD: &str = "card.toml";
/// Folder for the original files, inside the data set's folder.
pub const ORIGINAL: &str = "original";
/// Version of the card's format.
const FORM: u32 = 1;

/// Description and contents of a data set's folder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Card {
    /// Version of the format.
    form: u32,
    /// Name of the data set.
    pub name: String,
    /// One line that describes it.
    pub title: String,
    /// The search space that the data set is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub space: Option<String>,
    /// Number of rows in its table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<usize>,
    /// Licence, in words.
    pub licence: String,
    /// Publication to cite.
    pub citation: String,
    /// Where people find the original, in words.
    pub origin: String,
    /// All files of the folder except the card.
    #[serde(rename = "file")]
    pub files: Vec<Written>,
}

/// A file that osee wrote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Written {
    /// Path in the folder, with `/`.
    pub path: String,
    /// Original or converted.
    pub role: Role,
    /// Size in bytes.
    pub bytes: u64,
    /// SHA-256, in hex.
    pub sha256: String,
    /// Where an original file came from; `None` for a converted one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
}

/// The role of a file in a data set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// An original file, unchanged.
    Original,
    /// A file converted from the originals.
    Converted,
}

impl Card {
    /// The card of an entry with these files.
    pub(super) fn of(entry: &Entry, files: Vec<Written>) -> Self {
        Self {
            form: FORM,
            name: entry.name.clone(),
            title: entry.title.clone(),
            space: entry.space.clone(),
            rows: entry.rows,
            licence: entry.licence.clone(),
            citation: entry.citation.clone(),
            origin: entry.origin.clone(),
            files,
        }
    }

    /// Reads the card in a folder; `None` if there is none.
    ///
    /// # Errors
    /// The card cannot be read.
    pub fn read(folder: &Path) -> Result<Option<Self>, Fault> {
        let path = folder.join(CARD);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
                ) =>
            {
                return Ok(None);
            }
            Err(error) => return Err(Fault::io("read", path)(error)),
        };
        let wrong = |what: String| Fault::Wrong { path: path.clone(), what };
        let card: Self = toml::from_str(&text).map_err(|error| {
            wrong(format!("is not the card of a data set: {}", error.message()))
        })?;
        if card.form != FORM {
            return Err(wrong(format!("has format {}, this osee-host reads {FORM}", card.form)));
        }
        // `Home::remove` deletes what a card lists: every path must lie in the folder.
        let inside = |file: &Written| {
            Path::new(&file.path).components().all(|it| matches!(it, Component::Normal(_)))
        };
        match card.files.iter().find(|file| !inside(file)) {
            Some(file) => Err(wrong(format!("names `{}`, outside its folder", file.path))),
            None => Ok(Some(card)),
        }
    }

    /// True if its original files match the catalogue, which may list newer ones.
    pub(super) fn is_of(&self, entry: &Entry) -> bool {
        entry.files.iter().all(|wanted| {
            let path = format!("{ORIGINAL}/{}", wanted.name);
            let there = self.files.iter().find(|file| file.path == path);
            // Images may have been imported without their archive.
            there.is_none_or(|it| wanted.sha256.as_ref().is_none_or(|hash| *hash == it.sha256))
        })
    }

    /// Writes the card and flushes it to disk.
    pub(super) fn write(&self, folder: &Path) -> Result<(), Fault> {
        let path = folder.join(CARD);
        let text = toml::to_string(self).map_err(|error| Fault::Content(error.to_string()))?;
        let text = format!(
            "# Written by osee-host, which removes only files that are as it says.\n{text}"
        );
        File::create(&path)
            .and_then(|mut file| {
                file.write_all(text.as_bytes())?;
                file.sync_all()
            })
            .map_err(Fault::io("write", path))
    }

    /// Total size of its files, in bytes.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }

    /// Files that no longer match the card: missing, or with other bytes.
    pub(super) fn changed(
        &self,
        folder: &Path,
        stop: &Stop,
    ) -> Result<Vec<(PathBuf, Difference)>, Fault> {
        let mut changed = Vec::new();
        for file in &self.files {
            let path = folder.join(&file.path);
            if fs::symlink_metadata(&path).is_err_and(|it| it.kind() == io::ErrorKind::NotFound) {
                changed.push((path, Difference::Gone));
                continue;
            }
            if files::digest(&path, stop, io::sink())? != (file.bytes, file.sha256.clone()) {
                changed.push((path, Difference::Other));
            }
        }
        Ok(changed)
    }
}

/// How a file differs from its card.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Difference {
    /// The file is missing.
    Gone,
    /// The file has other bytes.
    Other,
}

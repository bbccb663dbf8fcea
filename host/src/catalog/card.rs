//! The card of a data set: what it is, where it came from, and every file that
//! was written.

use super::{entry::Entry, error::Fault, files};
use crate::stop::Stop;
use serde::{Deserialize, Serialize};
use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Component, Path, PathBuf},
};

/// Its name in the folder.
pub const CARD: &str = "card.toml";
/// Folder of the original files, in that of the data set.
pub const ORIGINAL: &str = "original";
/// What a reader of another form has to know.
const FORM: u32 = 1;

/// What lies in a folder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Card {
    /// Form of the card.
    form: u32,
    /// The data set.
    pub name: String,
    /// What it is.
    pub title: String,
    /// The space that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub space: Option<String>,
    /// How many rows its table has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<usize>,
    /// Its licence.
    pub licence: String,
    /// What to cite.
    pub citation: String,
    /// Where it is from.
    pub origin: String,
    /// All files of the folder but this one.
    #[serde(rename = "file")]
    pub files: Vec<Written>,
}

/// A file that was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Written {
    /// In the folder, with `/`.
    pub path: String,
    /// What it is.
    pub role: Role,
    /// Its size.
    pub bytes: u64,
    /// Its SHA-256, hex.
    pub sha256: String,
    /// Where an original was had.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
}

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// As it came.
    Original,
    /// What was made of it.
    Converted,
}

impl Card {
    /// That of an entry with these files.
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

    /// The card in a folder; `None` without one.
    ///
    /// # Errors
    /// One that cannot be read.
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
        let card: Self = toml::from_str(&text)
            .map_err(|error| wrong(format!("is no card of a data set: {}", error.message())))?;
        if card.form != FORM {
            return Err(wrong(format!("has form {}, this osee-host knows {FORM}", card.form)));
        }
        // A file that is removed by a card lies below it.
        let inside = |file: &Written| {
            Path::new(&file.path).components().all(|it| matches!(it, Component::Normal(_)))
        };
        match card.files.iter().find(|file| !inside(file)) {
            Some(file) => Err(wrong(format!("names `{}`, outside of its folder", file.path))),
            None => Ok(Some(card)),
        }
    }

    /// Whether its original files are those of the catalogue, which may have
    /// newer ones.
    pub(super) fn is_of(&self, entry: &Entry) -> bool {
        entry.files.iter().all(|wanted| {
            let path = format!("{ORIGINAL}/{}", wanted.name);
            let there = self.files.iter().find(|file| file.path == path);
            // Images may be there without their archive.
            there.is_none_or(|it| wanted.sha256.as_ref().is_none_or(|hash| *hash == it.sha256))
        })
    }

    /// Writes it, and waits until it is on the disk.
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

    /// How much it is.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }

    /// Files that are not as it says: gone, or with other bytes.
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

/// How a file is not what it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Difference {
    /// It is not there.
    Gone,
    /// It has other bytes.
    Other,
}

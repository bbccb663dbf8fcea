//! Decides which plugin files may be loaded. Loading runs code, so nothing of a library
//! runs before its file was compared with the lock file.
//!
//! There is no sandbox: a pin says that a file is the one that somebody chose, not that
//! it is harmless.

use super::{LoadErrorKind, others};
use crate::exit::{Category, ExitCode};
use osee_files::write_whole;
use serde::{Deserialize, Serialize};
use std::{
    fs::Metadata,
    io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

/// Version of the lock file's format.
const VERSION: u32 = 1;

/// Name of the lock file, beside the study or in the working folder.
pub const LOCK: &str = "osee.lock";

/// A plugin file's entry in the lock file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Path of the plugin, relative to the lock file's folder.
    #[serde(with = "osee_model::paths")]
    pub file: PathBuf,
    /// Required SHA-256, in hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// `any` for a plugin under development, which changes with every build.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub build: Option<AnyBuild>,
}

/// The only value of [`Entry::build`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AnyBuild {
    /// Accepts any content of the file.
    Any,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    version: u32,
    #[serde(default, rename = "plugin")]
    plugins: Vec<Entry>,
}

/// A lock file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lock {
    folder: PathBuf,
    entries: Vec<Entry>,
}

/// The reason why a lock file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// It cannot be read or written.
    #[error("cannot use lock file {}: {source}", path.display())]
    Io {
        /// Path of the lock file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// It is not a lock file.
    #[error("lock file {} is not valid: {message}", path.display())]
    Parse {
        /// Path of the lock file.
        path: PathBuf,
        /// What is wrong with it.
        message: String,
    },
}

impl Category for LockError {
    fn exit_code(&self) -> ExitCode {
        ExitCode::Plugin
    }
}

impl Lock {
    /// Reads the lock file at `path`; it is empty if there is none.
    ///
    /// # Errors
    /// It cannot be read, or is malformed.
    pub fn read(path: &Path) -> Result<Self, LockError> {
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Self { folder, entries: Vec::new() });
            }
            Err(source) => return Err(LockError::Io { path: path.to_owned(), source }),
        };
        let entries =
            parse(&text).map_err(|message| LockError::Parse { path: path.to_owned(), message })?;
        Ok(Self { folder, entries })
    }

    /// Pins `file` to `sha256`; replaces an entry for the same file.
    pub fn pin(&mut self, file: &Path, sha256: &str) {
        let same = self.position(file);
        let folder = std::fs::canonicalize(self.in_folder(Path::new("."))).unwrap_or_default();
        let file = std::fs::canonicalize(file).unwrap_or_else(|_| file.to_owned());
        let relative = file.strip_prefix(&folder).map(Path::to_owned).unwrap_or(file);
        let entry = Entry { file: relative, sha256: Some(sha256.to_owned()), build: None };
        match same {
            Some(at) => self.entries[at] = entry,
            None => self.entries.push(entry),
        }
    }

    /// Writes the lock file, either completely or not at all.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), LockError> {
        write_whole(path, &lock_text(&self.entries))
            .map_err(|source| LockError::Io { path: path.to_owned(), source })
    }

    /// Checks whether `file` with this hash may be loaded.
    ///
    /// # Errors
    /// [`LoadErrorKind::Unpinned`] or [`LoadErrorKind::Changed`].
    pub fn allows(&self, file: &Path, sha256: &str) -> Result<(), LoadErrorKind> {
        match self.position(file).map(|at| &self.entries[at]) {
            None => Err(LoadErrorKind::Unpinned),
            Some(Entry { build: Some(AnyBuild::Any), .. }) => Ok(()),
            Some(Entry { sha256: Some(pinned), .. }) if pinned == sha256 => Ok(()),
            Some(_) => Err(LoadErrorKind::Changed),
        }
    }

    fn position(&self, file: &Path) -> Option<usize> {
        let file = std::fs::canonicalize(file).ok()?;
        let is_it = |entry: &Entry| {
            std::fs::canonicalize(self.in_folder(&entry.file)).is_ok_and(|known| known == file)
        };
        self.entries.iter().position(is_it)
    }

    fn in_folder(&self, file: &Path) -> PathBuf {
        // The parent of a bare name is empty, which cannot be canonicalised.
        Path::new(".").join(&self.folder).join(file)
    }
}

/// Text of a lock file with these entries.
pub fn lock_text(entries: &[Entry]) -> String {
    let document = Document { version: VERSION, plugins: entries.to_vec() };
    "# Plugins that may be loaded: `osee-host plugin trust FILE`.\n".to_owned()
        + &toml::to_string(&document).expect("a lock is plain data")
}

/// Rules for which plugins may be loaded in this run.
#[derive(Debug, Clone, Default)]
pub struct Trust {
    lock: Lock,
    allow_unpinned: bool,
}

impl Trust {
    /// Reads the lock file beside `study` if there is one, else that in the working folder;
    /// with `allow_unpinned`, files need not be listed in it.
    ///
    /// # Errors
    /// The lock file cannot be used.
    pub fn open(study: Option<&Path>, allow_unpinned: bool) -> Result<Self, LockError> {
        let beside = study.map(|study| study.with_file_name(LOCK)).filter(|lock| lock.exists());
        let lock = Lock::read(&beside.unwrap_or_else(|| PathBuf::from(LOCK)))?;
        Ok(Self { lock, allow_unpinned })
    }

    /// Checks whether `file` with this hash may be loaded.
    ///
    /// # Errors
    /// The rung of the ladder that it fails on.
    pub fn permits(&self, file: &Path, sha256: &str) -> Result<(), LoadErrorKind> {
        refuse_others(file)?;
        let outcome = self.lock.allows(file, sha256);
        if self.allow_unpinned && outcome.is_err() {
            tracing::warn!(file = %file.display(), sha256, "loading a plugin that is not pinned");
            return Ok(());
        }
        outcome
    }
}

/// Reads the entries of a lock file's text.
///
/// # Errors
/// What is wrong, in words.
pub fn parse(text: &str) -> Result<Vec<Entry>, String> {
    let document: Document = toml::from_str(text).map_err(|error| error.message().to_owned())?;
    if document.version != VERSION {
        return Err(format!("it has version {}, this osee reads {VERSION}", document.version));
    }
    for entry in &document.plugins {
        let hex = |text: &String| text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit());
        match (&entry.sha256, entry.build) {
            (Some(sha256), None) if hex(sha256) => {}
            (None, Some(AnyBuild::Any)) => {}
            _ => {
                let file = entry.file.display();
                return Err(format!("{file} needs either a sha256 or build = \"any\""));
            }
        }
    }
    Ok(document.plugins)
}

/// Refuses a file that users other than its owner can change or replace: the loaded
/// file might not be the checked one.
///
/// # Errors
/// [`LoadErrorKind::Writable`], [`LoadErrorKind::Movable`], or it cannot be read.
pub fn refuse_others(file: &Path) -> Result<(), LoadErrorKind> {
    let file = std::fs::canonicalize(file).map_err(LoadErrorKind::Read)?;
    let read = |path: &Path| std::fs::metadata(path).map_err(LoadErrorKind::Read);
    let permissions = |metadata: &Metadata| metadata.permissions().mode() & 0o7777;
    let metadata = read(&file)?;
    if let Some(others) = others::writers(&file, &metadata) {
        return Err(LoadErrorKind::Writable { mode: permissions(&metadata), others });
    }
    for folder in file.ancestors().skip(1) {
        let metadata = read(folder)?;
        if let Some(others) = others::movers(folder, &metadata) {
            let (folder, mode) = (folder.to_owned(), permissions(&metadata));
            return Err(LoadErrorKind::Movable { folder, mode, others });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_holds_for_one_file_with_one_hash() {
        let folder = tempfile::tempdir().unwrap();
        let [path, file, other] = ["osee.lock", "a.so", "b.so"].map(|n| folder.path().join(n));
        std::fs::write(&file, "a").unwrap();
        std::fs::write(&other, "b").unwrap();
        let mut lock = Lock::read(&path).unwrap();
        assert!(matches!(lock.allows(&file, "x"), Err(LoadErrorKind::Unpinned)));
        let [hash, second] = ["0", "1"].map(|digit| digit.repeat(64));
        lock.pin(&file, &hash);
        lock.pin(&file, &second);
        lock.write(&path).unwrap();
        let lock = Lock::read(&path).unwrap();
        assert_eq!(lock.entries.len(), 1);
        assert!(lock.allows(&file, &second).is_ok());
        assert!(matches!(lock.allows(&file, &hash), Err(LoadErrorKind::Changed)));
        assert!(matches!(lock.allows(&other, &second), Err(LoadErrorKind::Unpinned)));
    }

    #[test]
    fn a_lock_file_that_makes_no_sense_is_told_why() {
        let why = |text| parse(text).unwrap_err();
        assert!(why("version = 2").contains("version 2"), "{}", why("version = 2"));
        let short = "version = 1\n[[plugin]]\nfile = \"a.so\"\nsha256 = \"12\"\n";
        assert_eq!(why(short), "a.so needs either a sha256 or build = \"any\"");
        let any = "version = 1\n[[plugin]]\nfile = \"a.so\"\nbuild = \"any\"\n";
        assert_eq!(parse(any).unwrap()[0].build, Some(AnyBuild::Any));
        assert!(why("version = 1\nplugins = []\n").contains("plugins"));
    }
}

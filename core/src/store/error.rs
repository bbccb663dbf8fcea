//! Why a run directory cannot be used.

use crate::{shard::Shard, study::StudyError};
use std::path::{Path, PathBuf};

/// Errors of the store, with the directory they are about.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// It cannot be made or written.
    #[error("cannot write to {}: {source}", dir.display())]
    Unwritable {
        /// The directory.
        dir: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It holds something else.
    #[error(
        "{} is not empty and no osee run (it has no study.toml with results.sqlite); \
         nothing was changed; give --out a new or empty folder", .0.display()
    )]
    Foreign(PathBuf),
    /// It holds another study.
    #[error(
        "{} holds a run of another study: its {field} differs; \
         resume with the study it was made with, or give --out another folder", dir.display()
    )]
    OtherStudy {
        /// The directory.
        dir: PathBuf,
        /// What differs.
        field: String,
    },
    /// There is no run.
    #[error("{} is no osee run: {reason}", dir.display())]
    NoRun {
        /// The directory.
        dir: PathBuf,
        /// What is missing.
        reason: String,
    },
    /// Its study is of a version that this osee does not know.
    #[error(transparent)]
    Study(StudyError),
    /// It has some of the study's architectures only.
    #[error(
        "{} holds a part of its study{}; put all parts together first, with osee-host merge",
        dir.display(), if shard.is_whole() { String::new() } else { format!(", shard {shard}") }
    )]
    Part {
        /// The directory.
        dir: PathBuf,
        /// Which, if it is one shard.
        shard: Shard,
    },
    /// Its file is not as SQLite left it.
    #[error(
        "the results.sqlite in {} is damaged or was copied in part ({detail}); copy it again, \
         or run what made it again in an empty folder", dir.display()
    )]
    Damaged {
        /// The directory.
        dir: PathBuf,
        /// What SQLite finds.
        detail: String,
    },
    /// Another process writes to it.
    #[error("another osee-host is writing to {}; wait for it, or give --out another folder", .0.display())]
    Locked(PathBuf),
    /// Written by another version.
    #[error(
        "{} has store format {found}, and this osee reads {known} and the one before; \
         use the version that wrote it, or start a new run", dir.display()
    )]
    Version {
        /// The directory.
        dir: PathBuf,
        /// Format found.
        found: i64,
        /// Format known.
        known: i64,
    },
    /// No room is left, or the disk fails.
    #[error(
        "the store in {} cannot go on: {source}; what was stored is kept, so make room, or mend \
         the disk, and give the same command again", dir.display()
    )]
    Disk {
        /// The directory.
        dir: PathBuf,
        /// Why.
        source: rusqlite::Error,
    },
    /// SQLite failed.
    #[error("the store in {} failed: {source}", dir.display())]
    Sqlite {
        /// The directory.
        dir: PathBuf,
        /// Why.
        source: rusqlite::Error,
    },
}

impl StoreError {
    /// Of SQLite, in the store of `dir`.
    pub(super) fn of_sqlite(dir: &Path, source: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode::{DatabaseCorrupt, DiskFull, NotADatabase, SystemIoFailure};
        let dir = dir.to_owned();
        match source.sqlite_error_code() {
            Some(DatabaseCorrupt | NotADatabase) => {
                Self::Damaged { dir, detail: source.to_string() }
            }
            Some(DiskFull | SystemIoFailure) => Self::Disk { dir, source },
            _ => Self::Sqlite { dir, source },
        }
    }
}

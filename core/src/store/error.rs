//! Why a run directory cannot be used.

use crate::{shard::Shard, study::StudyError};
use std::path::{Path, PathBuf};

/// Errors of the store. Each names the run directory.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The directory cannot be made or written.
    #[error("cannot write to {}: {source}", dir.display())]
    Unwritable {
        /// Path of the run directory.
        dir: PathBuf,
        /// Error of the operating system.
        source: std::io::Error,
    },
    /// The directory holds something other than a run; its path.
    #[error(
        "{} is not empty, and not an osee run (it has no study.toml with results.sqlite); \
         nothing was changed; give --out a new or empty folder", .0.display()
    )]
    Foreign(PathBuf),
    /// The directory holds a run of another study.
    #[error(
        "{} holds a run of another study: its {field} differs; \
         resume with the study it was made with, or give --out another folder", dir.display()
    )]
    OtherStudy {
        /// Path of the run directory.
        dir: PathBuf,
        /// What differs, in words.
        field: String,
    },
    /// The directory holds no run.
    #[error("{} is not an osee run: {reason}", dir.display())]
    NoRun {
        /// Path of the run directory.
        dir: PathBuf,
        /// What is missing or damaged.
        reason: String,
    },
    /// The run's study has a version that this osee does not know.
    #[error(transparent)]
    Study(StudyError),
    /// The store has only some of the study's architectures.
    #[error(
        "{} holds only a part of its study{}; merge all parts first, with osee-host merge",
        dir.display(), if shard.is_whole() { String::new() } else { format!(", shard {shard}") }
    )]
    Part {
        /// Path of the run directory.
        dir: PathBuf,
        /// The shard that it is; the whole if it is a merge of some shards.
        shard: Shard,
    },
    /// The store's file is damaged.
    #[error(
        "the results.sqlite in {} is damaged or was copied in part ({detail}); copy it again, \
         or run what made it again in an empty folder", dir.display()
    )]
    Damaged {
        /// Path of the run directory.
        dir: PathBuf,
        /// What SQLite's check reports.
        detail: String,
    },
    /// Another process writes to the run; its path.
    #[error("another osee-host is writing to {}; wait for it, or give --out another folder", .0.display())]
    Locked(PathBuf),
    /// The store has a format that this osee does not read.
    #[error(
        "{} has store format {found}, and this osee reads {known} and the one before; \
         use the version that wrote it, or start a new run", dir.display()
    )]
    Version {
        /// Path of the run directory.
        dir: PathBuf,
        /// Format number of the store.
        found: i64,
        /// Format number that this osee writes.
        known: i64,
    },
    /// The disk is full or fails.
    #[error(
        "the store in {} cannot be written: {source}; what was stored is kept, so make room or repair the disk, and run the same command again", dir.display()
    )]
    Disk {
        /// Path of the run directory.
        dir: PathBuf,
        /// Error of SQLite.
        source: rusqlite::Error,
    },
    /// Another error of SQLite.
    #[error("the store in {} failed: {source}", dir.display())]
    Sqlite {
        /// Path of the run directory.
        dir: PathBuf,
        /// Error of SQLite.
        source: rusqlite::Error,
    },
}

impl StoreError {
    /// The error for an error of SQLite in the store of `dir`.
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

//! Opening the study and the store of a run directory.

use super::{
    StoreError, old,
    schema::{ADDED, FORMAT, OLD, SCHEMA},
};
use crate::{
    run_dir::RunDir,
    study::{Study, StudyError},
};
use rusqlite::{Connection, OpenFlags};
use std::{os::unix::ffi::OsStrExt, path::Path};

pub(super) fn read_study(dir: &RunDir) -> Result<Study, StoreError> {
    let no_run = |reason: String| StoreError::NoRun { dir: dir.path().to_owned(), reason };
    let file = dir.study();
    let text = std::fs::read_to_string(&file).map_err(|error| no_run(error.to_string()))?;
    Study::of_run(&file, &text).map_err(|error| match error {
        StudyError::Version { .. } => StoreError::Study(error),
        error => no_run(format!("its study.toml is damaged: {error}")),
    })
}

/// Refuses a study that differs in what decides a score; the rest may change.
pub(super) fn refuse_other_study(
    dir: &RunDir,
    known: &Study,
    study: &Study,
) -> Result<(), StoreError> {
    // The place of a file may change: the plan stores the architectures of a list, and a row's key
    // identifies the images.
    let choice = |study: &Study| {
        let wanted = &study.architectures;
        // A stored study may have a seed that has no effect.
        let seed = wanted.draws().then_some(wanted.seed);
        (wanted.count(), wanted.file.is_some(), wanted.unique, seed, wanted.neighbours)
    };
    let differs = [
        ("search space", known.space != study.space),
        ("choice of architectures", choice(known) != choice(study)),
        ("data", known.data.kind != study.data.kind),
        ("protocol", known.protocol != study.protocol),
        ("seeds", known.seeds != study.seeds),
        ("shard", known.shard != study.shard),
    ];
    match differs.into_iter().find(|(_, differs)| *differs) {
        Some((field, _)) => {
            Err(StoreError::OtherStudy { dir: dir.path().to_owned(), field: field.to_owned() })
        }
        None => Ok(()),
    }
}

/// Opens the store of a run for reading. A store of the previous format is shown as one of this
/// format.
pub(super) fn read_format(dir: &RunDir) -> Result<Connection, StoreError> {
    let sqlite = |source| StoreError::of_sqlite(dir.path(), source);
    let connection = read_only(&dir.results()).map_err(sqlite)?;
    match format_of(&connection).map_err(sqlite)? {
        FORMAT => {}
        OLD => old::show_as_new(&connection).map_err(sqlite)?,
        0 => {
            let reason = "its results.sqlite is empty".to_owned();
            return Err(StoreError::NoRun { dir: dir.path().to_owned(), reason });
        }
        found => return Err(version(dir, found)),
    }
    Ok(connection)
}

/// Opens the store of a run for writing, and makes a new one if there is none.
pub(super) fn write_format(dir: &RunDir) -> Result<Connection, StoreError> {
    let sqlite = |source| StoreError::of_sqlite(dir.path(), source);
    let mut connection = Connection::open(dir.results()).map_err(sqlite)?;
    connection.pragma_update(None, "journal_mode", "WAL").map_err(sqlite)?;
    // In WAL mode, NORMAL survives any death of the process. FULL would also survive a power cut,
    // but would wait for the disk once per architecture.
    connection.pragma_update(None, "synchronous", "NORMAL").map_err(sqlite)?;
    match format_of(&connection).map_err(sqlite)? {
        FORMAT => {}
        OLD => old::rewrite(&mut connection).map_err(sqlite)?,
        0 => {
            let transaction = connection.transaction().map_err(sqlite)?;
            transaction.execute_batch(SCHEMA).map_err(sqlite)?;
            transaction.pragma_update(None, "user_version", FORMAT).map_err(sqlite)?;
            transaction.commit().map_err(sqlite)?;
        }
        found => return Err(version(dir, found)),
    }
    connection.execute_batch(ADDED).map_err(sqlite)?;
    Ok(connection)
}

fn version(dir: &RunDir, found: i64) -> StoreError {
    StoreError::Version { dir: dir.path().to_owned(), found, known: FORMAT }
}

fn format_of(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// In WAL mode even a reader makes files beside the database. If no writer has left a WAL file, the
/// database is complete and is opened as unchanging, so that nothing is made.
fn read_only(file: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
    let open = |path: &str| {
        let connection = Connection::open_with_flags(path, flags)?;
        format_of(&connection).map(|_| connection)
    };
    let mut wal = file.as_os_str().to_owned();
    wal.push("-wal");
    if Path::new(&wal).exists() {
        return open(&uri(file, ""));
    }
    open(&uri(file, "?immutable=1"))
}

/// SQLite's URI of a file. `%`, `?` and `#` would end the path, and not every path is UTF-8.
fn uri(file: &Path, options: &str) -> String {
    let escaped = |byte: &u8| match byte {
        b'%' | b'?' | b'#' | 0x80.. => format!("%{byte:02x}"),
        byte => char::from(*byte).to_string(),
    };
    let path: String = file.as_os_str().as_bytes().iter().map(escaped).collect();
    format!("file:{path}{options}")
}

//! The files of a run directory.

use super::StoreError;
use crate::study::Study;
use rusqlite::{Connection, OpenFlags, OptionalExtension};
use std::{os::unix::ffi::OsStrExt, path::Path};

pub(super) fn read_study(dir: &Path) -> Result<Study, StoreError> {
    let no_run = |reason: String| StoreError::NoRun { dir: dir.to_owned(), reason };
    let text =
        std::fs::read_to_string(dir.join("study.toml")).map_err(|e| no_run(e.to_string()))?;
    toml::from_str(&text).map_err(|e| no_run(format!("its study.toml is damaged: {e}")))
}

/// What decides a number must be the same; the rest may change.
pub(super) fn refuse_other_study(
    dir: &Path,
    known: &Study,
    study: &Study,
) -> Result<(), StoreError> {
    // Where files lie may change: the plan holds the architectures of a list
    // themselves, and a scorer's key says what the images were.
    let choice = |study: &Study| {
        let wanted = &study.architectures;
        // What changes nothing may stand in a study that was stored.
        let seed = wanted.draws().then_some(wanted.seed);
        (wanted.count(), wanted.file.is_some(), wanted.unique, seed, wanted.neighbours)
    };
    let data = |study: &Study| study.data.split(':').next().map(str::to_owned);
    let differs = [
        ("search space", known.space != study.space),
        ("choice of architectures", choice(known) != choice(study)),
        ("data", data(known) != data(study)),
        ("protocol", known.protocol != study.protocol),
        ("seeds", known.seeds != study.seeds),
        ("shard", known.shard != study.shard),
    ];
    match differs.into_iter().find(|(_, differs)| *differs) {
        Some((field, _)) => {
            Err(StoreError::OtherStudy { dir: dir.to_owned(), field: field.to_owned() })
        }
        None => Ok(()),
    }
}

pub(super) fn format_of(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// Whether a file has a table that not every file has.
pub(super) fn has_table(connection: &Connection, name: &str) -> rusqlite::Result<bool> {
    let find = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?1";
    Ok(connection.query_row(find, [name], |_| Ok(())).optional()?.is_some())
}

/// In WAL mode even a reader makes files beside the database. Where it cannot,
/// and no writer has left any, the file is all there is and does not change.
pub(super) fn read_only(file: &Path) -> rusqlite::Result<Connection> {
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

/// SQLite's name of a file; `%`, `?` and `#` would end the path, and not every
/// path is UTF-8.
fn uri(file: &Path, options: &str) -> String {
    let escaped = |byte: &u8| match byte {
        b'%' | b'?' | b'#' | 0x80.. => format!("%{byte:02x}"),
        byte => char::from(*byte).to_string(),
    };
    let path: String = file.as_os_str().as_bytes().iter().map(escaped).collect();
    format!("file:{path}{options}")
}

//! Writing a run.
//!
//! Invariant: there is only one writer at a time, if the file system supports locks.

use super::{
    PopulationId, Record, RowId, Store, StoreError,
    files::{read_study, refuse_other_study, write_format},
    limit::set_limit,
    population::set_population,
    schema::INSERT,
    unit::add_time,
};
use crate::{row::RowKey, run_dir::RunDir, study::Study};
use osee_files::write_whole;
use rusqlite::{Connection, params};
use std::{
    fs::{File, TryLockError},
    io::ErrorKind,
    ops::Deref,
};

/// A run that is being written. It can be read like any [`Store`].
#[derive(Debug)]
pub struct StoreWriter {
    pub(super) store: Store,
    /// The lock file, locked while the run is written.
    _lock: File,
}

impl Deref for StoreWriter {
    type Target = Store;

    fn deref(&self) -> &Store {
        &self.store
    }
}

impl StoreWriter {
    /// Opens the run `dir` of `study`, and makes it if it is new or empty. A store of the previous
    /// format is rewritten in this one.
    ///
    /// # Errors
    /// If the directory is no run or a run of another study, is locked, or cannot be written.
    pub fn open(dir: impl Into<RunDir>, study: &Study) -> Result<Self, StoreError> {
        let dir = &dir.into();
        let path = || dir.path().to_owned();
        let unwritable = |source| StoreError::Unwritable { dir: path(), source };
        let new = match std::fs::read_dir(dir.path()) {
            Err(error) if error.kind() == ErrorKind::NotFound => true,
            Err(error) => return Err(unwritable(error)),
            Ok(entries) => {
                let names = entries.flatten().map(|it| it.file_name().to_string_lossy().into());
                RunDir::is_unbegun(&names.collect::<Vec<String>>())
            }
        };
        if !new && !dir.is_whole() {
            return Err(StoreError::Foreign(path()));
        }
        std::fs::create_dir_all(dir.path()).map_err(unwritable)?;
        let lock = File::create(dir.lock()).map_err(unwritable)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(StoreError::Locked(path())),
            // The lock is only a precaution; not every network file system supports it.
            Err(TryLockError::Error(error)) if error.kind() == ErrorKind::Unsupported => {}
            Err(TryLockError::Error(error)) => return Err(unwritable(error)),
        }
        let mut resolved = study.clone();
        if !new {
            let known = read_study(dir)?;
            refuse_other_study(dir, &known, study)?;
            resolved.truth = resolved.truth.or(known.truth);
        }
        write_whole(&dir.study(), &resolved.to_toml()).map_err(unwritable)?;
        let store = Store { dir: dir.clone(), connection: write_format(dir)? };
        Ok(Self { store, _lock: lock })
    }

    /// Ends the writing and unlocks the run.
    pub fn finish(self) -> Store {
        self.store
    }

    /// The ids of rows, which are added if they are new. From now on they are the last used, in
    /// this order.
    ///
    /// # Errors
    /// If SQLite fails.
    pub fn register(&mut self, keys: &[RowKey]) -> Result<Vec<RowId>, StoreError> {
        let known = self.rows()?;
        let write = |connection: &mut Connection| {
            let transaction = connection.transaction()?;
            let ids = keys.iter().map(|key| register(&transaction, &known, key));
            let ids = ids.collect::<rusqlite::Result<_>>()?;
            transaction.commit().map(|()| ids)
        };
        write(&mut self.store.connection).map_err(|e| self.sqlite(e))
    }

    /// Stores results, all or none. A stored score stays; a stored failure is replaced.
    ///
    /// # Errors
    /// If SQLite fails.
    pub fn record(&mut self, records: &[Record]) -> Result<(), StoreError> {
        self.write(records, None)
    }

    /// Stores the results of one unit, which took `milliseconds` for all of them together.
    ///
    /// # Errors
    /// If SQLite fails.
    pub fn record_unit(&mut self, records: &[Record], milliseconds: f64) -> Result<(), StoreError> {
        self.write(records, Some(milliseconds))
    }

    fn write(&mut self, records: &[Record], took: Option<f64>) -> Result<(), StoreError> {
        let write = |connection: &mut Connection| {
            let transaction = connection.transaction()?;
            for record in records {
                insert(&transaction, record)?;
            }
            if let Some(milliseconds) = took {
                add_time(&transaction, records, milliseconds)?;
            }
            transaction.commit()
        };
        write(&mut self.store.connection).map_err(|e| self.sqlite(e))
    }

    /// Replaces all results of a row, as meta estimators need: their scores depend on all
    /// architectures. `population` is what they depend on; `None` if they are failures without one.
    ///
    /// # Errors
    /// If SQLite fails.
    pub fn replace(
        &mut self,
        row: RowId,
        records: &[Record],
        population: Option<&PopulationId>,
    ) -> Result<(), StoreError> {
        let write = |connection: &mut Connection| {
            let transaction = connection.transaction()?;
            transaction.execute("DELETE FROM score WHERE row = ?1", [row.0])?;
            for record in records {
                insert(&transaction, record)?;
            }
            set_population(&transaction, row, population)?;
            transaction.commit()
        };
        write(&mut self.store.connection).map_err(|e| self.sqlite(e))
    }
}

/// The id of a row, from `known` or new; the row becomes the last used.
pub(super) fn register(
    to: &Connection,
    known: &[(RowId, RowKey)],
    key: &RowKey,
) -> rusqlite::Result<RowId> {
    let next = "(SELECT COALESCE(MAX(used), 0) + 1 FROM row)";
    if let Some((id, _)) = known.iter().find(|(_, other)| other == key) {
        return to
            .execute(&format!("UPDATE row SET used = {next} WHERE id = ?1"), [id.0])
            .map(|_| *id);
    }
    let json = serde_json::to_string(key).expect("keys are plain data");
    to.execute(&format!("INSERT INTO row (key, used) VALUES (?1, {next})"), [&json])?;
    Ok(RowId(to.last_insert_rowid()))
}

fn insert(connection: &Connection, record: &Record) -> rusqlite::Result<()> {
    let (value, kind, message) = match &record.outcome {
        Ok(value) => (Some(*value), None, None),
        Err(failure) => {
            let kind = serde_json::to_string(&failure.kind).expect("kinds are plain data");
            (None, Some(kind), Some(failure.message.as_str()))
        }
    };
    let new = connection.prepare_cached(INSERT)?.execute(params![
        record.row.0,
        record.arch_index as i64,
        record.seed as i64,
        value,
        kind,
        message,
        record.milliseconds,
        record.device
    ])?;
    match &record.outcome {
        Err(failure) if new > 0 => {
            let unit = (record.row, record.arch_index as i64, record.seed as i64);
            set_limit(connection, unit, failure.limit)
        }
        _ => Ok(()),
    }
}

//! The SQLite file.

use super::{
    Outcome, Record, Score, ScorerId, ScorerKey, StoreError,
    files::{format_of, read_only, read_study, refuse_other_study},
    json::from_json,
    limit::set_limit,
    schema::{ADDED, FORMAT, INSERT, SCHEMA},
    unit::{UnitTimes, add_time, unit_times, visit_units},
};
use crate::{shard::Shard, study::Study};
use osee_files::write_whole;
use osee_model::estimator::{Failure, FailureKind};
use rusqlite::{Connection, OptionalExtension, params};
use std::{
    fs::{File, TryLockError},
    io::ErrorKind,
    path::{Path, PathBuf},
};

/// What a directory may hold before its first results, in the order it is made.
const MADE_FIRST: [&str; 3] = ["lock", "study.toml.part", "study.toml"];

/// Scripts and logs of the jobs that make a run's shards, in its directory.
pub const JOBS: &str = "jobs";

/// What shards leave in the directory that they will be merged into.
fn is_of_shards(name: &str) -> bool {
    [JOBS, "supernets"].contains(&name) || Shard::of_folder(name).is_some()
}

/// An open run directory.
#[derive(Debug)]
pub struct Store {
    pub(super) dir: PathBuf,
    pub(super) connection: Connection,
    /// Held while writing.
    _lock: Option<File>,
}

impl Store {
    /// Opens `dir` for a run of `study`, making it if it is new or empty.
    ///
    /// # Errors
    /// Foreign, of another study, locked, or not writable.
    pub fn for_run(dir: &Path, study: &Study) -> Result<Self, StoreError> {
        let unwritable = |source| StoreError::Unwritable { dir: dir.to_owned(), source };
        let study_file = dir.join("study.toml");
        let new = match std::fs::read_dir(dir) {
            Err(error) if error.kind() == ErrorKind::NotFound => true,
            Err(error) => return Err(unwritable(error)),
            // A run that was killed in its first moments has left its lock, perhaps its study.
            // A study without a lock is somebody's own file.
            Ok(entries) => {
                let names = entries.flatten().map(|it| it.file_name().to_string_lossy().into());
                let names: Vec<String> =
                    names.filter(|name: &String| !is_of_shards(name)).collect();
                let own = |name: &String| MADE_FIRST.contains(&name.as_str());
                names.is_empty()
                    || (names.iter().any(|name| name == "lock") && names.iter().all(own))
            }
        };
        let whole = study_file.exists() && dir.join("results.sqlite").exists();
        if !new && !whole {
            return Err(StoreError::Foreign(dir.to_owned()));
        }
        std::fs::create_dir_all(dir).map_err(unwritable)?;
        let lock = File::create(dir.join("lock")).map_err(unwritable)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(StoreError::Locked(dir.to_owned())),
            // The lock is a courtesy; not every network file system has any.
            Err(TryLockError::Error(error)) if error.kind() == ErrorKind::Unsupported => {}
            Err(TryLockError::Error(error)) => return Err(unwritable(error)),
        }
        let mut resolved = study.clone();
        if !new {
            let known = read_study(dir)?;
            refuse_other_study(dir, &known, study)?;
            resolved.truth = resolved.truth.or(known.truth);
        }
        write_whole(&study_file, &resolved.to_toml()).map_err(unwritable)?;
        let mut store = Self::connect(dir)?;
        store._lock = Some(lock);
        Ok(store)
    }

    /// Opens an existing run for reading; nothing in it is written, so it may
    /// lie where nothing can be.
    ///
    /// # Errors
    /// When there is none.
    pub fn open(dir: &Path) -> Result<Self, StoreError> {
        for file in ["study.toml", "results.sqlite"] {
            if !dir.join(file).exists() {
                let reason = format!("it has no {file}");
                return Err(StoreError::NoRun { dir: dir.to_owned(), reason });
            }
        }
        let sqlite = |source| StoreError::of_sqlite(dir, source);
        let connection = read_only(&dir.join("results.sqlite")).map_err(sqlite)?;
        match format_of(&connection).map_err(sqlite)? {
            FORMAT => Ok(Self { dir: dir.to_owned(), connection, _lock: None }),
            0 => {
                let reason = "its results.sqlite is empty".to_owned();
                Err(StoreError::NoRun { dir: dir.to_owned(), reason })
            }
            found => Err(StoreError::Version { dir: dir.to_owned(), found, known: FORMAT }),
        }
    }

    fn connect(dir: &Path) -> Result<Self, StoreError> {
        let sqlite = |source| StoreError::of_sqlite(dir, source);
        let mut connection = Connection::open(dir.join("results.sqlite")).map_err(sqlite)?;
        connection.pragma_update(None, "journal_mode", "WAL").map_err(sqlite)?;
        // In WAL mode NORMAL survives any death of the process; FULL would
        // wait for the disk once per architecture to survive a power cut too.
        connection.pragma_update(None, "synchronous", "NORMAL").map_err(sqlite)?;
        match format_of(&connection).map_err(sqlite)? {
            FORMAT => {}
            0 => {
                let transaction = connection.transaction().map_err(sqlite)?;
                transaction.execute_batch(SCHEMA).map_err(sqlite)?;
                transaction.pragma_update(None, "user_version", FORMAT).map_err(sqlite)?;
                transaction.commit().map_err(sqlite)?;
            }
            found => return Err(StoreError::Version { dir: dir.to_owned(), found, known: FORMAT }),
        }
        connection.execute_batch(ADDED).map_err(sqlite)?;
        Ok(Self { dir: dir.to_owned(), connection, _lock: None })
    }

    pub(super) fn sqlite(&self, source: rusqlite::Error) -> StoreError {
        StoreError::of_sqlite(&self.dir, source)
    }

    /// The run directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The study as it was resolved when the run began.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn study(&self) -> Result<Study, StoreError> {
        read_study(&self.dir)
    }

    /// The architectures of the run, in order.
    ///
    /// # Errors
    /// When SQLite fails, or the run has only some of them.
    pub fn plan(&self) -> Result<Vec<String>, StoreError> {
        if self.list()?.is_some() {
            let shard = self.study()?.shard;
            return Err(StoreError::Part { dir: self.dir.clone(), shard });
        }
        let mut query = self
            .connection
            .prepare("SELECT arch FROM plan ORDER BY position")
            .map_err(|e| self.sqlite(e))?;
        let rows = query.query_map([], |row| row.get(0)).and_then(Iterator::collect);
        rows.map_err(|e| self.sqlite(e))
    }

    /// The scorer with this key, known or new; from now on the last used.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn scorer(&self, key: &ScorerKey) -> Result<ScorerId, StoreError> {
        let json = serde_json::to_string(key).expect("keys are plain data");
        let find = "SELECT id FROM scorer WHERE key = ?1";
        let known = self.connection.query_row(find, [&json], |row| row.get(0)).optional();
        let next = "(SELECT COALESCE(MAX(used), 0) + 1 FROM scorer)";
        if let Some(id) = known.map_err(|e| self.sqlite(e))? {
            self.connection
                .execute(&format!("UPDATE scorer SET used = {next} WHERE id = ?1"), [id])
                .map_err(|e| self.sqlite(e))?;
            return Ok(ScorerId(id));
        }
        self.connection
            .execute(&format!("INSERT INTO scorer (key, used) VALUES (?1, {next})"), [&json])
            .map_err(|e| self.sqlite(e))?;
        Ok(ScorerId(self.connection.last_insert_rowid()))
    }

    /// All scorers, the last used last.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn scorers(&self) -> Result<Vec<(ScorerId, ScorerKey)>, StoreError> {
        let mut query = self
            .connection
            .prepare("SELECT id, key FROM scorer ORDER BY used")
            .map_err(|e| self.sqlite(e))?;
        let rows = query.query_map([], |row| {
            Ok((ScorerId(row.get(0)?), from_json(&row.get::<_, String>(1)?)?))
        });
        rows.and_then(Iterator::collect).map_err(|e| self.sqlite(e))
    }

    /// Stores results, all or none; scores that are there already stay, a
    /// failure gives way.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn record(&mut self, records: &[Record]) -> Result<(), StoreError> {
        self.write(records, None)
    }

    /// The same of one unit, which took so long for all of them together.
    ///
    /// # Errors
    /// When SQLite fails.
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
        write(&mut self.connection).map_err(|e| self.sqlite(e))
    }

    /// Puts results in place of all that these scorers had: for meta
    /// estimators, whose scores depend on the whole population.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn replace(&mut self, scorer: ScorerId, records: &[Record]) -> Result<(), StoreError> {
        let write = |connection: &mut Connection| {
            let transaction = connection.transaction()?;
            transaction.execute("DELETE FROM score WHERE scorer = ?1", [scorer.0])?;
            for record in records {
                insert(&transaction, record)?;
            }
            transaction.commit()
        };
        write(&mut self.connection).map_err(|e| self.sqlite(e))
    }

    /// What is known of its units' times.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn unit_times(&self) -> Result<UnitTimes, StoreError> {
        unit_times(&self.connection).map_err(|e| self.sqlite(e))
    }

    /// Goes through its units: architecture, seed, and what is known of its time.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn visit_units(&self, visit: impl FnMut(&str, u64, UnitTimes)) -> Result<(), StoreError> {
        visit_units(&self.connection, visit).map_err(|e| self.sqlite(e))
    }

    /// Everything `scorer` has, by architecture and seed.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn scores(&self, scorer: ScorerId) -> Result<Vec<Score>, StoreError> {
        let mut scores = Vec::new();
        self.visit_scores(scorer, |score, _| scores.push(score))?;
        Ok(scores)
    }

    /// The same, one at a time, with the device it ran on.
    ///
    /// # Errors
    /// When SQLite fails.
    pub fn visit_scores(
        &self,
        scorer: ScorerId,
        mut visit: impl FnMut(Score, &str),
    ) -> Result<(), StoreError> {
        let mut read = || -> rusqlite::Result<()> {
            let mut query = self.connection.prepare_cached(
                "SELECT arch, seed, value, failure_kind, failure_message, milliseconds, device
                 FROM score WHERE scorer = ?1 ORDER BY arch, seed",
            )?;
            let mut rows = query.query([scorer.0])?;
            while let Some(row) = rows.next()? {
                let score = Score {
                    arch: row.get::<_, i64>(0)? as usize,
                    seed: row.get::<_, i64>(1)? as u64,
                    outcome: outcome(row)?,
                    milliseconds: row.get(5)?,
                };
                visit(score, row.get_ref(6)?.as_str()?);
            }
            Ok(())
        };
        read().map_err(|e| self.sqlite(e))
    }
}

/// Of a row with value, kind and message of the failure in columns 2 to 4.
pub(super) fn outcome(row: &rusqlite::Row<'_>) -> rusqlite::Result<Outcome> {
    Ok(match row.get::<_, Option<f64>>(2)? {
        Some(value) => Ok(value),
        None => {
            let kind: FailureKind = from_json(&row.get::<_, String>(3)?)?;
            Err(Failure::new(kind, row.get::<_, String>(4)?))
        }
    })
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
        record.scorer.0,
        record.arch as i64,
        record.seed as i64,
        value,
        kind,
        message,
        record.milliseconds,
        record.device
    ])?;
    match &record.outcome {
        Err(failure) if new > 0 => {
            let unit = (record.scorer, record.arch as i64, record.seed as i64);
            set_limit(connection, unit, failure.limit)
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
pub(super) mod tests;

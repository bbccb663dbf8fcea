//! Reading a run.

use super::{
    Outcome, RowId, Score, StoreError,
    files::{read_format, read_study},
    json::from_json,
    unit::{UnitTimes, unit_times, visit_units},
};
use crate::{row::RowKey, run_dir::RunDir, study::Study};
use osee_model::estimator::{Failure, FailureKind};
use rusqlite::Connection;

/// A run that is only read. No method writes anything.
#[derive(Debug)]
pub struct Store {
    pub(super) dir: RunDir,
    pub(super) connection: Connection,
}

impl Store {
    /// Opens an existing run. Nothing is written, so the run may be on a read-only file system.
    ///
    /// # Errors
    /// If there is no run, or it cannot be read.
    pub fn open(dir: impl Into<RunDir>) -> Result<Self, StoreError> {
        let dir = &dir.into();
        if let Some(file) = dir.missing() {
            let reason = format!("it has no {file}");
            return Err(StoreError::NoRun { dir: dir.path().to_owned(), reason });
        }
        Ok(Self { dir: dir.clone(), connection: read_format(dir)? })
    }

    pub(super) fn sqlite(&self, source: rusqlite::Error) -> StoreError {
        StoreError::of_sqlite(self.dir.path(), source)
    }

    /// Directory of the run.
    pub fn dir(&self) -> &RunDir {
        &self.dir
    }

    /// The study as resolved when the run began.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn study(&self) -> Result<Study, StoreError> {
        read_study(&self.dir)
    }

    /// The architectures of the run, in order.
    ///
    /// # Errors
    /// If SQLite fails, or the run has only some of them.
    pub fn architectures(&self) -> Result<Vec<String>, StoreError> {
        if self.list()?.is_some() {
            let shard = self.study()?.shard;
            return Err(StoreError::Part { dir: self.dir.path().to_owned(), shard });
        }
        let mut query = self
            .connection
            .prepare("SELECT arch FROM plan ORDER BY position")
            .map_err(|e| self.sqlite(e))?;
        let rows = query.query_map([], |row| row.get(0)).and_then(Iterator::collect);
        rows.map_err(|e| self.sqlite(e))
    }

    /// All rows, the last used last.
    ///
    /// # Errors
    /// If SQLite fails.
    pub fn rows(&self) -> Result<Vec<(RowId, RowKey)>, StoreError> {
        let mut query = self
            .connection
            .prepare("SELECT id, key FROM row ORDER BY used")
            .map_err(|e| self.sqlite(e))?;
        let rows = query
            .query_map([], |row| Ok((RowId(row.get(0)?), from_json(&row.get::<_, String>(1)?)?)));
        rows.and_then(Iterator::collect).map_err(|e| self.sqlite(e))
    }

    /// Sums of the times of all units.
    ///
    /// # Errors
    /// If SQLite fails.
    pub fn unit_times(&self) -> Result<UnitTimes, StoreError> {
        unit_times(&self.connection).map_err(|e| self.sqlite(e))
    }

    /// Calls `visit` with architecture, seed and times of each unit.
    ///
    /// # Errors
    /// If SQLite fails.
    pub fn visit_units(&self, visit: impl FnMut(&str, u64, UnitTimes)) -> Result<(), StoreError> {
        visit_units(&self.connection, visit).map_err(|e| self.sqlite(e))
    }

    /// All results of a row, ordered by architecture and seed.
    ///
    /// # Errors
    /// If SQLite fails.
    pub fn scores(&self, row: RowId) -> Result<Vec<Score>, StoreError> {
        let mut scores = Vec::new();
        self.visit_scores(row, |score, _| scores.push(score))?;
        Ok(scores)
    }

    /// Calls `visit` with each result of a row and the device it was computed on.
    ///
    /// # Errors
    /// If SQLite fails.
    pub fn visit_scores(
        &self,
        row: RowId,
        mut visit: impl FnMut(Score, &str),
    ) -> Result<(), StoreError> {
        let mut read = || -> rusqlite::Result<()> {
            let mut query = self.connection.prepare_cached(
                "SELECT arch, seed, value, failure_kind, failure_message, milliseconds, device
                 FROM score WHERE row = ?1 ORDER BY arch, seed",
            )?;
            let mut rows = query.query([row.0])?;
            while let Some(row) = rows.next()? {
                let score = Score {
                    arch_index: row.get::<_, i64>(0)? as usize,
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

/// The outcome in an SQL row whose columns 2 to 4 are value, failure kind and failure message.
pub(super) fn outcome(row: &rusqlite::Row<'_>) -> rusqlite::Result<Outcome> {
    Ok(match row.get::<_, Option<f64>>(2)? {
        Some(value) => Ok(value),
        None => {
            let kind: FailureKind = from_json(&row.get::<_, String>(3)?)?;
            Err(Failure::new(kind, row.get::<_, String>(4)?))
        }
    })
}

//! The progress of a run: which results it has.

use super::{RowId, Store, StoreError, json::from_json, schema::IS_DONE};
use crate::{row::RowKey, shard::unit_name};
use osee_model::estimator::{EstimatorKind, FailureKind};
use rusqlite::OptionalExtension;
use std::collections::BTreeMap;

/// The units for which a row has a result, one bit per unit.
#[derive(Debug)]
pub struct Done {
    architectures: usize,
    bits: Vec<u64>,
}

impl Done {
    /// No results, for this many architectures and these seeds.
    pub fn none(architectures: usize, seeds: &[u64]) -> Self {
        Self { architectures, bits: vec![0; (architectures * seeds.len()).div_ceil(64)] }
    }

    /// Adds the results that another row has for the same units.
    pub fn join(&mut self, other: &Self) {
        self.bits.iter_mut().zip(&other.bits).for_each(|(own, other)| *own |= other);
    }

    fn set(&mut self, arch_index: usize, seed_index: usize) {
        let at = seed_index * self.architectures + arch_index;
        self.bits[at / 64] |= 1 << (at % 64);
    }

    /// Marks the result of an architecture and a seed as missing.
    pub(super) fn reopen(&mut self, arch_index: usize, seed_index: usize) {
        let at = seed_index * self.architectures + arch_index;
        self.bits[at / 64] &= !(1 << (at % 64));
    }

    /// True if there is a result for this architecture index and this seed index.
    pub fn has(&self, arch_index: usize, seed_index: usize) -> bool {
        let at = seed_index * self.architectures + arch_index;
        self.bits[at / 64] >> (at % 64) & 1 == 1
    }
}

/// Numbers of units, which are architectures with seeds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// Number of units of the store's study, or of its shard.
    pub units: u64,
    /// Number of units for which some row has no result.
    pub outstanding: u64,
}

impl Store {
    /// The results that a row has for the first `architectures` and `seeds`. A result that waits
    /// for a supernet to be trained counts as missing.
    ///
    /// # Errors
    /// If SQLite fails.
    pub fn done(
        &self,
        row: RowId,
        seeds: &[u64],
        architectures: usize,
    ) -> Result<Done, StoreError> {
        self.found(row, seeds, architectures, IS_DONE)
    }

    /// The results that meet an SQL condition.
    fn found(
        &self,
        row: RowId,
        seeds: &[u64],
        architectures: usize,
        condition: &str,
    ) -> Result<Done, StoreError> {
        let mut done = Done::none(architectures, seeds);
        let mut read = || -> rusqlite::Result<()> {
            let read = format!("SELECT arch, seed FROM score WHERE row = ?1 AND {condition}");
            let mut query = self.connection.prepare_cached(&read)?;
            let mut rows = query.query([row.0])?;
            while let Some(row) = rows.next()? {
                let (arch, seed) = (row.get::<_, i64>(0)? as usize, row.get::<_, i64>(1)? as u64);
                let seed_index = seeds.iter().position(|it| *it == seed);
                if let Some(seed_index) = seed_index.filter(|_| arch < architectures) {
                    done.set(arch, seed_index);
                }
            }
            Ok(())
        };
        read().map_err(|e| self.sqlite(e))?;
        Ok(done)
    }

    /// For each of the first `architectures`, whether a row has a result with every one of `seeds`;
    /// and the number of all its results.
    ///
    /// # Errors
    /// If SQLite fails.
    pub fn scored(
        &self,
        row: RowId,
        seeds: &[u64],
        architectures: usize,
    ) -> Result<(Vec<bool>, usize), StoreError> {
        let read = "SELECT COUNT(*) FROM score WHERE row = ?1";
        let count: i64 = self
            .connection
            .query_row(read, [row.0], |row| row.get(0))
            .map_err(|e| self.sqlite(e))?;
        let count = count as usize;
        // A run has results only for its own architectures and seeds.
        if count == architectures * seeds.len() {
            return Ok((vec![true; architectures], count));
        }
        let done = self.found(row, seeds, architectures, "TRUE")?;
        let all = |arch| (0..seeds.len()).all(|seed_index| done.has(arch, seed_index));
        Ok(((0..architectures).map(all).collect(), count))
    }

    /// Why the first result of a row that waits for a supernet is missing; `None` if none waits.
    ///
    /// # Errors
    /// If SQLite fails.
    pub fn untrained(&self, row: RowId) -> Result<Option<String>, StoreError> {
        let read = format!(
            "SELECT failure_message FROM score WHERE row = ?1 AND NOT ({IS_DONE})
             ORDER BY arch, seed LIMIT 1"
        );
        let found = self.connection.query_row(&read, [row.0], |row| row.get(0)).optional();
        found.map_err(|e| self.sqlite(e))
    }

    /// Milliseconds of all results of a row, and the number of results.
    ///
    /// # Errors
    /// If SQLite fails.
    pub fn cost(&self, row: RowId) -> Result<(f64, u64), StoreError> {
        let read =
            format!("SELECT TOTAL(milliseconds), COUNT(*) FROM score WHERE row = ?1 AND {IS_DONE}");
        self.connection
            .query_row(&read, [row.0], |row| Ok((row.get(0)?, row.get::<_, i64>(1)? as u64)))
            .map_err(|e| self.sqlite(e))
    }

    /// The id of a row; `None` if the store does not have it.
    ///
    /// # Errors
    /// If SQLite fails.
    pub fn find(&self, key: &RowKey) -> Result<Option<RowId>, StoreError> {
        let mut rows = self.rows()?.into_iter();
        Ok(rows.find(|(_, other)| other == key).map(|(id, _)| id))
    }

    /// Calls `visit` with architecture, seed and milliseconds of each result of a row.
    ///
    /// # Errors
    /// If SQLite fails.
    pub fn visit_costs(
        &self,
        row: RowId,
        mut visit: impl FnMut(&str, u64, f64),
    ) -> Result<(), StoreError> {
        let mut read = || -> rusqlite::Result<()> {
            let read = format!(
                "SELECT plan.arch, seed, milliseconds FROM score JOIN plan ON position = score.arch
                 WHERE row = ?1 AND {IS_DONE}"
            );
            let mut query = self.connection.prepare_cached(&read)?;
            let mut rows = query.query([row.0])?;
            while let Some(row) = rows.next()? {
                visit(row.get_ref(0)?.as_str()?, row.get::<_, i64>(1)? as u64, row.get(2)?);
            }
            Ok(())
        };
        read().map_err(|e| self.sqlite(e))
    }

    /// The rows of the leaderboard: for each name, the row that was used last.
    ///
    /// # Errors
    /// If SQLite fails.
    pub fn newest(&self) -> Result<BTreeMap<String, (RowId, RowKey)>, StoreError> {
        let all = self.rows()?.into_iter();
        Ok(all.map(|(id, key)| (key.name.clone(), (id, key))).collect())
    }

    /// Number of failed scores by row and kind, without undefined ones.
    ///
    /// # Errors
    /// If SQLite fails.
    pub fn failures(&self) -> Result<Vec<(String, FailureKind, u64)>, StoreError> {
        let read = "SELECT failure_kind, COUNT(*) FROM score
             WHERE row = ?1 AND failure_kind IS NOT NULL GROUP BY failure_kind";
        let mut failures = Vec::new();
        for (name, (id, _)) in self.newest()? {
            let count = || -> rusqlite::Result<Vec<(FailureKind, u64)>> {
                let mut query = self.connection.prepare_cached(read)?;
                let rows = query.query_map([id.0], |row| {
                    Ok((from_json(&row.get::<_, String>(0)?)?, row.get::<_, i64>(1)? as u64))
                })?;
                rows.collect()
            };
            let counts = count().map_err(|e| self.sqlite(e))?.into_iter();
            let faults = counts.filter(|(kind, _)| *kind != FailureKind::Undefined);
            failures.extend(faults.map(|(kind, count)| (name.clone(), kind, count)));
        }
        Ok(failures)
    }

    /// The progress of the run; `None` until its rows and architectures are known.
    ///
    /// # Errors
    /// If the store or its study cannot be read.
    pub fn progress(&self) -> Result<Option<Progress>, StoreError> {
        let study = self.study()?;
        let newest = self.newest()?.into_values();
        let rows: Vec<_> = newest.filter(|(_, key)| !key.is_meta()).collect();
        let list = match self.list()? {
            Some(list) => list.architectures,
            None => self.listed()?.architectures,
        };
        if rows.is_empty() || list == 0 {
            return Ok(None);
        }
        let done = rows.iter().map(|(id, _)| self.done(*id, &study.seeds, list));
        let done = done.collect::<Result<Vec<_>, _>>()?;
        let mut progress = Progress::default();
        self.visit_architectures(|at, arch| {
            for (seed_index, seed) in study.seeds.iter().enumerate() {
                if !study.shard.holds(&unit_name(arch, *seed)) {
                    continue;
                }
                let asked =
                    |key: &RowKey| seed_index == 0 || key.estimator.kind != EstimatorKind::Baseline;
                let open = rows
                    .iter()
                    .zip(&done)
                    .any(|((_, key), done)| asked(key) && !done.has(at, seed_index));
                // With baselines only, units exist for the first seed alone.
                let any = rows.iter().any(|(_, key)| asked(key));
                progress.units += u64::from(any);
                progress.outstanding += u64::from(open);
            }
        })?;
        if study.shard.is_whole() {
            // Architectures that are not known yet have no results.
            let unknown = list.saturating_sub(self.listed()?.architectures);
            let open = (unknown * study.seeds.len()) as u64;
            progress.units += open;
            progress.outstanding += open;
        }
        Ok(Some(progress))
    }
}

//! Failures that are tried again: those caused by a limit that is wider now, and those of a kind
//! that the user names.
//!
//! Invariant: a failure stays stored until the result of its next try is.

use super::{Done, RowId, Store, StoreError, json::from_json, limit::limit, schema::has_table};
use osee_model::estimator::{FailureKind, Limit};
use rusqlite::{OptionalExtension, params};
use std::time::Duration;

/// Which stored failures are tried again.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Retry {
    /// Time that a score may take now.
    pub time: Duration,
    /// Memory that a worker may use now, in bytes.
    pub memory: u64,
    /// Kinds that are tried again whatever the limits.
    pub kinds: Vec<FailureKind>,
}

impl Retry {
    /// Tries again only failures that may be due to narrower limits than these.
    pub fn within(time: Duration, memory: u64) -> Self {
        Self { time, memory, kinds: Vec::new() }
    }

    fn wants(&self, kind: FailureKind, limit: Option<Limit>) -> bool {
        self.kinds.contains(&kind)
            || match limit {
                Some(Limit::Time(time)) => time < self.time,
                Some(Limit::Memory(bytes)) => bytes < self.memory,
                // A time-out whose limit was not recorded.
                None => kind == FailureKind::Timeout,
            }
    }
}

impl Store {
    /// The results that a row has for the first `architectures` and `seeds`, without the failures
    /// that are to be tried again.
    ///
    /// # Errors
    /// If SQLite fails.
    pub fn done_but(
        &self,
        row: RowId,
        seeds: &[u64],
        architectures: usize,
        retry: &Retry,
    ) -> Result<Done, StoreError> {
        let mut done = self.done(row, seeds, architectures)?;
        let limits = "LEFT JOIN failure_limit USING (row, arch, seed)";
        let mut read = || -> rusqlite::Result<()> {
            let (columns, join) = match has_table(&self.connection, "failure_limit")? {
                true => ("seconds, bytes", limits),
                false => ("NULL, NULL", ""),
            };
            let read = format!(
                "SELECT {columns}, arch, seed, failure_kind FROM score {join}
                 WHERE row = ?1 AND value IS NULL"
            );
            let mut query = self.connection.prepare_cached(&read)?;
            let mut rows = query.query([row.0])?;
            while let Some(row) = rows.next()? {
                let (arch, seed) = (row.get::<_, i64>(2)? as usize, row.get::<_, i64>(3)? as u64);
                let kind: FailureKind = from_json(row.get_ref(4)?.as_str()?)?;
                let seed_index = seeds.iter().position(|it| *it == seed);
                let seed_index = seed_index.filter(|_| arch < architectures);
                if let Some(seed_index) =
                    seed_index.filter(|_| retry.wants(kind, limit(row).ok().flatten()))
                {
                    done.reopen(arch, seed_index);
                }
            }
            Ok(())
        };
        read().map_err(|e| self.sqlite(e))?;
        Ok(done)
    }

    /// The limit that caused a failure; `None` if none is recorded.
    pub(super) fn limit_of(
        &self,
        (row, arch, seed): (RowId, i64, i64),
    ) -> rusqlite::Result<Option<Limit>> {
        if !has_table(&self.connection, "failure_limit")? {
            return Ok(None);
        }
        let read = "SELECT seconds, bytes FROM failure_limit
             WHERE row = ?1 AND arch = ?2 AND seed = ?3";
        let mut query = self.connection.prepare_cached(read)?;
        Ok(query.query_row(params![row.0, arch, seed], limit).optional()?.flatten())
    }
}

#[cfg(test)]
mod tests {
    use super::super::{
        StoreWriter,
        tests::{key, record},
    };
    use super::*;
    use crate::study::Study;
    use osee_model::estimator::Failure;

    const SEED: u64 = u64::MAX;

    /// A store whose architectures 0, 1, ... have these failures.
    fn store(dir: &std::path::Path, failures: &[Failure]) -> (StoreWriter, RowId) {
        let mut store = StoreWriter::open(dir, &Study::default()).unwrap();
        let archs: Vec<String> = (0..=failures.len()).map(|it| it.to_string()).collect();
        store.fix_architectures(&archs).unwrap();
        let row = store.register(&[key()]).unwrap()[0];
        let failed = failures.iter().enumerate();
        let failed = failed.map(|(arch, failure)| record(row, arch, Err(failure.clone())));
        store.record(&failed.collect::<Vec<_>>()).unwrap();
        store.record(&[record(row, failures.len(), Ok(0.5))]).unwrap();
        (store, row)
    }

    fn open(store: &Store, row: RowId, retry: &Retry, count: usize) -> Vec<usize> {
        let done = store.done_but(row, &[SEED], count, retry).unwrap();
        (0..count).filter(|arch| !done.has(*arch, 0)).collect()
    }

    #[test]
    fn failures_by_a_limit_are_open_again_under_a_wider_one() {
        let dir = tempfile::tempdir().unwrap();
        let seconds = Duration::from_secs;
        let failures = [
            Failure::new(FailureKind::Timeout, "slow").by(Some(Limit::Time(seconds(4)))),
            Failure::new(FailureKind::Crash, "big").by(Some(Limit::Memory(1000))),
            Failure::new(FailureKind::Crash, "bang"),
            Failure::new(FailureKind::Panic, "at the disco"),
            Failure::new(FailureKind::Timeout, "its limit was not kept"),
        ];
        let (mut store, row) = store(dir.path(), &failures);
        let within = Retry::within;
        let kinds =
            |kinds: &[FailureKind]| Retry { kinds: kinds.to_vec(), ..within(seconds(4), 9) };
        let cases = [
            (within(seconds(4), 1000), vec![4]),
            (within(seconds(5), 1000), vec![0, 4]),
            (within(seconds(3), 1001), vec![1, 4]),
            (kinds(&[FailureKind::Crash]), vec![1, 2, 4]),
            (kinds(&FailureKind::ALL), vec![0, 1, 2, 3, 4]),
        ];
        for (retry, wanted) in cases {
            assert_eq!(open(&store, row, &retry, 6), wanted, "{retry:?}");
        }
        // The next try replaces the failure, with its own limit or none.
        let again = Failure::new(FailureKind::Timeout, "slow").by(Some(Limit::Time(seconds(9))));
        let crash = Failure::new(FailureKind::Crash, "bang");
        let tries = [Err(again), Ok(0.25), Ok(0.75), Err(crash)];
        for (arch, outcome) in tries.into_iter().enumerate() {
            store.record(&[record(row, arch, outcome)]).unwrap();
        }
        assert_eq!(open(&store, row, &within(seconds(9), 2000), 6), [4]);
        assert_eq!(open(&store, row, &within(seconds(10), 2000), 6), [0, 4]);
        let kept: Vec<_> = store.scores(row).unwrap().into_iter().map(|it| it.outcome).collect();
        assert_eq!((&kept[1], &kept[2], &kept[5]), (&Ok(0.25), &Ok(0.75), &Ok(0.5)));
    }

    #[test]
    fn a_store_that_kept_no_limits_is_read_as_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let slow = Failure::new(FailureKind::Timeout, "slow");
        let (store, row) = store(dir.path(), &[slow]);
        store.connection.execute_batch("DROP TABLE failure_limit; DROP TABLE unit").unwrap();
        drop(store);
        let store = Store::open(dir.path()).unwrap();
        assert_eq!(open(&store, row, &Retry::within(Duration::ZERO, 0), 2), [0]);
        assert_eq!(store.unit_times().unwrap().units, 0);
    }
}

//! The populations that meta estimators were computed over.
//!
//! Invariant: a meta estimator's scores and the identity of their population are stored together,
//! so equal identities mean that the scores are about the same architectures and failures.

use super::{RowId, Store, StoreError, architectures::Hasher, schema::has_table};
use rusqlite::{Connection, OptionalExtension, params};
use std::fmt;

/// Characters of the hash that are shown.
const SHOWN: usize = 12;

/// Identity of a population: the architectures whose scores a meta estimator saw together.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct PopulationId {
    /// Number of architectures.
    pub architectures: usize,
    /// SHA-256, in hex, over all architectures in order, each with the experts that have no score
    /// of it. If none lacks one, it is that of the [list](super::List) of architectures.
    pub sha256: String,
}

impl PopulationId {
    /// The identity of the population of these architectures, in this order; `without` says by
    /// position which experts have no score of an architecture.
    pub fn of<'a>(
        architectures: impl IntoIterator<Item = &'a str>,
        without: impl Fn(usize) -> Vec<&'a str>,
    ) -> Self {
        let mut hasher = Hasher::default();
        for (at, arch) in architectures.into_iter().enumerate() {
            // No architecture and no name has a NUL.
            let parts: Vec<&str> = [arch].into_iter().chain(without(at)).collect();
            hasher.add(&parts.join("\0"));
        }
        let list = hasher.list();
        Self { architectures: list.architectures, sha256: list.sha256 }
    }
}

/// Writes size and hash in words: `1,000 architectures, hash 0123456789ab`.
impl fmt::Display for PopulationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hash: String = self.sha256.chars().take(SHOWN).collect();
        write!(f, "{} architectures, hash {hash}", self.architectures)
    }
}

impl Store {
    /// The population that a meta estimator's scores are about; `None` for other rows, for a
    /// failure without a population, and in stores of versions that did not keep it.
    ///
    /// # Errors
    /// If SQLite fails.
    pub fn population(&self, row: RowId) -> Result<Option<PopulationId>, StoreError> {
        let read = || -> rusqlite::Result<Option<PopulationId>> {
            if !has_table(&self.connection, "population")? {
                return Ok(None);
            }
            let read = "SELECT architectures, sha256 FROM population WHERE row = ?1";
            let id = |row: &rusqlite::Row<'_>| {
                let architectures = row.get::<_, i64>(0)? as usize;
                Ok(PopulationId { architectures, sha256: row.get(1)? })
            };
            self.connection.query_row(read, [row.0], id).optional()
        };
        read().map_err(|e| self.sqlite(e))
    }
}

/// Records the population that the scores of a row are about, or that there is none.
pub(super) fn set_population(
    to: &Connection,
    row: RowId,
    population: Option<&PopulationId>,
) -> rusqlite::Result<()> {
    let Some(PopulationId { architectures, sha256 }) = population else {
        return to.execute("DELETE FROM population WHERE row = ?1", [row.0]).map(drop);
    };
    let write = "INSERT OR REPLACE INTO population VALUES (?1, ?2, ?3)";
    to.execute(write, params![row.0, *architectures as i64, sha256]).map(drop)
}

#[cfg(test)]
mod tests {
    use super::{
        super::{
            List, StoreWriter,
            tests::{key, record},
        },
        *,
    };
    use crate::study::Study;

    fn of(architectures: &[&'static str], failed: &[(usize, &'static str)]) -> PopulationId {
        let without = |at: usize| {
            let failed = failed.iter().filter(|(of, _)| *of == at);
            failed.map(|(_, expert)| *expert).collect()
        };
        PopulationId::of(architectures.iter().copied(), without)
    }

    #[test]
    fn a_population_is_its_architectures_in_order_and_what_failed_of_them() {
        let whole = of(&["a", "b"], &[]);
        assert_eq!(whole.sha256, List::of(["a", "b"]).sha256);
        let text = whole.to_string();
        assert!(text.starts_with("2 architectures, hash ") && text.len() == 22 + SHOWN, "{text}");
        let others = [
            of(&["b", "a"], &[]),
            of(&["a"], &[]),
            of(&["a", "b", "c"], &[]),
            of(&["a", "b"], &[(0, "x")]),
            of(&["a", "b"], &[(1, "x")]),
            of(&["a", "b"], &[(0, "y")]),
            of(&["a", "b"], &[(0, "x"), (0, "y")]),
            of(&["ab"], &[]),
            of(&["ax", "b"], &[]),
        ];
        for (at, other) in others.iter().enumerate() {
            assert_ne!(whole, *other);
            assert!(!others[..at].contains(other), "{other:?}");
        }
        assert_eq!(of(&["a", "b"], &[]), whole);
    }

    #[test]
    fn it_is_replaced_with_the_scores_and_older_stores_have_none() {
        let dir = tempfile::tempdir().unwrap();
        let mut store = StoreWriter::open(dir.path(), &Study::default()).unwrap();
        store.fix_architectures(&["x".to_owned(), "y".to_owned()]).unwrap();
        let row = store.register(&[key()]).unwrap()[0];
        assert_eq!(store.population(row).unwrap(), None);
        let [first, second] = [of(&["x", "y"], &[]), of(&["x", "y"], &[(0, "e")])];
        for (population, score) in [(Some(&first), 0.5), (Some(&second), 0.25), (None, 0.75)] {
            store.replace(row, &[record(row, 0, Ok(score))], population).unwrap();
            assert_eq!(store.population(row).unwrap().as_ref(), population);
            assert_eq!(store.scores(row).unwrap()[0].outcome, Ok(score));
        }
        store.connection.execute_batch("DROP TABLE population").unwrap();
        drop(store);
        let store = Store::open(dir.path()).unwrap();
        assert_eq!(store.population(row).unwrap(), None);
        drop(store);
        // A run that resumes it can keep one.
        let mut store = StoreWriter::open(dir.path(), &Study::default()).unwrap();
        store.replace(row, &[record(row, 0, Ok(0.5))], Some(&first)).unwrap();
        assert_eq!(store.population(row).unwrap(), Some(first));
    }
}

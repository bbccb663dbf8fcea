//! Results of supernets: learning curves, and sub-networks' batches, so that any question about
//! them can be answered later.

use super::{Store, StoreError, StoreWriter, json::from_json};
use osee_model::evaluation::BatchResult;
use rusqlite::{Connection, params};
use serde::{Deserialize, Serialize};

/// The results of a sub-network on all validation batches, as stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evaluated {
    /// Key of the supernet.
    pub supernet: String,
    /// Seed of the supernet's training.
    pub seed: u64,
    /// The epochs whose weights were averaged.
    pub epochs: Vec<u32>,
    /// Architecture of the sub-network.
    pub arch: String,
    /// Results batch by batch.
    pub batches: Vec<BatchResult>,
    /// Time that the evaluation took, in milliseconds.
    pub milliseconds: f64,
}

/// The results of one epoch of a training.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct EpochReport {
    /// Number of epochs done, from 1.
    pub epoch: u32,
    /// Mean cross-entropy over the steps of the epoch, in nats.
    pub loss: f64,
    /// Mean share of correct training images, from 0 to 1.
    pub accuracy: f64,
    /// Learning rate of the epoch.
    pub learning_rate: f64,
    /// Training images per second, without the time for checkpoints and surveys.
    pub images_per_second: f64,
}

/// One epoch of one training.
#[derive(Debug, Clone, PartialEq)]
pub struct Curve {
    /// Key of the supernet.
    pub supernet: String,
    /// Seed of the training.
    pub seed: u64,
    /// Results of the epoch.
    pub report: EpochReport,
}

impl Store {
    /// All epochs of all trainings, ordered by supernet, seed and epoch.
    ///
    /// # Errors
    /// If SQLite fails.
    pub fn curves(&self) -> Result<Vec<Curve>, StoreError> {
        let read = "SELECT supernet, seed, epoch, loss, accuracy, learning_rate, images_per_second
             FROM epoch ORDER BY supernet, seed, epoch";
        let mut query = self.connection.prepare(read).map_err(|e| self.sqlite(e))?;
        let rows = query.query_map([], |row| {
            let report = EpochReport {
                epoch: row.get(2)?,
                loss: row.get(3)?,
                accuracy: row.get(4)?,
                learning_rate: row.get(5)?,
                images_per_second: row.get(6)?,
            };
            Ok(Curve { supernet: row.get(0)?, seed: row.get::<_, i64>(1)? as u64, report })
        });
        rows.and_then(Iterator::collect).map_err(|e| self.sqlite(e))
    }

    /// All stored evaluations of an architecture, in every supernet.
    ///
    /// # Errors
    /// If SQLite fails.
    pub fn evaluations(&self, arch: &str) -> Result<Vec<Evaluated>, StoreError> {
        let read = "SELECT supernet, seed, epochs, batches, milliseconds FROM evaluation
             WHERE arch = ?1";
        let mut query = self.connection.prepare_cached(read).map_err(|e| self.sqlite(e))?;
        let rows = query.query_map([arch], |row| {
            Ok(Evaluated {
                supernet: row.get(0)?,
                seed: row.get::<_, i64>(1)? as u64,
                epochs: from_json(&format!("[{}]", row.get::<_, String>(2)?))?,
                arch: arch.to_owned(),
                batches: from_json(&row.get::<_, String>(3)?)?,
                milliseconds: row.get(4)?,
            })
        });
        rows.and_then(Iterator::collect).map_err(|e| self.sqlite(e))
    }
}

impl StoreWriter {
    /// Stores an epoch. An epoch that is trained again after a kill replaces its earlier record.
    ///
    /// # Errors
    /// If SQLite fails.
    pub fn record_epoch(&mut self, epoch: &Curve) -> Result<(), StoreError> {
        let Curve { supernet, seed, report } = epoch;
        let write = "INSERT OR REPLACE INTO epoch
             (supernet, seed, epoch, loss, accuracy, learning_rate, images_per_second)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
        let values = params![
            supernet,
            *seed as i64,
            report.epoch,
            report.loss,
            report.accuracy,
            report.learning_rate,
            report.images_per_second
        ];
        self.connection.execute(write, values).map(drop).map_err(|e| self.sqlite(e))
    }

    /// On the first call, stores the hash of the weights of a supernet after an epoch. Later calls
    /// return whether the hash is the stored one.
    ///
    /// # Errors
    /// If SQLite fails.
    pub fn pin_weights(
        &self,
        (supernet, seed, epoch): (&str, u64, u32),
        sha256: &str,
    ) -> Result<bool, StoreError> {
        let write = "INSERT OR IGNORE INTO weights VALUES (?1, ?2, ?3, ?4)";
        let read = "SELECT sha256 FROM weights WHERE supernet = ?1 AND seed = ?2 AND epoch = ?3";
        let same = || -> rusqlite::Result<bool> {
            let place = params![supernet, seed as i64, epoch];
            self.connection.execute(write, params![supernet, seed as i64, epoch, sha256])?;
            let known: String = self.connection.query_row(read, place, |row| row.get(0))?;
            Ok(known == sha256)
        };
        same().map_err(|e| self.sqlite(e))
    }

    /// Stores evaluations of sub-networks; those that are already stored stay.
    ///
    /// # Errors
    /// If SQLite fails.
    pub fn record_evaluations(&mut self, evaluated: &[Evaluated]) -> Result<(), StoreError> {
        let write = |connection: &mut Connection| {
            let transaction = connection.transaction()?;
            for one in evaluated {
                let batches = serde_json::to_string(&one.batches).expect("batches are plain data");
                let values = params![
                    one.supernet,
                    one.seed as i64,
                    list(&one.epochs),
                    one.arch,
                    batches,
                    one.milliseconds
                ];
                let write = "INSERT OR IGNORE INTO evaluation VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
                transaction.prepare_cached(write)?.execute(values)?;
            }
            transaction.commit()
        };
        write(&mut self.store.connection).map_err(|e| self.sqlite(e))
    }
}

/// The epochs as text, such as `40,80`.
fn list(epochs: &[u32]) -> String {
    epochs.iter().map(u32::to_string).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{run_dir::RunDir, study::Study};
    use osee_model::evaluation::BatchResult;

    #[test]
    fn batches_and_curves_come_back_as_they_were() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = StoreWriter::open(RunDir::new(folder.path()), &Study::default()).unwrap();
        let batches = vec![
            BatchResult {
                images: 7,
                loss: f64::from_bits(4_600_310_783_001_914_724),
                correct: 3
            };
            2
        ];
        let one = Evaluated {
            supernet: "key".to_owned(),
            seed: u64::MAX,
            epochs: vec![40, 80],
            arch: "a".to_owned(),
            batches,
            milliseconds: 2.5,
        };
        let changed = Evaluated { batches: Vec::new(), ..one.clone() };
        store.record_evaluations(&[one.clone(), changed]).unwrap();
        assert_eq!(store.evaluations("a").unwrap(), [one]);
        assert!(store.evaluations("b").unwrap().is_empty());

        let same = |seed, sha256| store.pin_weights(("key", seed, 80), sha256).unwrap();
        assert!(same(u64::MAX, "a") && same(3, "b") && same(3, "b") && !same(3, "a"));

        let report = |loss| EpochReport {
            epoch: 1,
            loss,
            accuracy: 0.5,
            learning_rate: 0.05,
            images_per_second: 9.0,
        };
        let epoch = |loss| Curve { supernet: "key".to_owned(), seed: 3, report: report(loss) };
        store.record_epoch(&epoch(2.0)).unwrap();
        store.record_epoch(&epoch(1.0)).unwrap();
        assert_eq!(store.curves().unwrap(), [epoch(1.0)]);
    }
}

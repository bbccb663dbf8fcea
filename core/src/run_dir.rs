//! The files in the directory of a run.
//!
//! | file | what | written by |
//! | --- | --- | --- |
//! | `study.toml` | the study, resolved | whoever begins the run |
//! | `results.sqlite` | architectures, rows, scores, evaluations | the run alone |
//! | `lock` | held while the run is written | the run alone |
//! | `supernets/ESTIMATOR-KEY-seedN/` | checkpoints `epoch-0040.safetensors`, what was observed before them (`.json`), and `last.safetensors` to resume from | the training of one supernet and seed |
//! | `worker-N.log`, `worker-meta.log`, `training-KEY-seedN.log` | what plugins print | one worker |
//! | `shard-K-of-N/` | the run of one shard, which shares `supernets/` | that shard |
//! | `jobs/` | scripts and logs of a scheduler's jobs, and their study and lock | `osee-host submit` |
//! | `report/` | `report.html` and `figures/` | `osee-host report` |
//!
//! Invariant: no other module spells one of these names.

use crate::shard::Shard;
use serde::{Deserialize, Serialize};
use std::{
    fmt,
    path::{Path, PathBuf},
};

const STUDY: &str = "study.toml";
const RESULTS: &str = "results.sqlite";
const LOCK: &str = "lock";
const SUPERNETS: &str = "supernets";
const JOBS: &str = "jobs";
const REPORT: &str = "report";

/// Entries that a directory may have before the first results, in the order they are made.
const MADE_FIRST: [&str; 3] = [LOCK, "study.toml.part", STUDY];

/// The directory of a run.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunDir(#[serde(with = "osee_model::paths")] PathBuf);

/// The folder of one training: a supernet with one seed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SupernetDir(PathBuf);

impl RunDir {
    /// The run in the directory `path`; nothing is read or made.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// Path of the directory.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Path of the resolved study.
    pub fn study(&self) -> PathBuf {
        self.0.join(STUDY)
    }

    /// Path of the store.
    pub fn results(&self) -> PathBuf {
        self.0.join(RESULTS)
    }

    /// Path of the file that is locked while the run is written.
    pub fn lock(&self) -> PathBuf {
        self.0.join(LOCK)
    }

    /// Folder of the trainings of all supernets.
    pub fn supernets(&self) -> PathBuf {
        self.0.join(SUPERNETS)
    }

    /// Folder of a training, by the estimator's id, the supernet's key and the seed.
    pub fn supernet(&self, estimator: &str, key: &str, seed: u64) -> SupernetDir {
        SupernetDir(self.supernets().join(format!("{estimator}-{key}-seed{seed}")))
    }

    /// Path of the log of what the plugins in a worker print.
    pub fn worker_log(&self, number: usize) -> PathBuf {
        self.0.join(format!("worker-{number}.log"))
    }

    /// Path of the log of what meta estimators print.
    pub fn meta_log(&self) -> PathBuf {
        self.0.join("worker-meta.log")
    }

    /// Path of the log of what the plugins in a training print.
    pub fn training_log(&self, key: &str, seed: u64) -> PathBuf {
        self.0.join(format!("training-{key}-seed{seed}.log"))
    }

    /// The run of a shard inside this one; for the whole, this run itself.
    pub fn shard(&self, shard: Shard) -> Self {
        match shard.is_whole() {
            true => self.clone(),
            false => Self(self.0.join(shard.folder())),
        }
    }

    /// The runs of shards in this one, ordered by count and number.
    ///
    /// # Errors
    /// If the directory cannot be listed.
    pub fn shards(&self) -> std::io::Result<Vec<(Shard, Self)>> {
        let entries = std::fs::read_dir(&self.0)?.flatten();
        let shard = |name: std::ffi::OsString| Shard::of_folder(name.to_str()?);
        let mut found: Vec<(Shard, Self)> =
            entries.filter_map(|it| Some((shard(it.file_name())?, Self(it.path())))).collect();
        found.sort_by_key(|(shard, _)| (shard.count(), shard.number()));
        Ok(found)
    }

    /// Folder of a scheduler's jobs; it also holds their study and lock file.
    pub fn jobs(&self) -> PathBuf {
        self.0.join(JOBS)
    }

    /// Path of the study that jobs run.
    pub fn jobs_study(&self) -> PathBuf {
        self.jobs().join(STUDY)
    }

    /// Folder of the run's report.
    pub fn report(&self) -> PathBuf {
        self.0.join(REPORT)
    }

    /// True if a run could begin in a directory with entries of these names: it is empty, has only
    /// what jobs, shards and trainings leave, or holds a run that was killed in its first moments.
    /// A study without a lock is the user's own file.
    pub fn is_unbegun(names: &[String]) -> bool {
        let of_shards =
            |name: &str| [JOBS, SUPERNETS].contains(&name) || Shard::of_folder(name).is_some();
        let others: Vec<&str> =
            names.iter().map(String::as_str).filter(|name| !of_shards(name)).collect();
        others.is_empty()
            || (others.contains(&LOCK) && others.iter().all(|name| MADE_FIRST.contains(name)))
    }

    /// True if the directory has the two files that every run has.
    pub fn is_whole(&self) -> bool {
        self.missing().is_none()
    }

    /// Name of the first file of a run that is missing; `None` if none is.
    pub fn missing(&self) -> Option<&'static str> {
        [STUDY, RESULTS].into_iter().find(|file| !self.0.join(file).exists())
    }
}

impl From<&Path> for RunDir {
    fn from(path: &Path) -> Self {
        Self::new(path)
    }
}

impl From<&PathBuf> for RunDir {
    fn from(path: &PathBuf) -> Self {
        Self::new(path)
    }
}

impl From<PathBuf> for RunDir {
    fn from(path: PathBuf) -> Self {
        Self(path)
    }
}

impl From<&RunDir> for RunDir {
    fn from(dir: &RunDir) -> Self {
        dir.clone()
    }
}

impl fmt::Display for RunDir {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.display().fmt(f)
    }
}

impl SupernetDir {
    /// Path of the folder.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Path of the checkpoint after an epoch.
    pub fn checkpoint(&self, epoch: u32) -> PathBuf {
        self.0.join(format!("epoch-{epoch:04}.safetensors"))
    }

    /// Path of the observations of the checkpoint's epoch; the file may not exist.
    pub fn observation(&self, epoch: u32) -> PathBuf {
        self.checkpoint(epoch).with_extension("json")
    }

    /// Path of the checkpoint that an interrupted training resumes from.
    pub fn last(&self) -> PathBuf {
        self.0.join("last.safetensors")
    }

    /// Paths of all observations, in order of epochs; empty if there is no such folder.
    pub fn observations(&self) -> Vec<PathBuf> {
        let files = std::fs::read_dir(&self.0).into_iter().flatten().flatten();
        let mut files: Vec<PathBuf> = files
            .map(|it| it.path())
            .filter(|file| file.extension().is_some_and(|it| it == "json"))
            .collect();
        files.sort();
        files
    }
}

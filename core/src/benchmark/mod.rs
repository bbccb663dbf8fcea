//! Benchmarks built with osee: what is trained, the results, and the table of ground truth made
//! from them.
//!
//! Invariant: a training depends only on the study, the architecture and the seed, so the table is
//! the same whoever trained which part of it, and when.

mod log;
mod table;

pub use log::{Log, LogError};
pub use table::{
    BenchmarkTable, Candidate, Comparison, Difference, architectures, compare_untrained,
};

use crate::study::{
    Architectures, Seeds, SpaceChoice, StudyError, TrainingChoice, VERSION, check_name, file,
};
use osee_model::{data_source::DataSource, device::DeviceName, evaluation::Fit};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// The study file of a benchmark, as written. Paths in it are relative to the file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BenchmarkStudy {
    /// Version of the file format, as for a study.
    #[serde(default = "version", skip_serializing)]
    pub version: u32,
    /// Name for headings; that of the file if absent.
    #[serde(default)]
    pub name: Option<String>,
    /// User plugins besides the bundled ones.
    #[serde(default, with = "osee_model::paths::list")]
    pub plugins: Vec<PathBuf>,
    /// Seeds with each of which every architecture is trained once; only 0 if absent.
    #[serde(default = "one_seed")]
    pub seeds: Seeds,
    /// Device of the trainings, `cpu` or `cuda:N`.
    #[serde(default)]
    pub device: DeviceName,
    /// Source of the images, as in a study.
    pub data: DataSource,
    /// The search space, with its settings.
    pub space: SpaceChoice,
    /// The architectures; the default is that of a study. A benchmark has no truth to take them
    /// from, and no neighbours.
    #[serde(default)]
    pub architectures: Architectures,
    /// Changes to the recipe `standalone`.
    #[serde(default)]
    pub training: TrainingChoice,
}

fn version() -> u32 {
    VERSION
}
fn one_seed() -> Seeds {
    Seeds::one(0)
}

impl BenchmarkStudy {
    /// Reads a file; its paths become relative to the working folder. Also returns the keys that
    /// are written in the style of earlier versions.
    ///
    /// # Errors
    /// If the file is unreadable, not TOML, or has unknown fields or invalid values.
    pub fn read(path: &Path) -> Result<(Self, Vec<String>), StudyError> {
        let (mut study, old): (Self, _) = file::read(path)?;
        let own = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        check_name(study.name.get_or_insert(own))?;
        study.architectures.check()?;
        study.check_architectures()?;
        let folder = path.parent().unwrap_or(Path::new(""));
        for path in study.plugins.iter_mut().chain(&mut study.architectures.file) {
            *path = folder.join(&*path);
        }
        study.data.rebase(folder);
        Ok((study, old))
    }

    /// Name for headings; that of the file if none was given.
    pub fn name(&self) -> &str {
        self.name.as_deref().unwrap_or_default()
    }

    /// Refuses choices of architectures that only a run can make.
    fn check_architectures(&self) -> Result<(), StudyError> {
        let wrong = |what: &str| Err(StudyError::Invalid(what.to_owned()));
        if self.architectures.judged {
            return wrong(
                "`judged` takes architectures from a truth table, and a benchmark cannot have one, \
                 for it is what makes one; name them with `count` or `file`",
            );
        }
        if self.architectures.neighbours > 0 {
            return wrong(
                "`neighbours` are for the analysis of a run by operation, and a benchmark trains \
                 only what `count` or `file` of [architectures] says; leave them out",
            );
        }
        Ok(())
    }
}

/// Loss and accuracy of one epoch of a training.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct EpochFit {
    /// On the training images, averaged while they were trained on.
    pub training: Fit,
    /// On the validation images, after the epoch.
    pub validation: Fit,
}

/// The result of training one architecture with one seed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Training {
    /// The architecture, as its space writes it.
    pub arch: String,
    /// Seed of the training.
    pub seed: u64,
    /// Results of the epochs, in order.
    pub epochs: Vec<EpochFit>,
    /// Result on the test images, after the last epoch; `None` if the data has no test images.
    pub test: Option<Fit>,
    /// Why the training failed; `None` if it did not.
    pub failure: Option<String>,
    /// Duration of the training in seconds.
    pub seconds: f64,
}

impl Training {
    /// Result on the validation images after the last epoch; `None` if the training failed.
    pub fn validation(&self) -> Option<Fit> {
        self.failure.is_none().then_some(self.epochs.last()?.validation)
    }

    /// Result on the test images after the last epoch; `None` if the training failed.
    pub fn tested(&self) -> Option<Fit> {
        self.failure.is_none().then_some(self.test?)
    }
}

//! A benchmark of one's own: what is trained, what came of it, and the table
//! of ground truth that is made of it.
//!
//! Invariant: a training depends on the study, the architecture and the seed;
//! so the table is the same whoever trained which part of it, and when.

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

/// What a benchmark is built of, as written. Paths in it are relative to the
/// file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BenchmarkStudy {
    /// Version of the file, that of a study.
    #[serde(default = "version", skip_serializing)]
    pub version: u32,
    /// Name, for headings; that of the file if absent.
    #[serde(default)]
    pub name: Option<String>,
    /// Plugin files besides the bundled ones.
    #[serde(default, with = "osee_model::paths::list")]
    pub plugins: Vec<PathBuf>,
    /// Every architecture is trained once with each; 0 if absent.
    #[serde(default = "one_seed")]
    pub seeds: Seeds,
    /// `cpu` or `cuda:N`.
    #[serde(default)]
    pub device: DeviceName,
    /// Images, as a study names them.
    pub data: DataSource,
    /// The search space.
    pub space: SpaceChoice,
    /// Which architectures; as many as a study has, if absent. A benchmark has no
    /// truth to take them from, and no neighbours.
    #[serde(default)]
    pub architectures: Architectures,
    /// The recipe, as changes of the preset `standalone`.
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
    /// Reads a file; its paths become relative to the working folder. The texts
    /// are keys in the style of earlier versions.
    ///
    /// # Errors
    /// Unreadable, not TOML, with fields it does not have, or that make no sense.
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

    /// Its name.
    pub fn name(&self) -> &str {
        self.name.as_deref().unwrap_or_default()
    }

    /// Refuses what only a run can choose architectures by.
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

/// An epoch of a training.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct EpochFit {
    /// On the training images, as they went by.
    pub training: Fit,
    /// On the validation images, after the epoch.
    pub validation: Fit,
}

/// What came of training one architecture with one seed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Training {
    /// The architecture.
    pub arch: String,
    /// The seed.
    pub seed: u64,
    /// Epoch by epoch.
    pub epochs: Vec<EpochFit>,
    /// On the test images, at the end; `None` where the data has none.
    pub test: Option<Fit>,
    /// Why there is no result, if there is none.
    pub failure: Option<String>,
    /// How long it took.
    pub seconds: f64,
}

impl Training {
    /// On the validation images at the end, unless it failed.
    pub fn validation(&self) -> Option<Fit> {
        self.failure.is_none().then_some(self.epochs.last()?.validation)
    }

    /// On the test images at the end, unless it failed.
    pub fn tested(&self) -> Option<Fit> {
        self.failure.is_none().then_some(self.test?)
    }
}

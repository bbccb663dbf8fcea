//! The study file: what is to be scored, how, and against which truth.

mod check;
mod error;
pub(crate) mod file;
mod overlay;
mod protocol;
mod seeds;
mod table_source;
mod training;
mod truth_choice;

pub(crate) use check::check_name;
pub use error::StudyError;
pub use file::VERSION;
pub use protocol::ProtocolChoice;
pub use seeds::Seeds;
pub use table_source::TableSource;
pub use training::TrainingChoice;
pub use truth_choice::TruthChoice;

use crate::{row::RowKey, shard::Shard};
use osee_model::{
    data_source::DataSource,
    device::DeviceName,
    paths,
    settings::{Value, nearest},
};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, HashSet},
    path::{Path, PathBuf},
};

/// A study as written. Paths in it are relative to the study file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Study {
    /// Version of the file, [`VERSION`] at most.
    #[serde(default = "version")]
    pub version: u32,
    /// Name, for headings.
    #[serde(default = "unnamed")]
    pub name: String,
    /// A study that is part of osee, of which this one has what it does not say
    /// itself.
    #[serde(default, skip_serializing)]
    pub like: Option<String>,
    /// The share of its units that a run computes; all if absent.
    #[serde(default, skip_serializing_if = "Shard::is_whole")]
    pub shard: Shard,
    /// Plugin files besides the bundled ones.
    #[serde(default, with = "paths::list")]
    pub plugins: Vec<PathBuf>,
    /// Initialisation seeds; scores are averaged over them.
    #[serde(default = "default_seeds")]
    pub seeds: Seeds,
    /// `cpu` or `cuda:N`.
    #[serde(default)]
    pub device: DeviceName,
    /// `digits`, `noise`, a data set such as `cifar10`, or files of one, such as
    /// `cifar10:FOLDER`.
    #[serde(default = "DataSource::noise")]
    pub data: DataSource,
    /// The search space.
    #[serde(default)]
    pub space: SpaceChoice,
    /// Which architectures.
    #[serde(default)]
    pub architectures: Architectures,
    /// How networks are put before zero-shot estimators.
    #[serde(default)]
    pub protocol: ProtocolChoice,
    /// How supernets are trained for one-shot estimators, where it is not as
    /// those say.
    #[serde(default, skip_serializing_if = "unchanged")]
    pub training: TrainingChoice,
    /// Ground truth; scores alone are reported without it.
    #[serde(default, deserialize_with = "truth_choice::by_name_or_fields")]
    pub truth: Option<TruthChoice>,
    /// Estimators; id `all`, as an empty list, stands for all that are found,
    /// of one-shot estimators only those that the user brought.
    #[serde(default)]
    pub estimators: Vec<EstimatorChoice>,
}

/// A search space with settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpaceChoice {
    /// Its id; nb201 if absent.
    #[serde(default = "nb201")]
    pub id: String,
    /// Settings that differ from the defaults.
    #[serde(default)]
    pub settings: BTreeMap<String, Value>,
}

/// Which architectures of a space.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Architectures {
    /// How many, drawn by `seed` without repetition; all if absent.
    #[serde(default)]
    pub count: Option<u64>,
    /// A file with one architecture per line instead: all of them, so neither
    /// `count` nor `judged` stands beside it.
    #[serde(default, with = "paths::optional")]
    pub file: Option<PathBuf>,
    /// Only those that the truth table has, in its order where all are taken.
    #[serde(default)]
    pub judged: bool,
    /// One architecture per isomorphism group.
    #[serde(default)]
    pub unique: bool,
    /// Seed of the draw, and of that of neighbours.
    #[serde(default)]
    pub seed: u64,
    /// Of so many of them, all mutations are scored, too; of those that the
    /// truth has, if there is one. They give analyses by operation their pairs,
    /// and nothing else looks at them.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub neighbours: u64,
    /// How many architectures come before the neighbours. Written by a run; of
    /// no effect in a study.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drawn: Option<u64>,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// An estimator with settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EstimatorChoice {
    /// Its id.
    pub id: String,
    /// Name of its row; its id if absent.
    #[serde(default)]
    pub name: Option<String>,
    /// Settings that differ from the defaults.
    #[serde(default)]
    pub settings: BTreeMap<String, Value>,
    /// Of a one-shot estimator: how its supernet is trained, where it is not
    /// as the study says.
    #[serde(default, skip_serializing_if = "unchanged")]
    pub training: TrainingChoice,
    /// Of a zero-shot estimator: the one-shot row whose supernet gives the
    /// weights.
    #[serde(default)]
    pub supernet: Option<String>,
    /// The weights after so many epochs; 0 for the initial ones, the last if
    /// absent.
    #[serde(default)]
    pub epoch: Option<u32>,
    /// A row for every kept checkpoint, called `NAME@EPOCH`.
    #[serde(default)]
    pub trend: bool,
}

fn unchanged(training: &TrainingChoice) -> bool {
    *training == TrainingChoice::default()
}

impl EstimatorChoice {
    /// The estimator with its defaults.
    pub fn plain(id: &str) -> Self {
        Self {
            id: id.to_owned(),
            name: None,
            settings: BTreeMap::new(),
            training: TrainingChoice::default(),
            supernet: None,
            epoch: None,
            trend: false,
        }
    }

    /// Name of its row.
    pub fn name(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.id)
    }
}

fn unnamed() -> String {
    "study".to_owned()
}
fn version() -> u32 {
    VERSION
}
fn default_seeds() -> Seeds {
    Seeds::try_from(vec![0, 1]).expect("they are some and different")
}
fn nb201() -> String {
    "nb201".to_owned()
}

fn unknown_preset(name: &str, presets: &[&'static str]) -> StudyError {
    StudyError::Preset {
        name: name.to_owned(),
        hint: match nearest(name, presets.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("there are {}", presets.join(", ")),
        },
    }
}

impl Default for SpaceChoice {
    fn default() -> Self {
        Self { id: nb201(), settings: BTreeMap::new() }
    }
}

impl Default for Architectures {
    fn default() -> Self {
        Self {
            count: Some(100),
            file: None,
            judged: false,
            unique: true,
            seed: 0,
            neighbours: 0,
            drawn: None,
        }
    }
}

impl Default for Study {
    fn default() -> Self {
        toml::from_str("").expect("every field of a study has a default")
    }
}

impl Study {
    /// Reads and checks a study file; its paths become relative to the working
    /// folder. The texts are keys in the style of earlier versions, which are
    /// read as they were.
    ///
    /// # Errors
    /// Unreadable, not TOML, with fields a study does not have, or that make no
    /// sense.
    pub fn read(path: &Path) -> Result<(Self, Vec<String>), StudyError> {
        let (mut study, old): (Self, _) = file::read(path)?;
        study.check()?;
        study.rebase(path.parent().unwrap_or(Path::new("")));
        Ok((study, old))
    }

    /// A study that is part of a program; its paths are as they are.
    ///
    /// # Errors
    /// As [`Study::read`].
    pub fn parse(name: &Path, text: &str) -> Result<Self, StudyError> {
        let (study, _): (Self, _) = file::parse(name, text.to_owned())?;
        study.check()?;
        Ok(study)
    }

    /// A study as a run has stored it, which was checked when the run began.
    ///
    /// # Errors
    /// Not TOML, of a newer version, or with fields a study does not have.
    pub fn of_run(file: &Path, text: &str) -> Result<Self, StudyError> {
        file::parse(file, text.to_owned()).map(|(study, _)| study)
    }

    /// The fields that a file has, by their names.
    ///
    /// # Errors
    /// Unreadable, or not TOML.
    pub fn fields(path: &Path) -> Result<HashSet<String>, StudyError> {
        let (fields, _): (toml::Table, _) = file::read(path)?;
        Ok(fields.into_iter().map(|(name, _)| name).collect())
    }

    /// Whether it asks for a row.
    pub fn asks_for(&self, row: &RowKey) -> bool {
        let all = self.estimators.is_empty() || self.estimators.iter().any(|it| it.id == "all");
        all || self.estimators.iter().any(|it| it.name() == row.base())
    }

    /// As TOML, for the run directory.
    pub fn to_toml(&self) -> String {
        toml::to_string_pretty(self).expect("a study is plain data")
    }

    /// Prefixes relative paths with `folder`.
    pub fn rebase(&mut self, folder: &Path) {
        for path in self.plugins.iter_mut().chain(&mut self.architectures.file) {
            *path = folder.join(&*path);
        }
        if let Some(truth) = &mut self.truth {
            truth.table.rebase(folder);
        }
        self.data.rebase(folder);
    }
}

#[cfg(test)]
mod tests;

//! The study file: what is to be scored, how, and against which truth.

mod check;
mod error;
mod estimator_choice;
pub(crate) mod file;
mod name_or_fields;
mod overlay;
mod protocol;
mod seeds;
mod table_source;
mod training;
mod truth_choice;

pub(crate) use check::check_name;
pub use error::StudyError;
pub use estimator_choice::EstimatorChoice;
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
    /// Version of the file format, at most [`VERSION`].
    #[serde(default = "version")]
    pub version: u32,
    /// Name for headings and for the run's folder.
    #[serde(default = "unnamed")]
    pub name: String,
    /// Name of a study that is part of osee; its fields apply where this study has none.
    #[serde(default, skip_serializing)]
    pub like: Option<String>,
    /// The shard of its units that a run computes; all if absent.
    #[serde(default, skip_serializing_if = "Shard::is_whole")]
    pub shard: Shard,
    /// User plugins besides the bundled ones.
    #[serde(default, with = "paths::list")]
    pub plugins: Vec<PathBuf>,
    /// Initialisation seeds; scores are averaged over them.
    #[serde(default = "default_seeds")]
    pub seeds: Seeds,
    /// Device for all computations, `cpu` or `cuda:N`.
    #[serde(default)]
    pub device: DeviceName,
    /// Source of the images: `digits`, `noise`, a data set such as `cifar10`, or a data set with
    /// the folder of its files, such as `cifar10:FOLDER`.
    #[serde(default = "DataSource::noise")]
    pub data: DataSource,
    /// The search space, with its settings.
    #[serde(default)]
    pub space: SpaceChoice,
    /// Which architectures are scored.
    #[serde(default)]
    pub architectures: Architectures,
    /// The protocol by which zero-shot estimators see networks.
    #[serde(default)]
    pub protocol: ProtocolChoice,
    /// Changes to the recipes by which one-shot estimators train supernets.
    #[serde(default, skip_serializing_if = "unchanged")]
    pub training: TrainingChoice,
    /// Ground truth; without it, only scores are reported.
    #[serde(default, deserialize_with = "truth_choice::by_name_or_fields")]
    pub truth: Option<TruthChoice>,
    /// Estimators. The id of a [`Group`](osee_model::estimator::Group) stands for the bundled estimators of that group, and `all`
    /// for those of all groups, one-shot estimators left out; both bring all estimators of user
    /// plugins. An empty list is `classic`.
    #[serde(default, deserialize_with = "estimator_choice::by_names_or_fields")]
    pub estimators: Vec<EstimatorChoice>,
}

/// A search space with settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpaceChoice {
    /// Id of the space; `nb201` if absent.
    #[serde(default = "nb201")]
    pub id: String,
    /// Settings that differ from their defaults.
    #[serde(default)]
    pub settings: BTreeMap<String, Value>,
}

/// Which architectures of a space are scored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Architectures {
    /// Number of architectures, drawn by `seed` without repetition; all if absent.
    #[serde(default)]
    pub count: Option<u64>,
    /// A file with one architecture per line, all of which are taken; `count` is refused beside
    /// it.
    #[serde(default, with = "paths::optional")]
    pub file: Option<PathBuf>,
    /// Takes only architectures that the truth table has; in its order without `count` and `file`.
    #[serde(default)]
    pub judged: bool,
    /// Takes only one architecture per isomorphism group.
    #[serde(default)]
    pub unique: bool,
    /// Seed for drawing architectures and neighbours.
    #[serde(default)]
    pub seed: u64,
    /// Number of these architectures whose mutations are scored, too; if there is a truth, only
    /// mutations that it has. Only analyses by operation use them, as pairs.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub neighbours: u64,
    /// Number of architectures before the neighbours. A run writes it; it has no effect in a study
    /// file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drawn: Option<u64>,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

fn unchanged(training: &TrainingChoice) -> bool {
    *training == TrainingChoice::default()
}

fn unnamed() -> String {
    "study".to_owned()
}
fn version() -> u32 {
    VERSION
}
fn default_seeds() -> Seeds {
    Seeds::try_from(vec![0, 1]).expect("seeds are distinct, and there is one")
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
    /// Reads and checks a study file; its paths become relative to the working folder. Also returns
    /// the keys that are written in the style of earlier versions, which are still accepted.
    ///
    /// # Errors
    /// If the file is unreadable, not TOML, or has unknown fields or invalid values.
    pub fn read(path: &Path) -> Result<(Self, Vec<String>), StudyError> {
        let (mut study, old): (Self, _) = file::read(path)?;
        study.check()?;
        study.rebase(path.parent().unwrap_or(Path::new("")));
        Ok((study, old))
    }

    /// Reads and checks a study that is part of a program; its paths stay as they are.
    ///
    /// # Errors
    /// The same as for [`Study::read`].
    pub fn parse(name: &Path, text: &str) -> Result<Self, StudyError> {
        let (study, _): (Self, _) = file::parse(name, text.to_owned())?;
        study.check()?;
        Ok(study)
    }

    /// Reads a study as a run has stored it; it was checked when the run began.
    ///
    /// # Errors
    /// If the text is not TOML, is of a newer version, or has unknown fields.
    pub fn of_run(file: &Path, text: &str) -> Result<Self, StudyError> {
        file::parse(file, text.to_owned()).map(|(study, _)| study)
    }

    /// Names of the top-level fields in a file.
    ///
    /// # Errors
    /// If the file is unreadable or not TOML.
    pub fn fields(path: &Path) -> Result<HashSet<String>, StudyError> {
        let (fields, _): (toml::Table, _) = file::read(path)?;
        Ok(fields.into_iter().map(|(name, _)| name).collect())
    }

    /// True if the study asks for this row.
    pub fn asks_for(&self, row: &RowKey) -> bool {
        let many =
            self.estimators.is_empty() || self.estimators.iter().any(EstimatorChoice::is_many);
        many || self.estimators.iter().any(|it| it.name() == row.base())
    }

    /// The study as TOML, for the run directory.
    pub fn to_toml(&self) -> String {
        toml::to_string_pretty(self).expect("a study is plain data")
    }

    /// Puts `folder` before all relative paths.
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

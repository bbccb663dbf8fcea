//! What a study comes to: architectures x seeds x estimators, all settings
//! resolved, less what the store has.

use super::architectures;
use crate::{
    data::{DataError, Source},
    engine::{DeviceError, open_device},
    loader::{Registry, RegistryError},
    worker::{Named, Setup, SetupError, Unit, WorkerError},
};
use osee_core::{
    estimator::EstimatorKind,
    settings::{SettingError, Settings},
    store::{ScorerId, ScorerKey, Store, StoreError},
    study::{EstimatorChoice, Study, StudyError},
};
use std::path::PathBuf;

/// Why a study cannot be run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// The study itself.
    #[error(transparent)]
    Study(#[from] StudyError),
    /// A plugin, or something no plugin has.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// A setting.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// The run directory.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The images.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The device.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// A worker.
    #[error(transparent)]
    Worker(#[from] WorkerError),
    /// The set-up, without workers.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// A plugin's refusal.
    #[error("{0}")]
    Plugin(#[from] osee_sdk::Error),
    /// A malformed architecture.
    #[error("{place}{error}")]
    Architecture {
        /// Where it stands.
        place: String,
        /// What is wrong.
        error: osee_sdk::Error,
    },
    /// The list of architectures.
    #[error("cannot read architectures from {}: {source}", path.display())]
    ArchitectureFile {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Only listed architectures can be had.
    #[error("search space `{0}` cannot be enumerated; give a file of architectures")]
    NotEnumerable(String),
    /// More than there are.
    #[error("{wanted} architectures were asked for, there are {there}{}", if *unique { " unique ones" } else { "" })]
    TooMany {
        /// Asked for.
        wanted: u64,
        /// There.
        there: usize,
        /// Whether isomorphic ones count once.
        unique: bool,
    },
    /// None at all.
    #[error("the study has no architectures")]
    NoArchitectures,
    /// Two rows of one name.
    #[error("two estimators are called `{0}`; give one of them another `name`")]
    SameName(String),
    /// A vote without its voters.
    #[error(
        "estimator `{meta}` needs `{expert}`, which the study does not have; add it to the estimators"
    )]
    MissingExpert {
        /// The meta estimator.
        meta: String,
        /// What it needs.
        expert: String,
    },
}

/// A study with everything resolved.
#[derive(Debug)]
pub struct Plan {
    /// In order.
    pub architectures: Vec<String>,
    /// Initialisation seeds.
    pub seeds: Vec<u64>,
    /// What workers need; its estimators are those that score architectures.
    pub setup: Setup,
    /// Estimators that judge by others' scores.
    pub meta: Vec<Named>,
    keys: Vec<ScorerKey>,
    meta_keys: Vec<ScorerKey>,
}

impl Plan {
    /// Resolves `study`, and checks all it names before anything is computed.
    ///
    /// # Errors
    /// The first thing that is not there or makes no sense.
    pub fn new(study: &Study, registry: &Registry) -> Result<Self, RunError> {
        let protocol = study.protocol.resolve()?;
        let space = registry.space(&study.space.id)?;
        let mut space_settings = protocol.space.clone();
        space_settings.extend(study.space.settings.clone());
        let owner = format!("search space `{}`", study.space.id);
        let space_settings = Settings::resolve(&owner, &space.info.settings, &space_settings)?;
        open_device(&study.device)?;
        let data = Source::open(&study.data)?.identity()?;
        let named = resolve_estimators(study, registry)?;
        let architectures = architectures::choose(&study.architectures, &space)?;
        // Settings that make no network are refused here, once.
        space.functions.graph(&architectures[0], &space_settings)?;

        let key = |named: &Named| -> Result<ScorerKey, RunError> {
            let (plugin, info) = registry.estimator(&named.id)?;
            Ok(ScorerKey {
                name: named.name.clone(),
                estimator: named.id.clone(),
                version: info.version.clone(),
                kind: named.kind,
                direction: named.direction,
                settings: json(&named.settings),
                plugin_sha256: plugin.sha256.clone(),
                space: space.info.id.clone(),
                space_version: space.info.version.clone(),
                space_settings: json(&space_settings),
                space_sha256: space.plugin.sha256.clone(),
                protocol: json(&protocol),
                data: data.clone(),
            })
        };
        let (meta, estimators): (Vec<Named>, Vec<Named>) =
            named.into_iter().partition(|named| named.kind == EstimatorKind::Meta);
        Ok(Self {
            keys: estimators.iter().map(key).collect::<Result<_, _>>()?,
            meta_keys: meta.iter().map(key).collect::<Result<_, _>>()?,
            architectures,
            seeds: study.seeds.clone(),
            meta,
            setup: Setup {
                plugins: registry.pinned(),
                space: study.space.id.clone(),
                space_settings,
                protocol,
                data: study.data.clone(),
                device: study.device.clone(),
                threads: 1,
                estimators,
            },
        })
    }

    /// Units of the whole study.
    pub fn units(&self) -> u64 {
        (self.architectures.len() * self.seeds.len()) as u64
    }

    /// The store's ids of the setup's estimators.
    pub fn scorers(&self, store: &Store) -> Result<Vec<ScorerId>, RunError> {
        Ok(self.keys.iter().map(|key| store.scorer(key)).collect::<Result<_, _>>()?)
    }

    /// The store's ids of the meta estimators.
    pub fn meta_scorers(&self, store: &Store) -> Result<Vec<ScorerId>, RunError> {
        Ok(self.meta_keys.iter().map(|key| store.scorer(key)).collect::<Result<_, _>>()?)
    }

    /// Units that have estimators without a stored result. Baselines do not
    /// depend on the seed, so they are scored with the first one only.
    pub fn outstanding(&self, store: &Store) -> Result<Vec<Unit>, RunError> {
        let scorers = self.scorers(store)?;
        let done = scorers.iter().map(|id| store.done(*id)).collect::<Result<Vec<_>, _>>()?;
        let mut units = Vec::new();
        for (round, &seed) in self.seeds.iter().enumerate() {
            for (arch, text) in self.architectures.iter().enumerate() {
                let open = |i: &usize| {
                    let once = self.setup.estimators[*i].kind == EstimatorKind::Baseline;
                    let wanted = !once || round == 0;
                    wanted && !done[*i].contains(&(arch, seed))
                };
                let estimators: Vec<usize> = (0..scorers.len()).filter(open).collect();
                if !estimators.is_empty() {
                    units.push(Unit { arch, text: text.clone(), seed, estimators });
                }
            }
        }
        Ok(units)
    }
}

fn resolve_estimators(study: &Study, registry: &Registry) -> Result<Vec<Named>, RunError> {
    let all = || registry.estimators().map(|(_, info)| EstimatorChoice::plain(&info.id)).collect();
    let choices: Vec<EstimatorChoice> =
        if study.estimators.is_empty() { all() } else { study.estimators.clone() };
    let mut named: Vec<Named> = Vec::new();
    for choice in &choices {
        let (plugin, info) = registry.estimator(&choice.id)?;
        let owner = format!("estimator `{}`", choice.id);
        let settings = Settings::resolve(&owner, &info.settings, &choice.settings)?;
        // The plugin may refuse values that the declaration allows.
        plugin.functions.create(&choice.id, &settings)?;
        if named.iter().any(|other| other.name == choice.name()) {
            return Err(RunError::SameName(choice.name().to_owned()));
        }
        named.push(Named::new(choice.name(), info, settings));
    }
    super::vote::check_experts(&named, registry)?;
    Ok(named)
}

/// Settings and protocols as the JSON of a key.
fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("keys are plain data")
}

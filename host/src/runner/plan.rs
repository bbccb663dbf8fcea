//! What a study comes to: architectures x seeds x estimators, all settings
//! resolved, less what the store has.

use super::{Choice, architectures, rows::Rows, training::Job, vote::Population};
use crate::{
    data::{DataError, Source},
    engine::{DeviceError, open_device},
    loader::{Registry, RegistryError, Space},
    one_shot::SupernetUse,
    report::TruthTable,
    worker::{Named, Setup, SetupError, WorkerError},
};
use osee_core::{
    estimator::EstimatorKind,
    protocol::Weights,
    settings::{SettingError, Settings},
    shard::{Shard, unit_name},
    store::{MergeError, ScorerId, ScorerKey, Store, StoreError},
    study::{Study, StudyError},
};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    path::{Path, PathBuf},
};

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
    /// Parts that do not go together.
    #[error("{0}; nothing was merged")]
    Merge(MergeError),
    /// Nothing to merge.
    #[error("{} has no shard-K-of-N folder; name the shards' run directories", .0.display())]
    NoShards(PathBuf),
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
    /// Settings, or a list, of which nothing comes.
    #[error("{}`{first}` makes no network: {error}", if *tried > 1 {
        format!("none of {tried} architectures makes a network; ")
    } else {
        String::new()
    })]
    NoNetwork {
        /// The first architecture.
        first: String,
        /// How many were tried.
        tried: usize,
        /// What is wrong with it.
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
    /// The table that architectures should be from.
    #[error("`judged` takes architectures from the truth table, and the study has none")]
    NoTruth,
    /// Isomorphic architectures are found in a list of all.
    #[error(
        "`{row}` averages over isomorphism groups, for which all architectures are listed, and \
         search space `{space}` {}; leave `isomorphic` out there",
        too_large(size)
    )]
    NoGroups {
        /// Name of the row.
        row: String,
        /// The search space.
        space: String,
        /// How many it has, if they can be listed at all.
        size: Option<u64>,
    },
    /// Groups of one, whose mean is the score itself.
    #[error(
        "`{0}` averages over isomorphism groups, and no architecture of the study has another one \
         in its group; leave `isomorphic` out there"
    )]
    LoneGroups(String),
    /// Too many for a list.
    #[error("search space `{0}` has {1} architectures, too many to take all; say how many")]
    TooLarge(String, u64),
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
    /// Neighbours of more architectures than there are.
    #[error(
        "neighbours of {wanted} architectures were asked for, and the study has {there} architectures"
    )]
    TooManyNeighbours {
        /// Asked for.
        wanted: u64,
        /// There.
        there: usize,
    },
    /// Too many for a list.
    #[error("{0} architectures have more than {1} neighbours; ask for those of fewer")]
    TooLargeNeighbourhood(u64, usize),
    /// Number after number is an architecture that is there already.
    #[error(
        "search space `{space}` gave {draws} architectures in a row that were among the {found} \
         drawn before; ask for at most {found}"
    )]
    Fruitless {
        /// The space.
        space: String,
        /// Different ones.
        found: usize,
        /// Draws without another.
        draws: u64,
    },
    /// None at all.
    #[error("the study has no architectures")]
    NoArchitectures,
    /// Two rows of one name.
    #[error("two estimators are called `{0}`; give one of them another `name`")]
    SameName(String),
    /// A row that has no weights of a supernet to look at.
    #[error(
        "`{0}` names a supernet, which only zero-shot estimators can; one-shot estimators have \
         their own"
    )]
    NoSupernet(String),
    /// A row without checkpoints.
    #[error("`{0}` has `epoch` or `trend`, but looks at no supernet")]
    NoCheckpoints(String),
    /// A supernet that no row trains.
    #[error(
        "the study has no one-shot row `{row}`{}",
        near.as_ref().map(|near| format!("; did you mean `{near}`?")).unwrap_or_default()
    )]
    NoRow {
        /// As asked.
        row: String,
        /// The row most like it.
        near: Option<String>,
    },
    /// A row with a recipe that trains nothing.
    #[error(
        "`{0}` has `training`, and trains no supernet; one-shot rows do, and `supernet` of another \
         row names the one whose weights it looks at"
    )]
    NoTraining(String),
    /// One checkpoint of all.
    #[error(
        "`{0}` has `trend`, which is a row for every kept epoch, beside `epoch`; leave one out"
    )]
    EpochOfTrend(String),
    /// A supernet that its estimator will not begin with.
    #[error("`{row}` cannot be trained: {error}")]
    Untrainable {
        /// Name of a row that looks at it.
        row: String,
        /// Why.
        error: osee_sdk::Error,
    },
    /// More batches than are evaluated.
    #[error("`{row}` looks at the first {wanted} validation batches; its recipe has {batches}")]
    FewBatches {
        /// Name of the row.
        row: String,
        /// As asked.
        wanted: usize,
        /// All there are.
        batches: usize,
    },
    /// A mean of more checkpoints than there are.
    #[error(
        "`{row}` averages {wanted} checkpoints up to epoch {epoch}, and there are those after \
         {there:?}"
    )]
    FewCheckpoints {
        /// Name of the row.
        row: String,
        /// As asked.
        wanted: usize,
        /// The last of them.
        epoch: u32,
        /// All there are.
        there: Vec<u32>,
    },
    /// Weights that are not on disk.
    #[error("`{row}` wants the weights after epoch {epoch}; kept are those after {kept:?}")]
    NotKept {
        /// Name of the row.
        row: String,
        /// As asked.
        epoch: u32,
        /// All there are.
        kept: Vec<u32>,
    },
    /// A shard whose supernets nobody trained: shards would train them at once,
    /// in one folder.
    #[error(
        "`{row}` seed {seed} is not trained yet, and shards do not train what they share; \
         osee-host train does, with the same study and --out"
    )]
    Untrained {
        /// Name of a row that looks at it.
        row: String,
        /// Its seed.
        seed: u64,
    },
    /// A checkpoint that cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Weights {
        /// The checkpoint.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A checkpoint that is not the one that scores are of.
    #[error(
        "{} is not the file that scores of this run were made with; put that one back, or give \
         --out another folder", .0.display()
    )]
    OtherWeights(PathBuf),
    /// Signals.
    #[error("cannot handle signals: {0}")]
    Signals(std::io::Error),
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
    /// Votes that wait for one another.
    #[error(
        "meta estimators judge by one another's scores in a circle: {}; take one out of the \
         experts of another",
        circle(.0)
    )]
    Circle(Vec<String>),
}

fn too_large(size: &Option<u64>) -> String {
    match size {
        Some(size) => format!("has {size}"),
        None => "cannot be enumerated".to_owned(),
    }
}

/// Each by the next, and the last by the first.
fn circle(names: &[String]) -> String {
    let names = names.iter().chain(names.first());
    names.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" by ")
}

/// A study with everything resolved.
#[derive(Debug)]
pub struct Plan {
    /// In order, neighbours last.
    pub architectures: Vec<String>,
    /// How many of them are no neighbours.
    pub drawn: usize,
    /// Initialisation seeds.
    pub seeds: Vec<u64>,
    /// Whose units are this run's.
    pub shard: Shard,
    /// Where results are stored. A shard has a folder of its own beside the
    /// supernets, which are all shards'.
    pub dir: PathBuf,
    /// What workers need; its estimators are those that score architectures.
    pub setup: Setup,
    /// Estimators that judge by others' scores.
    pub meta: Vec<Named>,
    keys: Vec<ScorerKey>,
    meta_keys: Vec<ScorerKey>,
    /// Architectures by canonical form, if an estimator asks for its group.
    pub(super) groups: HashMap<String, Vec<String>>,
}

impl Plan {
    /// Resolves `study`, and checks all it names before anything is computed.
    /// Its results will be in the directory `run`, those of a shard in a folder
    /// of that; `truth` is needed if it
    /// takes its architectures from there.
    ///
    /// # Errors
    /// The first thing that is not there or makes no sense.
    pub fn new(
        study: &Study,
        registry: &Registry,
        run: &Path,
        truth: Option<&TruthTable>,
    ) -> Result<Self, RunError> {
        let source = Source::open(&study.data)?;
        let protocol = study.protocol.resolve(source.normalisation())?;
        let space = registry.space(&study.space.id)?;
        let mut space_settings = match protocol.weights {
            Weights::Supernet => Settings::of_supernet(&space.info.settings),
            Weights::Standalone => BTreeMap::new(),
        };
        space_settings.extend(space.known(&protocol.space));
        space_settings.extend(study.space.settings.clone());
        let space_settings = space.resolve(&space_settings)?;
        open_device(&study.device)?;
        let data = source.identity()?;
        let Choice { list: architectures, drawn } =
            architectures::choose(&study.architectures, &space, truth)?;
        // Settings that make no network are refused here, once.
        let graph = architectures::any_network(&space, &architectures, &space_settings)?;

        let rows = Rows::resolve(study, registry, &space, (&source, &data))?;
        let looks_at_images =
            |named: &Named| named.kind == EstimatorKind::ZeroShot && named.supernet.is_none();
        if rows.named.iter().any(looks_at_images) {
            source.check_network(&graph)?;
        }
        for spec in &rows.supernets {
            let graph = architectures::any_network(&space, &architectures, &spec.space_settings)?;
            spec.check_network(&source, &graph)?;
        }
        let key = |named: &Named| rows.key(named, &protocol, &space_settings);
        let keys = |named: &[Named]| named.iter().map(key).collect::<Result<Vec<_>, _>>();
        let (meta, estimators): (Vec<Named>, Vec<Named>) =
            rows.named.iter().cloned().partition(|named| named.kind == EstimatorKind::Meta);
        let isomorphic = |named: &Named| {
            named.supernet.as_ref().is_some_and(|looks_at| looks_at.evaluation.isomorphic)
        };
        let groups = match estimators.iter().find(|named| isomorphic(named)) {
            Some(named) => groups(&space, &architectures, &named.name)?,
            None => HashMap::new(),
        };
        Ok(Self {
            keys: keys(&estimators)?,
            meta_keys: keys(&meta)?,
            architectures,
            drawn,
            groups,
            seeds: study.seeds.clone(),
            shard: study.shard,
            dir: match study.shard.is_whole() {
                true => run.to_owned(),
                false => run.join(study.shard.folder()),
            },
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
                supernets: rows.supernets,
                run: run.to_owned(),
            },
        })
    }

    /// Units of the whole study.
    pub fn units(&self) -> u64 {
        (self.architectures.len() * self.seeds.len()) as u64
    }

    /// What the results of the setup's estimators depend on.
    pub fn keys(&self) -> &[ScorerKey] {
        &self.keys
    }

    /// The store's ids of the setup's estimators.
    pub fn scorers(&self, store: &Store) -> Result<Vec<ScorerId>, RunError> {
        Ok(self.keys.iter().map(|key| store.scorer(key)).collect::<Result<_, _>>()?)
    }

    /// The store's ids of the meta estimators.
    pub fn meta_scorers(&self, store: &Store) -> Result<Vec<ScorerId>, RunError> {
        Ok(self.meta_keys.iter().map(|key| store.scorer(key)).collect::<Result<_, _>>()?)
    }

    /// All trainings, or those that are the shard's.
    pub fn all_jobs(&self) -> BTreeSet<Job> {
        let supernets = 0..self.setup.supernets.len();
        let all = supernets.flat_map(|it| self.seeds.iter().map(move |seed| (it, *seed)));
        all.filter(|(it, seed)| self.shard.holds(&unit_name(&self.setup.supernets[*it].key, *seed)))
            .collect()
    }

    /// What its meta estimators, stored under these ids, judge by.
    pub(super) fn population(
        &self,
        store: &Store,
        meta: Vec<ScorerId>,
    ) -> Result<Population<'_>, RunError> {
        Ok(Population {
            architectures: &self.architectures[..self.drawn],
            experts: self.scorers(store)?.into_iter().zip(self.keys.clone()).collect(),
            meta: meta.into_iter().zip(self.meta_keys.clone()).collect(),
            seed: self.seeds[0],
            device: &self.setup.device,
        })
    }

    /// The trainings that an estimator's scores with this seed, by position,
    /// come of.
    pub(super) fn jobs_of(&self, estimator: usize, round: usize) -> impl Iterator<Item = Job> {
        let seed = self.seeds[round];
        self.looks_at(estimator).into_iter().map(move |it| (it.supernet, seed))
    }

    /// The trained supernet that an estimator looks at.
    fn looks_at(&self, estimator: usize) -> Option<&SupernetUse> {
        let looks_at = self.setup.estimators[estimator].supernet.as_ref();
        looks_at.filter(|looks_at| looks_at.epochs != [0])
    }
}

/// The isomorphism groups of `architectures`, by member of the list; `row` asks
/// for them.
fn groups(
    space: &Space<'_>,
    architectures: &[String],
    row: &str,
) -> Result<HashMap<String, Vec<String>>, RunError> {
    let listable = space.info.size.filter(|size| *size <= architectures::LISTABLE);
    let size = listable.ok_or_else(|| RunError::NoGroups {
        row: row.to_owned(),
        space: space.info.id.clone(),
        size: space.info.size,
    })?;
    let mut all: HashMap<String, Vec<String>> = HashMap::new();
    for index in 0..size {
        let arch = space.functions.architecture(index)?;
        all.entry(space.functions.canonical(&arch)?).or_default().push(arch);
    }
    let mut groups = HashMap::new();
    for arch in architectures {
        let group = all.get(&space.functions.canonical(arch)?).cloned();
        groups.insert(arch.clone(), group.unwrap_or_else(|| vec![arch.clone()]));
    }
    match groups.values().any(|group| group.len() > 1) {
        true => Ok(groups),
        false => Err(RunError::LoneGroups(row.to_owned())),
    }
}

/// Settings and protocols as the JSON of a key.
pub fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("keys are plain data")
}

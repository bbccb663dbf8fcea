//! What a study comes to: architectures x seeds x estimators, all settings
//! resolved, less what the store has.

use super::{Choice, RunError, architectures, rows::Rows, vote::Population};
use crate::{
    catalog,
    loader::{Registry, Space},
    one_shot::SupernetUse,
    truth::TruthTable,
    worker::{Named, Setup},
};
use osee_core::{
    shard::{Shard, unit_name},
    store::{ScorerId, ScorerKey, Store},
    study::Study,
};
use osee_engine::{data::Source, open_device};
use osee_model::{estimator::EstimatorKind, graph::Graph, protocol::Weights, settings::Settings};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    path::{Path, PathBuf},
};

/// A supernet of the plan, by position, and a seed.
pub type Job = (usize, u64);

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
        let images = catalog::images(&study.data)?;
        let source = Source::open(&images)?;
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
        architectures::any_network(&space, &architectures, &space_settings, |_| Ok(()))?;

        let rows = Rows::resolve(study, registry, (&space, &architectures), (&source, &data))?;
        let looks_at_images =
            |named: &Named| named.kind == EstimatorKind::ZeroShot && named.supernet.is_none();
        if rows.named.iter().any(looks_at_images) {
            let fits = |graph: &Graph| source.fits(graph, &protocol);
            let any = architectures::any_network(&space, &architectures, &space_settings, fits)?;
            source.tell_spare_outputs(&any);
        }
        if rows.named.iter().any(|named| named.kind == EstimatorKind::ZeroShot) {
            source.check_protocol(&protocol)?;
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
        let (keys, meta_keys) = (keys(&estimators)?, keys(&meta)?);
        let supernets = rows.supernets;
        Ok(Self {
            keys,
            meta_keys,
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
                data: images,
                device: study.device.clone(),
                threads: 1,
                estimators,
                supernets,
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

//! What a study comes to: rows, supernets and units, with everything resolved and
//! checked.
//!
//! Invariants: a plan is data; making one computes and writes nothing. What it
//! depends on is the study, its plugins, tables and images, so every machine makes
//! the same plan.

mod architectures;
mod error;
pub mod experts;
mod groups;
mod list;
mod rows;
mod setup;
mod unit;

pub use architectures::{Choice, LISTABLE, any_network, choose};
pub use error::PlanError;
pub use setup::{Row, Setup};
pub use unit::Unit;

use crate::{catalog, loader::Registry, truth::TruthTable};
use osee_core::{
    row::RowKey,
    run_dir::RunDir,
    shard::{Shard, unit_name},
    study::{Seeds, Study},
};
use osee_engine::{data::Source, open_device};
use osee_model::{estimator::EstimatorKind, graph::Graph, protocol::Weights, settings::Settings};
use rows::{Ground, Rows};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// The training of a supernet, by its index in the setup, with a seed.
pub type Training = (usize, u64);

/// A study with everything resolved.
#[derive(Debug)]
pub struct Plan {
    /// In order, neighbours last.
    pub architectures: Vec<String>,
    /// How many of them are no neighbours.
    pub drawn: usize,
    /// Initialisation seeds.
    pub seeds: Seeds,
    /// Whose units are this run's.
    pub shard: Shard,
    /// Where results are stored. A shard has a folder of its own beside the
    /// supernets, which are all shards'.
    pub dir: RunDir,
    /// What workers need; its rows are those that score architectures.
    pub setup: Setup,
    /// Rows that judge by others' scores.
    pub meta: Vec<Row>,
    /// Architectures by canonical form, if a row asks for its group.
    pub groups: HashMap<String, Vec<String>>,
}

impl Plan {
    /// Resolves `study`, and checks all it names. Its results will be in the
    /// directory `run`, those of a shard in a folder of that, and computed with so
    /// many of torch's threads; `truth` is needed if it takes its architectures
    /// from there.
    ///
    /// # Errors
    /// The first thing that is not there or makes no sense.
    pub fn new(
        study: &Study,
        registry: &Registry,
        run: &RunDir,
        threads: usize,
        truth: Option<&TruthTable>,
    ) -> Result<Self, PlanError> {
        let data = catalog::images(&study.data)?;
        let source = Source::open(&data)?;
        let protocol = study.protocol.resolve(source.normalisation())?;
        let space = registry.space(&study.space.id)?;
        let mut space_settings = match protocol.weights {
            Weights::Supernet => Settings::of_supernet(&space.info.settings),
            Weights::Standalone => BTreeMap::new(),
        };
        space_settings.extend(space.known(&protocol.space));
        space_settings.extend(study.space.settings.clone());
        let space_settings = space.resolve(&space_settings)?;
        open_device(study.device)?;
        let images = source.identity()?;
        let Choice { list: architectures, drawn } = choose(&study.architectures, &space, truth)?;
        // Settings that make no network are refused here, once.
        any_network(&space, &architectures, &space_settings, |_| Ok(()))?;

        let ground = Ground {
            space: &space,
            space_settings: &space_settings,
            architectures: &architectures,
            source: &source,
            images: &images,
            protocol: &protocol,
        };
        let Rows { rows, supernets, .. } = Rows::resolve(study, registry, &ground)?;
        let sees_images = |row: &Row| row.kind() == EstimatorKind::ZeroShot;
        if rows.iter().any(|row| sees_images(row) && row.weights.is_none()) {
            let fits = |graph: &Graph| source.fits(graph, &protocol);
            let any = any_network(&space, &architectures, &space_settings, fits)?;
            source.tell_spare_outputs(&any);
        }
        if rows.iter().any(sees_images) {
            source.check_protocol(&protocol)?;
        }
        let isomorphic =
            |row: &&Row| row.weights.as_ref().is_some_and(|weights| weights.evaluation.isomorphic);
        let groups = match rows.iter().find(isomorphic) {
            Some(row) => groups::groups(&space, &architectures, &row.key.name)?,
            None => HashMap::new(),
        };
        let (meta, rows) = rows.into_iter().partition(|row| row.key.is_meta());
        Ok(Self {
            architectures,
            drawn,
            groups,
            seeds: study.seeds.clone(),
            shard: study.shard,
            dir: run.shard(study.shard),
            meta,
            setup: Setup {
                plugins: registry.pinned(),
                space: study.space.id.clone(),
                space_settings,
                protocol,
                data,
                device: study.device,
                threads,
                rows,
                supernets,
                run: run.clone(),
            },
        })
    }

    /// Units of the whole study.
    pub fn units(&self) -> u64 {
        (self.architectures.len() * self.seeds.len()) as u64
    }

    /// The keys of all rows: of those that score architectures, then of those that
    /// judge by others.
    pub fn keys(&self) -> Vec<RowKey> {
        self.setup.rows.iter().chain(&self.meta).map(|row| row.key.clone()).collect()
    }

    /// All trainings, or those that are the shard's.
    pub fn trainings(&self) -> BTreeSet<Training> {
        let supernets = 0..self.setup.supernets.len();
        let all = supernets.flat_map(|it| self.seeds.iter().map(move |seed| (it, *seed)));
        all.filter(|(it, seed)| self.shard.holds(&unit_name(&self.setup.supernets[*it].key, *seed)))
            .collect()
    }

    /// The training that a row's scores with a seed come of, if they come of one.
    pub fn training_of(&self, row: usize, seed_index: usize) -> Option<Training> {
        let weights = self.setup.rows[row].weights.as_ref();
        let trained = weights.filter(|weights| weights.epochs != [0])?;
        Some((trained.supernet, self.seeds[seed_index]))
    }
}

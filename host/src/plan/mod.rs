//! Turns a study into a plan: rows, supernets and units, all resolved and checked.
//!
//! Invariants: a plan is data; making one scores and writes nothing. It depends only on
//! the study, its plugins, tables and images, so every machine makes the same plan.

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
use osee_engine::data::Source;
use osee_model::{estimator::EstimatorKind, graph::Graph, protocol::Weights, settings::Settings};
use rows::{Ground, Rows};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// One supernet, by its index in the setup, with one seed.
pub type Training = (usize, u64);

/// A study with everything resolved.
#[derive(Debug)]
pub struct Plan {
    /// All architectures in order, neighbours last.
    pub architectures: Vec<String>,
    /// Number of architectures before the neighbours.
    pub drawn: usize,
    /// Initialisation seeds.
    pub seeds: Seeds,
    /// The shard whose units this run computes.
    pub shard: Shard,
    /// Where results are stored. A shard has its own folder, beside the supernets that
    /// all shards share.
    pub dir: RunDir,
    /// What workers need. Its rows are those that score architectures.
    pub setup: Setup,
    /// Rows of meta estimators, which judge by the scores of other rows.
    pub meta: Vec<Row>,
    /// Isomorphism group by architecture; empty if no row asks for groups.
    pub groups: HashMap<String, Vec<String>>,
}

impl Plan {
    /// Resolves `study` and checks all that it names. Results will be in the directory
    /// `run`, or a shard's in a folder of it. Workers use `threads` torch threads.
    /// `truth` is needed if the study takes its architectures from there.
    ///
    /// # Errors
    /// At the first thing that does not exist or makes no sense.
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
        let images = source.identity()?;
        let Choice { list: architectures, drawn } = choose(&study.architectures, &space, truth)?;
        // Settings that make no network are refused here, once for all rows.
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

    /// Number of units of the whole study, before sharding.
    pub fn units(&self) -> u64 {
        (self.architectures.len() * self.seeds.len()) as u64
    }

    /// The keys of all rows: those that score architectures, then meta estimators.
    pub fn keys(&self) -> Vec<RowKey> {
        self.setup.rows.iter().chain(&self.meta).map(|row| row.key.clone()).collect()
    }

    /// All trainings of this run: every one, or the shard's.
    pub fn trainings(&self) -> BTreeSet<Training> {
        let supernets = 0..self.setup.supernets.len();
        let all = supernets.flat_map(|it| self.seeds.iter().map(move |seed| (it, *seed)));
        all.filter(|(it, seed)| self.shard.holds(&unit_name(&self.setup.supernets[*it].key, *seed)))
            .collect()
    }

    /// The training that a row's scores with this seed depend on; `None` for untrained
    /// weights.
    pub fn training_of(&self, row: usize, seed_index: usize) -> Option<Training> {
        let weights = self.setup.rows[row].weights.as_ref();
        let trained = weights.filter(|weights| weights.epochs != [0])?;
        Some((trained.supernet, self.seeds[seed_index]))
    }
}

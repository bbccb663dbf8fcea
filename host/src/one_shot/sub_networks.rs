//! Sub-networks of trained supernets: evaluates them, and lends their weights.

use super::{SupernetSpec, SupernetUse};
use osee_core::{run_dir::RunDir, store::Evaluated};
use osee_engine::{Batch, data::Source, supernet::Supernet};
use osee_model::{evaluation::BatchResult, graph::Graph};
use osee_sdk::{
    Error, Result,
    abi::kinds::{one_shot::ForeignOneShot, space::ForeignSpace},
};
use std::{
    collections::{HashMap, hash_map::Entry},
    path::PathBuf,
    time::Instant,
};
use tch::{Device, Tensor};

/// Largest number of supernets held in memory.
const HELD: usize = 16;

/// Loads supernets as they are needed, and remembers the evaluations of one
/// architecture's sub-networks.
pub struct SubNetworks {
    specs: Vec<SupernetSpec>,
    space: String,
    run: RunDir,
    device: Device,
    loaded: HashMap<(usize, u64, Vec<u32>), Supernet>,
    /// Validation batches, by supernet and side of the images in pixels.
    validation: HashMap<(usize, usize), Vec<Batch>>,
    known: Vec<Evaluated>,
    /// Length of the part of `known` that is not news.
    told: usize,
}

impl SubNetworks {
    /// Serves the supernets `specs` of space `space`, trained in `run`.
    pub fn new(specs: &[SupernetSpec], space: &str, run: RunDir, device: Device) -> Self {
        Self {
            specs: specs.to_vec(),
            space: space.to_owned(),
            run,
            device,
            loaded: HashMap::new(),
            validation: HashMap::new(),
            known: Vec::new(),
            told: 0,
        }
    }

    /// Begins another architecture, with the evaluations that are known.
    pub fn begin(&mut self, known: Vec<Evaluated>) {
        self.told = known.len();
        self.known = known;
    }

    /// Returns what was evaluated since the last call or [`Self::begin`].
    pub fn news(&mut self) -> Vec<Evaluated> {
        let news = self.known[self.told..].to_vec();
        self.told = self.known.len();
        news
    }

    /// Returns the score of an architecture, the mean over `group` (itself, or its
    /// isomorphism group), and the milliseconds it would take alone, whichever row
    /// asked for the sub-networks first.
    ///
    /// # Errors
    /// If a checkpoint cannot be read, an architecture makes no network, or the
    /// estimator fails.
    pub fn score(
        &mut self,
        weights: &SupernetUse,
        seed: u64,
        group: &[String],
        functions: (&ForeignSpace, &Source, &ForeignOneShot),
    ) -> Result<(f64, f64)> {
        let (space, source, estimator) = functions;
        let (mut sum, mut milliseconds) = (0.0, 0.0);
        for arch in group {
            let (batches, cost) = self.batches(weights, seed, arch, space, source)?;
            let used = weights.evaluation.batches.unwrap_or(batches.len());
            if used > batches.len() {
                return Err(Error::new(format!(
                    "{used} validation batches were asked for, the recipe has {}",
                    batches.len()
                )));
            }
            let start = Instant::now();
            sum += estimator.score(&batches[..used])?;
            milliseconds += start.elapsed().as_secs_f64() * 1e3
                + cost * used as f64 / batches.len().max(1) as f64;
        }
        Ok((sum / group.len() as f64, milliseconds))
    }

    /// The weights that `graph` uses, which share memory with the supernet.
    ///
    /// # Errors
    /// If a checkpoint cannot be read.
    pub fn parameters(
        &mut self,
        weights: &SupernetUse,
        seed: u64,
        graph: &Graph,
    ) -> Result<Vec<Tensor>> {
        let supernet = self.supernet(weights, seed)?;
        Ok(supernet.parameters(graph).iter().map(Tensor::detach).collect())
    }

    /// The supernet that the weights belong to.
    pub fn spec(&self, weights: &SupernetUse) -> &SupernetSpec {
        &self.specs[weights.supernet]
    }

    fn batches(
        &mut self,
        weights: &SupernetUse,
        seed: u64,
        arch: &str,
        space: &ForeignSpace,
        source: &Source,
    ) -> Result<(Vec<BatchResult>, f64)> {
        let spec = self.spec(weights).clone();
        let same = |it: &&Evaluated| {
            it.supernet == spec.key
                && it.seed == seed
                && it.epochs == weights.epochs
                && it.arch == arch
        };
        if let Some(known) = self.known.iter().find(same) {
            return Ok((known.batches.clone(), known.milliseconds));
        }
        let graph = spec.network(source, space, arch)?;
        let side = source.facts().side_for(graph.input_shape());
        let key = (weights.supernet, side.map_err(|error| Error::new(error.to_string()))?);
        if !self.validation.contains_key(&key) {
            let batches = spec.validation(source, &graph, self.device)?;
            self.validation.insert(key, batches);
        }
        let images: Vec<Batch> = self.validation[&key].iter().map(Batch::share).collect();
        let supernet = self.supernet(weights, seed)?;
        let start = Instant::now();
        let batches = supernet.evaluate(&graph, &images)?;
        let milliseconds = start.elapsed().as_secs_f64() * 1e3;
        self.known.push(Evaluated {
            supernet: spec.key,
            seed,
            epochs: weights.epochs.clone(),
            arch: arch.to_owned(),
            batches: batches.clone(),
            milliseconds,
        });
        Ok((batches, milliseconds))
    }

    fn supernet(&mut self, weights: &SupernetUse, seed: u64) -> Result<&mut Supernet> {
        let key = (weights.supernet, seed, weights.epochs.clone());
        if self.loaded.len() >= HELD && !self.loaded.contains_key(&key) {
            self.loaded.clear();
        }
        match self.loaded.entry(key) {
            Entry::Occupied(known) => Ok(known.into_mut()),
            Entry::Vacant(new) => {
                let spec = &self.specs[weights.supernet];
                let supernet = match weights.epochs.as_slice() {
                    [] | [0] => Supernet::new(&self.space, seed, spec.recipe.init, self.device),
                    epochs => {
                        let dir = spec.dir(&self.run, seed);
                        let files: Vec<PathBuf> =
                            epochs.iter().map(|epoch| dir.checkpoint(*epoch)).collect();
                        Supernet::load_mean(&files, self.device)
                            .map_err(|error| Error::new(error.to_string()))?
                    }
                };
                Ok(new.insert(supernet.computing_in(spec.recipe.precision)))
            }
        }
    }
}

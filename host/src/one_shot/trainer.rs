//! Trains one supernet.

use super::{
    SupernetSpec, TrainingError,
    feeder::{Feeder, Wanted},
    observer::Observer,
};
use osee_core::{run_dir::RunDir, store::EpochReport};
use osee_engine::{
    Batch,
    data::{ImageSet, Source},
    supernet::{Sgd, Supernet},
};
use osee_files::write_whole;
use osee_model::{
    graph::Graph,
    schedule::Progress,
    seed::{shuffle, stream},
    space::SpaceInfo,
};
use osee_sdk::{
    Epoch, Sampled, Surveyed,
    abi::kinds::{lent::LentSpace, one_shot::ForeignOneShot, space::ForeignSpace},
};
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, btree_map::Entry},
    io,
    sync::Arc,
    time::{Duration, Instant},
};
use tch::Device;

/// Longest work that a kill may cost, in addition to one epoch.
const BETWEEN_CHECKPOINTS: Duration = Duration::from_secs(20);
/// Number of architectures tried to find a first network.
const FIRST: u64 = 1_000;
/// Shortest time between two progress reports.
const BETWEEN_NEWS: Duration = Duration::from_millis(500);

/// The architectures of a step that make networks, with these.
type Networks = Vec<(String, Graph)>;

/// Progress of a training.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum Step {
    /// Some steps of an epoch are done.
    Working {
        /// Number of steps since the training began.
        done: u64,
        /// Number of steps of the whole training.
        of: u64,
        /// Mean loss of the epoch so far; NaN before its first step.
        loss: f64,
    },
    /// An epoch is done, and its checkpoint is written if it is to be kept.
    Epoch(EpochReport),
}

/// What a checkpoint holds besides weights.
#[derive(Debug, Serialize, Deserialize)]
struct State {
    /// Number of epochs done.
    epoch: u32,
    schedule: Progress,
    /// State of the sampler.
    memory: Vec<u8>,
}

/// Finds an architecture of the space that makes a network for these images, among
/// those with the lowest numbers and the space's example.
fn first_network(
    spec: &SupernetSpec,
    source: &Source,
    info: &SpaceInfo,
    space: &ForeignSpace,
) -> osee_sdk::Result<(String, Graph)> {
    let numbers = 0..info.size.map_or(0, |size| size.min(FIRST));
    let numbered = numbers.map(|number| space.architecture(number));
    let mut why = None;
    for arch in numbered.chain([space.parse(&info.example)]) {
        let arch = arch?;
        match spec.network(source, space, &arch) {
            Ok(graph) => return Ok((arch, graph)),
            Err(error) => drop(why.get_or_insert(error)),
        }
    }
    Err(why.unwrap_or_else(|| osee_sdk::Error::new("the space has no architecture")))
}

/// A training in progress.
pub struct Trainer<'a> {
    spec: &'a SupernetSpec,
    sampler: &'a ForeignOneShot,
    space: Arc<ForeignSpace>,
    lent: LentSpace,
    source: &'a Source,
    device: Device,
    run: &'a RunDir,
    seed: u64,
    images: Arc<ImageSet>,
    supernet: Supernet,
    state: State,
    /// Validation batches, by side of the images in pixels.
    validation: BTreeMap<usize, Vec<Batch>>,
}

/// The parts of a training besides its supernet and seed.
pub struct Place<'a> {
    /// The one-shot estimator.
    pub sampler: &'a ForeignOneShot,
    /// The search space.
    pub space: Arc<ForeignSpace>,
    /// Declaration of the search space.
    pub info: &'a SpaceInfo,
    /// The source of the images.
    pub source: &'a Source,
    /// The device that holds the tensors.
    pub device: Device,
    /// The run's directory.
    pub run: &'a RunDir,
}

impl<'a> Trainer<'a> {
    /// Begins the training of `spec` with a seed, or resumes it.
    ///
    /// # Errors
    /// If images, a checkpoint or the space cannot be used.
    pub fn new(spec: &'a SupernetSpec, seed: u64, place: Place<'a>) -> Result<Self, TrainingError> {
        let Place { sampler, space, info, source, device, run } = place;
        let dir = spec.dir(run, seed);
        std::fs::create_dir_all(dir.path())
            .map_err(|source| TrainingError::Folder { path: dir.path().to_owned(), source })?;
        let (first, graph) = first_network(spec, source, info, &space)?;
        let last = dir.last();
        let (mut supernet, state) = match last.exists() {
            true => Supernet::load(&last, device)?,
            false => {
                let recipe = &spec.recipe;
                let schedule = recipe.schedule.start(recipe.learning_rate);
                let state = State { epoch: 0, schedule, memory: Vec::new() };
                (Supernet::new(&info.id, seed, recipe.init, device), state)
            }
        };
        supernet = supernet.computing_in(spec.recipe.precision);
        // One network for each option of every decision, and so all parameters, so that
        // checkpoints have them before they are first sampled.
        let _ = supernet.parameters(&graph);
        for mutation in space.mutations(&first)? {
            if let Ok(graph) = spec.network(source, &space, &mutation.arch) {
                let _ = supernet.parameters(&graph);
            }
        }
        Ok(Self {
            lent: spec.lend(source, info, &space, usize::MAX),
            images: Arc::new(spec.training(source)?),
            validation: BTreeMap::new(),
            spec,
            sampler,
            space,
            source,
            device,
            run,
            seed,
            supernet,
            state,
        })
    }

    /// Trains to the end.
    ///
    /// # Errors
    /// If the sampler, torch, a checkpoint or `tell` fails.
    pub fn run(
        &mut self,
        mut tell: impl FnMut(Step) -> io::Result<()>,
    ) -> Result<(), TrainingError> {
        let kept = self.spec.recipe.kept();
        let dir = self.spec.dir(self.run, self.seed);
        let mut saved = Instant::now();
        while self.state.epoch < self.spec.recipe.epochs {
            let report = self.epoch(&mut tell)?;
            let keep = kept.contains(&self.state.epoch);
            if keep {
                self.supernet.save(&dir.checkpoint(self.state.epoch), &self.state)?;
            }
            if keep || saved.elapsed() > BETWEEN_CHECKPOINTS {
                self.supernet.save(&dir.last(), &self.state)?;
                saved = Instant::now();
            }
            tell(Step::Epoch(report))?;
        }
        Ok(())
    }

    fn epoch(
        &mut self,
        tell: &mut impl FnMut(Step) -> io::Result<()>,
    ) -> Result<EpochReport, TrainingError> {
        let recipe = &self.spec.recipe;
        let number = self.state.epoch;
        let sampled = self.sample(tell)?;
        let learning_rate =
            recipe.schedule.rate(recipe.learning_rate, &self.state.schedule, number, recipe.epochs);
        let sgd = Sgd::new(recipe, learning_rate);
        let mut random = stream(self.seed, &["train", "images", &number.to_string()]);
        let mut order: Vec<usize> = (0..self.images.len()).collect();
        shuffle(&mut random, &mut order);
        let start = Instant::now();
        let mut told = start;
        let (mut loss, mut accuracy) = (0.0, 0.0);
        let steps = recipe.steps();
        let mut observer = self.observer(number + 1);
        let mut feeder = Feeder::new(Arc::clone(&self.images), random, self.device != Device::Cpu);
        let (spec, source) = (self.spec, self.source);
        let wanted = |step: usize, networks: &Networks| -> Result<Wanted, TrainingError> {
            let positions = order[step * recipe.batch_size..][..recipe.batch_size].to_vec();
            let how = networks.iter().map(|(_, graph)| spec.preparation(source, graph));
            Ok(Wanted { positions, how: how.collect::<Result<_, _>>()? })
        };
        let first = self.first_networks(&sampled.steps)?;
        let mut next = Some((wanted(0, &first)?, first));
        for step in 0..sampled.steps.len() {
            let Some((now, networks)) = next.take() else { break };
            if let Some(archs) = sampled.steps.get(step + 1) {
                let own = self.networks(archs)?;
                let after = if own.is_empty() { networks.clone() } else { own };
                next = Some((wanted(step + 1, &after)?, after));
            }
            let made = feeder.step(&now, next.as_ref().map(|(wanted, _)| wanted));
            let made: BTreeMap<usize, Batch> =
                made.into_iter().map(|(side, batch)| (side, batch.on(self.device))).collect();
            let batches: Vec<Batch> = now.how.iter().map(|how| made[&how.side].share()).collect();
            let graphs = networks.iter().map(|(_, graph)| graph);
            let each: Vec<(&Graph, &Batch)> = graphs.zip(&batches).collect();
            let seen = self.supernet.train_each(&each, &sgd)?;
            loss += seen.loss;
            accuracy += seen.accuracy;
            if let Some(observer) = observer.as_mut().filter(|it| it.wants(step)) {
                let (arch, graph) = &networks[0];
                let batch = self.first_batch(graph)?;
                observer.after_step(arch, graph, batch, &mut self.supernet)?;
            }
            if told.elapsed() > BETWEEN_NEWS {
                told = Instant::now();
                tell(Step::Working {
                    done: u64::from(number) * steps as u64 + step as u64 + 1,
                    of: u64::from(recipe.epochs) * steps as u64,
                    loss: loss / (step + 1) as f64,
                })?;
            }
        }
        let images = (steps * recipe.batch_size) as f64;
        let report = EpochReport {
            epoch: number + 1,
            loss: loss / steps as f64,
            accuracy: accuracy / steps as f64,
            learning_rate,
            images_per_second: images / start.elapsed().as_secs_f64(),
        };
        if !report.loss.is_finite() {
            return Err(TrainingError::Diverged { epoch: report.epoch, loss: report.loss });
        }
        if let Some(observer) = observer {
            let file = self.spec.dir(self.run, self.seed).observation(number + 1);
            let seen = observer.after_epoch(&mut self.supernet)?;
            let text = serde_json::to_string(&seen).expect("an observation is plain data");
            write_whole(&file, &text)
                .map_err(|source| TrainingError::Observation { path: file, source })?;
        }
        self.spec.recipe.schedule.observe(&mut self.state.schedule, report.loss);
        self.state.memory = sampled.memory;
        self.state.epoch += 1;
        Ok(report)
    }

    /// The observer of the epoch with this number, from 1, if it is observed.
    fn observer(&self, epoch: u32) -> Option<Observer> {
        let recipe = &self.spec.recipe;
        let wanted = self.spec.observe > 0 && recipe.kept().contains(&epoch);
        wanted.then(|| Observer::new(epoch, self.spec.observe, recipe.steps()))
    }

    /// The networks of a step's architectures; those that make none are skipped.
    ///
    /// # Errors
    /// If a text is not an architecture.
    fn networks(&self, archs: &[String]) -> Result<Vec<(String, Graph)>, TrainingError> {
        let mut networks = Vec::with_capacity(archs.len());
        for arch in archs {
            match self.spec.network(self.source, &self.space, arch) {
                Ok(graph) => networks.push((arch.clone(), graph)),
                Err(_) => drop(self.space.parse(arch)?),
            }
        }
        Ok(networks)
    }

    /// The networks of the first step that has any.
    ///
    /// # Errors
    /// If no step has any.
    fn first_networks(&self, steps: &[Vec<String>]) -> Result<Vec<(String, Graph)>, TrainingError> {
        for archs in steps {
            let networks = self.networks(archs)?;
            if !networks.is_empty() {
                return Ok(networks);
            }
        }
        let first = steps.iter().flatten().next();
        let why = first.and_then(|arch| self.spec.network(self.source, &self.space, arch).err());
        let why = why.map(|error| format!(": {error}")).unwrap_or_default();
        Err(osee_sdk::Error::new(format!(
            "no step of epoch {} has an architecture that can be trained{why}",
            self.state.epoch + 1
        ))
        .into())
    }

    /// Batches to evaluate sub-networks with `like`'s input on during training.
    fn validation(&mut self, like: &Graph) -> Result<&[Batch], TrainingError> {
        let side = self.spec.preparation(self.source, like)?.side;
        let batches = match self.validation.entry(side) {
            Entry::Occupied(there) => there.into_mut(),
            Entry::Vacant(none) => {
                none.insert(self.spec.validation(self.source, like, self.device)?)
            }
        };
        Ok(batches)
    }

    fn first_batch(&mut self, like: &Graph) -> Result<Batch, TrainingError> {
        let first = self.validation(like)?.first().map(Batch::share);
        Ok(first.ok_or_else(|| osee_sdk::Error::new("the recipe has no validation images"))?)
    }

    /// Evaluates what the estimator wants to survey, then asks it for an epoch's
    /// samples.
    fn sample(
        &mut self,
        tell: &mut impl FnMut(Step) -> io::Result<()>,
    ) -> Result<Sampled, TrainingError> {
        let steps = self.spec.recipe.steps();
        let mut epoch = Epoch {
            number: self.state.epoch,
            epochs: self.spec.recipe.epochs,
            steps,
            seed: self.seed,
            surveyed: Vec::new(),
            memory: std::mem::take(&mut self.state.memory),
        };
        for arch in self.sampler.survey(&epoch, &self.lent)? {
            let Some((_, graph)) = self.networks(std::slice::from_ref(&arch))?.pop() else {
                continue;
            };
            let batches: Vec<Batch> = self.validation(&graph)?.iter().map(Batch::share).collect();
            let batches = self.supernet.evaluate(&graph, &batches)?;
            epoch.surveyed.push(Surveyed { arch, batches });
            let done = u64::from(epoch.number) * steps as u64;
            let of = u64::from(epoch.epochs) * steps as u64;
            tell(Step::Working { done, of, loss: f64::NAN })?;
        }
        Ok(self.sampler.sample(&epoch, &self.lent)?)
    }
}

//! Trains one supernet.

use super::{SupernetSpec, TrainingError, observer::Observer};
use crate::{
    data::{ImageSet, Preparation, Source},
    engine::{
        Batch,
        supernet::{Sgd, Supernet},
    },
};
use osee_core::{
    graph::Graph,
    one_shot::{EpochReport, Progress},
    seed::{shuffle, stream},
    store::write_whole,
};
use osee_sdk::{
    Epoch, Sampled, Surveyed,
    abi::{
        one_shot::{ForeignOneShot, LentSpace},
        space::ForeignSpace,
    },
};
use serde::{Deserialize, Serialize};
use std::{
    io,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};
use tch::Device;

/// Longest work that a kill may cost, on top of an epoch.
const BETWEEN_CHECKPOINTS: Duration = Duration::from_secs(20);
/// Time between two pieces of news.
const BETWEEN_NEWS: Duration = Duration::from_millis(500);

/// News of a training.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum Step {
    /// Within an epoch.
    Working {
        /// Steps since the training began.
        done: u64,
        /// Steps of the whole training.
        of: u64,
        /// Mean loss of the epoch so far.
        loss: f64,
    },
    /// An epoch is done, and kept if it is to be kept.
    Epoch(EpochReport),
}

/// What a checkpoint holds besides weights.
#[derive(Debug, Serialize, Deserialize)]
struct State {
    /// Epochs done.
    epoch: u32,
    schedule: Progress,
    /// The sampler's.
    memory: Vec<u8>,
}

/// A training under way.
pub struct Trainer<'a> {
    spec: &'a SupernetSpec,
    sampler: &'a ForeignOneShot,
    space: Arc<ForeignSpace>,
    lent: LentSpace,
    source: &'a Source,
    device: Device,
    run: &'a Path,
    seed: u64,
    images: ImageSet,
    preparation: Preparation,
    supernet: Supernet,
    state: State,
    validation: Option<Vec<Batch>>,
}

/// What trains, where and on what.
pub struct Place<'a> {
    /// The one-shot estimator.
    pub sampler: &'a ForeignOneShot,
    /// The search space.
    pub space: Arc<ForeignSpace>,
    /// What it declares.
    pub info: &'a osee_core::space::SpaceInfo,
    /// Where images come from.
    pub source: &'a Source,
    /// Where tensors live.
    pub device: Device,
    /// The run's directory.
    pub run: &'a Path,
}

impl<'a> Trainer<'a> {
    /// Begins the training of `spec` for a seed, or goes on with it.
    ///
    /// # Errors
    /// Images, a checkpoint or the space cannot be had.
    pub fn new(spec: &'a SupernetSpec, seed: u64, place: Place<'a>) -> Result<Self, TrainingError> {
        let Place { sampler, space, info, source, device, run } = place;
        let folder = spec.folder(run, seed);
        std::fs::create_dir_all(&folder)
            .map_err(|source| TrainingError::Folder { path: folder.clone(), source })?;
        let first = match info.size {
            Some(_) => space.architecture(0)?,
            None => space.parse(&info.example)?,
        };
        let graph = space.graph(&first, &spec.space_settings)?;
        let last = folder.join("last.safetensors");
        let (mut supernet, state) = match last.exists() {
            true => Supernet::load(&last, device)?,
            false => {
                let recipe = &spec.recipe;
                let schedule = recipe.schedule.start(recipe.learning_rate);
                let state = State { epoch: 0, schedule, memory: Vec::new() };
                (Supernet::new(&info.id, seed, recipe.init, device), state)
            }
        };
        // One option of every decision each: all parameters there are, so that
        // checkpoints have them before they are first sampled.
        let _ = supernet.parameters(&graph);
        for mutation in space.mutations(&first)? {
            let _ = supernet.parameters(&space.graph(&mutation.arch, &spec.space_settings)?);
        }
        Ok(Self {
            lent: LentSpace::new(info, Arc::clone(&space)),
            images: spec.training(source)?,
            preparation: spec.preparation(source, &graph)?,
            validation: None,
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
    /// The sampler, torch, a checkpoint, or `tell` fails.
    pub fn run(
        &mut self,
        mut tell: impl FnMut(Step) -> io::Result<()>,
    ) -> Result<(), TrainingError> {
        let kept = self.spec.recipe.kept();
        let mut saved = Instant::now();
        while self.state.epoch < self.spec.recipe.epochs {
            let report = self.epoch(&mut tell)?;
            let keep = kept.contains(&self.state.epoch);
            if keep {
                let file = self.spec.checkpoint(self.run, self.seed, self.state.epoch);
                self.supernet.save(&file, &self.state)?;
            }
            if keep || saved.elapsed() > BETWEEN_CHECKPOINTS {
                let folder = self.spec.folder(self.run, self.seed);
                self.supernet.save(&folder.join("last.safetensors"), &self.state)?;
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
        for (step, archs) in sampled.steps.iter().enumerate() {
            let positions = &order[step * recipe.batch_size..][..recipe.batch_size];
            let batch = self.images.batch(positions, &self.preparation, &mut random);
            let graphs = archs
                .iter()
                .map(|arch| self.space.graph(arch, &self.spec.space_settings))
                .collect::<osee_sdk::Result<Vec<Graph>>>()?;
            let seen = self.supernet.train(&graphs, &batch.on(self.device), &sgd)?;
            loss += seen.loss;
            accuracy += seen.accuracy;
            if let Some(observer) = observer.as_mut().filter(|it| it.wants(step)) {
                let batch = self.first_batch(&graphs[0])?;
                observer.after_step(&archs[0], &graphs[0], batch, &mut self.supernet)?;
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
            let file = self.spec.observation(self.run, self.seed, number + 1);
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

    /// Who looks at the epoch with this number, from 1, if anybody does.
    fn observer(&self, epoch: u32) -> Option<Observer> {
        let recipe = &self.spec.recipe;
        let wanted = self.spec.observe > 0 && recipe.kept().contains(&epoch);
        wanted.then(|| Observer::new(epoch, self.spec.observe, recipe.steps()))
    }

    /// Images that sub-networks are looked at with while the supernet trains.
    fn validation(&mut self, like: &Graph) -> Result<&[Batch], TrainingError> {
        if self.validation.is_none() {
            self.validation = Some(self.spec.validation(self.source, like, self.device)?);
        }
        Ok(self.validation.as_deref().unwrap_or_default())
    }

    fn first_batch(&mut self, like: &Graph) -> Result<Batch, TrainingError> {
        let first = self.validation(like)?.first().map(Batch::share);
        Ok(first.ok_or_else(|| osee_sdk::Error::new("the recipe has no validation images"))?)
    }

    /// Asks the estimator, after it has seen what it wants to see.
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
            let graph = self.space.graph(&arch, &self.spec.space_settings)?;
            self.validation(&graph)?;
            let batches = self.validation.as_deref().unwrap_or_default();
            let batches = self.supernet.evaluate(&graph, batches)?;
            epoch.surveyed.push(Surveyed { arch, batches });
            let done = u64::from(epoch.number) * steps as u64;
            let of = u64::from(epoch.epochs) * steps as u64;
            tell(Step::Working { done, of, loss: f64::NAN })?;
        }
        Ok(self.sampler.sample(&epoch, &self.lent)?)
    }
}

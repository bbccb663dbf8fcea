//! Trains one architecture alone, by the recipe: a network for each seed, side
//! by side.

use crate::{
    data::{DataError, ImageSet, Preparation, Source},
    engine::{Batch, parameters::Initialiser, standalone::Standalone, supernet::Sgd},
    stop::Stop,
};
use osee_core::{
    benchmark::{EpochFit, Fit, Training},
    graph::Graph,
    one_shot::{Recipe, Schedule},
    seed::{Stream, shuffle, stream},
};
use osee_sdk::Result;
use std::{cell::RefCell, time::Instant};
use tch::{Device, Tensor};

/// Recipe and images, for any number of networks of one space.
pub struct Trainer<'a> {
    recipe: &'a Recipe,
    stop: &'a Stop,
    space: &'a str,
    device: Device,
    images: ImageSet,
    preparation: Preparation,
    /// Training images as they are, whose statistics normalise what is judged.
    seen: Batch,
    validation: Vec<Batch>,
    test: Vec<Batch>,
}

impl<'a> Trainer<'a> {
    /// For networks of `space` with the input of `like`, until it is stopped.
    ///
    /// # Errors
    /// When images cannot be had.
    pub fn new(
        (recipe, stop): (&'a Recipe, &'a Stop),
        space: &'a str,
        source: &Source,
        like: &Graph,
        device: Device,
    ) -> std::result::Result<Self, DataError> {
        let preparation = Preparation::of(recipe, source.facts(), like.input_shape())?;
        let [training, validation] = source.split();
        let images = ImageSet::read(source, training.start..training.start + recipe.images)?;
        let size = recipe.validation_batch_size;
        let plain = |range| -> std::result::Result<Vec<Batch>, DataError> {
            let batches = ImageSet::read(source, range)?.batches(&preparation, size);
            Ok(batches.iter().map(|batch| batch.on(device)).collect())
        };
        let of_training = training.start..training.start + size.min(recipe.images);
        let of_validation = validation.start..validation.start + recipe.validation_images;
        Ok(Self {
            recipe,
            stop,
            space,
            device,
            seen: plain(of_training)?.into_iter().next().expect("a recipe has images"),
            validation: plain(of_validation)?,
            test: plain(source.test())?,
            images,
            preparation,
        })
    }

    /// Trains the network `graph` of architecture `arch` with each of `seeds`;
    /// a failure of torch or a loss that is lost is the training's. None if it
    /// was stopped in the midst of it.
    pub fn train(&self, graph: &Graph, arch: &str, seeds: &[u64]) -> Option<Vec<Training>> {
        // What lowers the rate on a plateau is a network's own loss.
        let together = match self.recipe.schedule {
            Schedule::Plateau { .. } => 1,
            Schedule::Constant | Schedule::Cosine { .. } => seeds.len().max(1),
        };
        let chunks = seeds.chunks(together).map(|seeds| self.side_by_side(graph, arch, seeds));
        chunks.collect::<Option<Vec<_>>>().map(|all| all.concat())
    }

    fn side_by_side(&self, graph: &Graph, arch: &str, seeds: &[u64]) -> Option<Vec<Training>> {
        let start = Instant::now();
        let untrained = |&seed: &u64| Training {
            arch: arch.to_owned(),
            seed,
            epochs: Vec::with_capacity(self.recipe.epochs as usize),
            test: None,
            failure: None,
            seconds: 0.0,
        };
        let mut trainings: Vec<Training> = seeds.iter().map(untrained).collect();
        match self.run(graph, arch, &mut trainings) {
            Ok(true) => {}
            Ok(false) => return None,
            Err(error) => {
                for training in &mut trainings {
                    training.failure.get_or_insert_with(|| error.to_string());
                }
            }
        }
        let seconds = start.elapsed().as_secs_f64() / seeds.len() as f64;
        trainings.iter_mut().for_each(|it| it.seconds = seconds);
        Some(trainings)
    }

    /// Whether it came to its end, and was not stopped.
    fn run(&self, graph: &Graph, arch: &str, trainings: &mut [Training]) -> Result<bool> {
        let recipe = self.recipe;
        let draw =
            |it: &Training| Initialiser::standalone(graph, recipe.init, it.seed, self.space, arch);
        let initial: Vec<Vec<Tensor>> = trainings.iter().map(draw).collect();
        let mut network = Standalone::new(graph.clone(), &initial, self.device)?;
        let seeds: Vec<u64> = trainings.iter().map(|it| it.seed).collect();
        let mut schedule = recipe.schedule.start(recipe.learning_rate);
        for epoch in 0..recipe.epochs {
            let rate = recipe.schedule.rate(recipe.learning_rate, &schedule, epoch, recipe.epochs);
            let sgd = Sgd::new(recipe, rate);
            let Some(fits) = self.epoch(&mut network, &sgd, &seeds, epoch)? else {
                return Ok(false);
            };
            recipe.schedule.observe(&mut schedule, fits[0].loss);
            let validation = self.judge(&network, &self.validation)?;
            let fits = fits.into_iter().zip(validation);
            for (it, (training, validation)) in trainings.iter_mut().zip(fits) {
                // What follows a lost loss is none, and no number to be kept.
                if it.failure.is_some() {
                    continue;
                }
                match [training.loss, validation.loss].into_iter().find(|loss| !loss.is_finite()) {
                    None => it.epochs.push(EpochFit { training, validation }),
                    Some(lost) => {
                        it.failure = Some(format!("the loss of epoch {} is {lost}", epoch + 1));
                    }
                }
            }
            if trainings.iter().all(|it| it.failure.is_some()) {
                return Ok(true);
            }
        }
        if !self.test.is_empty() {
            let fits = self.judge(&network, &self.test)?;
            let whole = trainings.iter_mut().zip(fits).filter(|(it, _)| it.failure.is_none());
            for (it, fit) in whole {
                match fit.loss.is_finite() {
                    true => it.test = Some(fit),
                    false => it.failure = Some(format!("the loss of the test is {}", fit.loss)),
                }
            }
        }
        Ok(true)
    }

    /// None if it was stopped. The images of an epoch are the same for every
    /// architecture of a seed.
    fn epoch(
        &self,
        network: &mut Standalone,
        sgd: &Sgd,
        seeds: &[u64],
        epoch: u32,
    ) -> Result<Option<Vec<Fit>>> {
        let epoch = epoch.to_string();
        let streams = |what| seeds.iter().map(move |&seed| (seed, what));
        let start = |(seed, what)| stream(seed, &["standalone", what, &epoch]);
        let mut random: Vec<Stream> = streams("images").map(start).collect();
        let dropouts: Vec<_> = streams("dropout").map(start).map(RefCell::new).collect();
        let shuffled = |random: &mut Stream| {
            let mut order: Vec<usize> = (0..self.images.len()).collect();
            shuffle(random, &mut order);
            order
        };
        let orders: Vec<Vec<usize>> = random.iter_mut().map(shuffled).collect();
        let size = self.recipe.batch_size;
        let steps = (0..self.images.len() / size).take_while(|_| !self.stop.is_set());
        let fits = steps.map(|step| {
            let batch = |(order, random): (&Vec<usize>, &mut Stream)| {
                let positions = &order[step * size..(step + 1) * size];
                self.images.batch(positions, &self.preparation, random).on(self.device)
            };
            let batches: Vec<Batch> = orders.iter().zip(&mut random).map(batch).collect();
            Ok((network.step(&batches, sgd, &dropouts)?, size))
        });
        let fits = means(fits)?;
        Ok((!self.stop.is_set()).then_some(fits))
    }

    /// Each network on `batches`.
    fn judge(&self, network: &Standalone, batches: &[Batch]) -> Result<Vec<Fit>> {
        let seen = network.statistics(&self.seen.images)?;
        let fits =
            |batch: &Batch| Ok((network.evaluate(batch, &seen)?, batch.labels.size()[0] as usize));
        means(batches.iter().map(fits))
    }
}

/// Mean over images of each network's fits of batches.
fn means(fits: impl Iterator<Item = Result<(Vec<Fit>, usize)>>) -> Result<Vec<Fit>> {
    let (mut sums, mut images) = (Vec::new(), 0);
    for fits in fits {
        let (fits, count) = fits?;
        sums.resize(fits.len(), Fit { loss: 0.0, accuracy: 0.0 });
        for (sum, fit) in sums.iter_mut().zip(fits) {
            sum.loss += fit.loss * count as f64;
            sum.accuracy += fit.accuracy * count as f64;
        }
        images += count;
    }
    let images = images as f64;
    let mean = |sum: Fit| Fit { loss: sum.loss / images, accuracy: sum.accuracy / images };
    Ok(sums.into_iter().map(mean).collect())
}

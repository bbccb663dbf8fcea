//! Trains one architecture alone by the recipe, with one network per seed, side by
//! side.

use crate::stop::Stop;
use osee_core::benchmark::{EpochFit, Training};
use osee_engine::{
    Batch,
    data::{DataError, Facts, ImageSet, Preparation, Source},
    parameters::Initialiser,
    standalone::Standalone,
    supernet::Sgd,
};
use osee_model::{
    evaluation::Fit,
    graph::Graph,
    recipe::Recipe,
    schedule::Schedule,
    seed::{Stream, shuffle, stream},
};
use osee_sdk::{Error, Result};
use std::{cell::RefCell, collections::BTreeMap, rc::Rc, time::Instant};
use tch::{Device, Tensor};

/// Recipe and images, for any number of networks of one space.
pub struct Trainer<'a> {
    recipe: &'a Recipe,
    stop: &'a Stop,
    space: &'a str,
    device: Device,
    facts: Facts,
    /// Images for training, validation and test.
    images: [ImageSet; 3],
    /// Prepared images, by their side in pixels.
    sides: RefCell<BTreeMap<usize, Rc<AtSize>>>,
}

/// Images of the size of a network's input.
struct AtSize {
    preparation: Preparation,
    /// Unaugmented training images, whose statistics normalise validation and test.
    seen: Batch,
    validation: Vec<Batch>,
    test: Vec<Batch>,
}

impl<'a> Trainer<'a> {
    /// Prepares to train networks until `stop` is set.
    ///
    /// # Errors
    /// If the images cannot be used.
    pub fn new(
        (recipe, stop): (&'a Recipe, &'a Stop),
        space: &'a str,
        source: &Source,
        device: Device,
    ) -> std::result::Result<Self, DataError> {
        let [training, validation] = source.split();
        let images = [
            ImageSet::read(source, training.start..training.start + recipe.images)?,
            ImageSet::read(source, validation.start..validation.start + recipe.validation_images)?,
            ImageSet::read(source, source.test())?,
        ];
        let (facts, sides) = (*source.facts(), RefCell::default());
        Ok(Self { recipe, stop, space, device, facts, images, sides })
    }

    /// The images of the size of this network's input, made on first use.
    fn at_size(&self, graph: &Graph) -> Result<Rc<AtSize>> {
        let preparation = Preparation::of(self.recipe, &self.facts, graph.input_shape())
            .map_err(|error| Error::new(error.to_string()))?;
        let mut sides = self.sides.borrow_mut();
        if let Some(there) = sides.get(&preparation.side) {
            return Ok(Rc::clone(there));
        }
        let size = self.recipe.validation_batch_size;
        let [training, validation, test] = &self.images;
        let plain = |images: &ImageSet| -> Vec<Batch> {
            let batches = images.batches(&preparation, size);
            batches.iter().map(|batch| batch.on(self.device)).collect()
        };
        let first: Vec<usize> = (0..size.min(training.len())).collect();
        let mut unused = stream(0, &["validation"]);
        let seen = training.batch(&first, &preparation.plain(), &mut unused).on(self.device);
        let (validation, test) = (plain(validation), plain(test));
        let sized = Rc::new(AtSize { preparation, seen, validation, test });
        sides.insert(preparation.side, Rc::clone(&sized));
        Ok(sized)
    }

    /// Trains the network `graph` of architecture `arch` with each of `seeds`. If torch
    /// fails or the loss diverges, the training has the failure. Returns `None` if it
    /// was stopped before the end.
    pub fn train(&self, graph: &Graph, arch: &str, seeds: &[u64]) -> Option<Vec<Training>> {
        // A plateau schedule lowers the rate by each network's own loss.
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

    /// Returns true if it finished, false if it was stopped.
    fn run(&self, graph: &Graph, arch: &str, trainings: &mut [Training]) -> Result<bool> {
        let recipe = self.recipe;
        let images = self.at_size(graph)?;
        let draw =
            |it: &Training| Initialiser::standalone(graph, recipe.init, it.seed, self.space, arch);
        let initial: Vec<Vec<Tensor>> = trainings.iter().map(draw).collect();
        let mut network = Standalone::new(graph.clone(), &initial, self.device)?;
        let seeds: Vec<u64> = trainings.iter().map(|it| it.seed).collect();
        let mut schedule = recipe.schedule.start(recipe.learning_rate);
        for epoch in 0..recipe.epochs {
            let rate = recipe.schedule.rate(recipe.learning_rate, &schedule, epoch, recipe.epochs);
            let sgd = Sgd::new(recipe, rate);
            let Some(fits) = self.epoch(&mut network, (&images, &sgd), &seeds, epoch)? else {
                return Ok(false);
            };
            recipe.schedule.observe(&mut schedule, fits[0].loss);
            let validation = images.judge(&network, &images.validation)?;
            let fits = fits.into_iter().zip(validation);
            for (it, (training, validation)) in trainings.iter_mut().zip(fits) {
                // After a loss has diverged there are no numbers worth keeping.
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
        if !images.test.is_empty() {
            let fits = images.judge(&network, &images.test)?;
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

    /// Returns `None` if it was stopped. The images of an epoch are the same for every
    /// architecture with the same seed.
    fn epoch(
        &self,
        network: &mut Standalone,
        (sized, sgd): (&AtSize, &Sgd),
        seeds: &[u64],
        epoch: u32,
    ) -> Result<Option<Vec<Fit>>> {
        let [images, ..] = &self.images;
        let epoch = epoch.to_string();
        let streams = |what| seeds.iter().map(move |&seed| (seed, what));
        let start = |(seed, what)| stream(seed, &["standalone", what, &epoch]);
        let mut random: Vec<Stream> = streams("images").map(start).collect();
        let dropouts: Vec<_> = streams("dropout").map(start).map(RefCell::new).collect();
        let shuffled = |random: &mut Stream| {
            let mut order: Vec<usize> = (0..images.len()).collect();
            shuffle(random, &mut order);
            order
        };
        let orders: Vec<Vec<usize>> = random.iter_mut().map(shuffled).collect();
        let size = self.recipe.batch_size;
        let steps = (0..images.len() / size).take_while(|_| !self.stop.is_set());
        let fits = steps.map(|step| {
            let batch = |(order, random): (&Vec<usize>, &mut Stream)| {
                let positions = &order[step * size..(step + 1) * size];
                images.batch(positions, &sized.preparation, random).on(self.device)
            };
            let batches: Vec<Batch> = orders.iter().zip(&mut random).map(batch).collect();
            Ok((network.step(&batches, sgd, &dropouts)?, size))
        });
        let fits = means(fits)?;
        Ok((!self.stop.is_set()).then_some(fits))
    }
}

impl AtSize {
    /// Evaluates each network on `batches`.
    fn judge(&self, network: &Standalone, batches: &[Batch]) -> Result<Vec<Fit>> {
        let seen = network.statistics(&self.seen.images)?;
        let fits =
            |batch: &Batch| Ok((network.evaluate(batch, &seen)?, batch.images.size()[0] as usize));
        means(batches.iter().map(fits))
    }
}

/// Averages each network's fits of batches, weighted by images.
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

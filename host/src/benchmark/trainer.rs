//! Trains one network alone, by the recipe.

use crate::{
    data::{DataError, ImageSet, Preparation, Source},
    engine::{Batch, parameters::Initialiser, standalone::Standalone, supernet::Sgd},
};
use osee_core::{
    benchmark::{EpochFit, Fit, Training},
    graph::Graph,
    one_shot::Recipe,
    seed::{shuffle, stream},
};
use osee_sdk::Result;
use std::{cell::RefCell, time::Instant};
use tch::Device;

/// Recipe and images, for any number of networks of one space.
pub struct Trainer<'a> {
    recipe: &'a Recipe,
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
    /// For networks of `space` with the input of `like`.
    ///
    /// # Errors
    /// When images cannot be had.
    pub fn new(
        recipe: &'a Recipe,
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
            space,
            device,
            seen: plain(of_training)?.into_iter().next().expect("a recipe has images"),
            validation: plain(of_validation)?,
            test: plain(source.test())?,
            images,
            preparation,
        })
    }

    /// Trains the network `graph` of architecture `arch`; a failure of torch
    /// or a loss that is lost is the training's.
    pub fn train(&self, graph: Graph, arch: &str, seed: u64) -> Training {
        let start = Instant::now();
        let mut training = Training {
            arch: arch.to_owned(),
            seed,
            epochs: Vec::with_capacity(self.recipe.epochs as usize),
            test: None,
            failure: None,
            seconds: 0.0,
        };
        training.failure = self.run(graph, &mut training).err().map(|error| error.to_string());
        training.seconds = start.elapsed().as_secs_f64();
        training
    }

    fn run(&self, graph: Graph, training: &mut Training) -> Result<()> {
        let recipe = self.recipe;
        let Training { arch, seed, epochs, test, .. } = training;
        let initial = Initialiser::standalone(&graph, recipe.init, *seed, self.space, arch);
        let mut network = Standalone::new(graph, &initial, self.device)?;
        let mut schedule = recipe.schedule.start(recipe.learning_rate);
        for epoch in 0..recipe.epochs {
            let rate = recipe.schedule.rate(recipe.learning_rate, &schedule, epoch, recipe.epochs);
            let fit = self.epoch(&mut network, &Sgd::new(recipe, rate), *seed, epoch)?;
            if !fit.loss.is_finite() {
                let what = format!("the loss of epoch {} is {}", epoch + 1, fit.loss);
                return Err(osee_sdk::Error::new(what));
            }
            recipe.schedule.observe(&mut schedule, fit.loss);
            let validation = self.judge(&network, &self.validation)?;
            epochs.push(EpochFit { training: fit, validation });
        }
        if !self.test.is_empty() {
            *test = Some(self.judge(&network, &self.test)?);
        }
        Ok(())
    }

    /// The images of an epoch are the same for every architecture of a seed.
    fn epoch(&self, network: &mut Standalone, sgd: &Sgd, seed: u64, epoch: u32) -> Result<Fit> {
        let epoch = epoch.to_string();
        let mut random = stream(seed, &["standalone", "images", &epoch]);
        let dropout = RefCell::new(stream(seed, &["standalone", "dropout", &epoch]));
        let mut order: Vec<usize> = (0..self.images.len()).collect();
        shuffle(&mut random, &mut order);
        let fits = order.chunks_exact(self.recipe.batch_size).map(|positions| {
            let batch = self.images.batch(positions, &self.preparation, &mut random);
            Ok((network.step(&batch.on(self.device), sgd, &dropout)?, positions.len()))
        });
        mean(fits)
    }

    fn judge(&self, network: &Standalone, batches: &[Batch]) -> Result<Fit> {
        let seen = network.statistics(&self.seen.images)?;
        let fit =
            |batch: &Batch| Ok((network.evaluate(batch, &seen)?, batch.labels.size()[0] as usize));
        mean(batches.iter().map(fit))
    }
}

/// Mean over images of the fits of batches.
fn mean(fits: impl Iterator<Item = Result<(Fit, usize)>>) -> Result<Fit> {
    let (mut loss, mut accuracy, mut images) = (0.0, 0.0, 0);
    for fit in fits {
        let (fit, count) = fit?;
        loss += fit.loss * count as f64;
        accuracy += fit.accuracy * count as f64;
        images += count;
    }
    Ok(Fit { loss: loss / images as f64, accuracy: accuracy / images as f64 })
}

//! Supernets of a run: trains them, keeps checkpoints, and evaluates sub-networks.
//!
//! Invariants: a training depends on the [`SupernetSpec`], the images and the seed;
//! every sub-network of a supernet sees the same batches; a training that is killed
//! resumes from its last checkpoint and reaches the same weights.

mod error;
mod feeder;
mod observer;
mod sub_networks;
mod trainer;

pub use error::TrainingError;
pub use sub_networks::SubNetworks;
pub use trainer::{Place, Step, Trainer};

use crate::networks::{network, suitable};
use osee_core::run_dir::{RunDir, SupernetDir};
use osee_engine::{
    Batch,
    data::{DataError, ImageSet, Preparation, Source},
};
use osee_model::{
    evaluation::Evaluation, graph::Graph, recipe::Recipe, settings::Settings, space::SpaceInfo,
};
use osee_sdk::{
    Error, Result,
    abi::kinds::{lent::LentSpace, space::ForeignSpace},
};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use tch::Device;

/// A supernet of a study, for any seed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SupernetSpec {
    /// Hash of everything that its weights depend on besides the seed.
    pub key: String,
    /// Name of the first row that trains it.
    pub name: String,
    /// Id of the one-shot estimator that samples architectures.
    pub estimator: String,
    /// Settings of that estimator; only those that change the training matter.
    pub settings: Settings,
    /// The recipe of its training.
    pub recipe: Recipe,
    /// Resolved settings of the space.
    pub space_settings: Settings,
    /// Number of architectures to observe in each epoch that is kept; 0 for none.
    pub observe: usize,
}

/// The weights that a row scores, and how it scores them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SupernetUse {
    /// Index of the supernet in the setup.
    pub supernet: usize,
    /// Epochs whose weights are averaged; 0 is before the first.
    pub epochs: Vec<u32>,
    /// How batches, checkpoints and isomorphic architectures make one score.
    pub evaluation: Evaluation,
}

impl SupernetSpec {
    /// The folder of the training with this seed, in a run.
    pub fn dir(&self, run: &RunDir, seed: u64) -> SupernetDir {
        run.supernet(&self.estimator, &self.key, seed)
    }

    /// True if the training with this seed is complete.
    pub fn is_trained(&self, run: &RunDir, seed: u64) -> bool {
        self.dir(run, seed).checkpoint(self.recipe.epochs).exists()
    }

    /// The training images.
    fn training(&self, source: &Source) -> std::result::Result<ImageSet, DataError> {
        let [training, _] = source.split();
        ImageSet::read(source, training.start..training.start + self.recipe.images)
    }

    /// The batches that sub-networks are evaluated on, of the size of `like`'s input.
    fn validation(&self, source: &Source, like: &Graph, device: Device) -> Result<Vec<Batch>> {
        let wrong = |error: DataError| Error::new(error.to_string());
        let [_, validation] = source.split();
        let end = validation.start + self.recipe.validation_images;
        let images = ImageSet::read(source, validation.start..end).map_err(wrong)?;
        let how = self.preparation(source, like).map_err(wrong)?;
        let batches = images.batches(&how, self.recipe.validation_batch_size);
        Ok(batches.iter().map(|batch| batch.on(device)).collect())
    }

    /// How training images are prepared for networks with `graph`'s input.
    fn preparation(
        &self,
        source: &Source,
        graph: &Graph,
    ) -> std::result::Result<Preparation, DataError> {
        Preparation::of(&self.recipe, source.facts(), graph.input_shape())
    }

    /// The sub-network of an architecture, checked against the images.
    ///
    /// # Errors
    /// If the architecture makes no network, or the images do not fit it.
    pub fn network(&self, source: &Source, space: &ForeignSpace, arch: &str) -> Result<Graph> {
        network(space, (arch, &self.space_settings), |graph| source.facts().fits(graph))
    }

    /// The space as its estimator sees it, restricted to architectures that have a
    /// sub-network; at most `most` different ones are checked.
    pub fn lend(
        &self,
        source: &Source,
        info: &SpaceInfo,
        space: &Arc<ForeignSpace>,
        most: usize,
    ) -> LentSpace {
        let settings = self.space_settings.clone();
        let suits = suitable(Arc::clone(space), settings, *source.facts(), most);
        LentSpace::new(info, Arc::clone(space)).with_trainable(suits)
    }
}

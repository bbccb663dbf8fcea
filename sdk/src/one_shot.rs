//! One-shot estimators (OSE): a supernet is trained on the architectures that the
//! author samples, and its sub-networks are scored on validation batches. The host
//! trains, evaluates and stores; the author decides what to sample and how to score.

use crate::{Result, document};
use osee_model::{
    estimator::EstimatorInfo,
    seed::{Stream, stream},
    settings::Settings,
    space::{Mutation, SpaceInfo},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

pub use osee_model::{
    evaluation::{BatchResult, Evaluation},
    recipe::Recipe,
    schedule::Schedule,
};

/// A one-shot estimator (OSE).
pub trait OneShot: Send + Sync + Sized + 'static {
    /// Declares the name, version, direction, settings and citation. Mark settings that
    /// do not change the training as
    /// [`judges_only`](osee_model::settings::SettingSpec::judges_only): rows that differ
    /// in nothing else share a supernet.
    fn info() -> EstimatorInfo;

    /// Creates the estimator. The host has checked `settings` against the declaration.
    ///
    /// # Errors
    /// When the settings make no sense together, or a value is unusable.
    fn new(settings: &Settings) -> Result<Self>;

    /// How to train the supernet, unless the study says otherwise.
    fn recipe(&self) -> Recipe {
        Recipe::default()
    }

    /// Which checkpoints to score, on how many batches, and which scores to average.
    fn evaluation(&self) -> Evaluation {
        Evaluation::default()
    }

    /// Architectures whose sub-networks are to be evaluated before this epoch, for
    /// [`sample`](Self::sample) to see; none by default. The same inputs must give the same
    /// answer, because a resumed run asks again. Planning a study also asks for the first
    /// epoch, so this is the place to refuse settings that do not suit the space or the
    /// number of epochs before anything is trained. Architectures that are not
    /// [trainable](Space::trainable) are not evaluated.
    ///
    /// # Errors
    /// Whatever keeps it from choosing; ends the training, or refuses the
    /// study.
    fn survey(&self, _epoch: &Epoch, _space: &Space) -> Result<Vec<String>> {
        Ok(Vec::new())
    }

    /// The architectures that each step of an epoch trains; a step averages the gradient
    /// over its own. The same inputs must give the same answer. Architectures that make no
    /// network are skipped, so ask [`Space::trainable`] first. A step with nothing else
    /// trains those of the step before it again.
    ///
    /// # Errors
    /// Whatever keeps it from sampling; ends the training.
    fn sample(&self, epoch: &Epoch, space: &Space) -> Result<Sampled>;

    /// Scores a sub-network from its validation batches.
    ///
    /// # Errors
    /// Whatever keeps the score from being computed; stored as a failure.
    fn score(&self, batches: &[BatchResult]) -> Result<f64>;
}

/// An epoch that is about to begin.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Epoch {
    /// Index of the epoch, from 0.
    pub number: u32,
    /// Number of epochs of the whole training.
    pub epochs: u32,
    /// Number of steps in each epoch.
    pub steps: usize,
    /// Seed of this training.
    pub seed: u64,
    /// Results of the surveyed architectures that could be evaluated, in
    /// [`survey`](OneShot::survey)'s order.
    pub surveyed: Vec<Surveyed>,
    /// The [`Sampled::memory`] of the epoch before; empty if there is none.
    pub memory: Vec<u8>,
}

/// A sub-network evaluated with the present weights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Surveyed {
    /// The architecture, in the space's notation.
    pub arch: String,
    /// Results on each validation batch.
    pub batches: Vec<BatchResult>,
}

impl Epoch {
    /// Random numbers of this epoch for `purpose`; the same on every call.
    pub fn random(&self, purpose: &str) -> Stream {
        stream(self.seed, &["sample", purpose, &self.number.to_string()])
    }

    /// What the epoch before passed to [`Sampled::remembering`]; `None` if nothing.
    ///
    /// # Errors
    /// When it was a value of another type.
    pub fn recall<T: DeserializeOwned>(&self) -> Result<Option<T>> {
        match self.memory.as_slice() {
            [] => Ok(None),
            bytes => document::decode(bytes).map(Some),
        }
    }
}

/// The architectures that the steps of one epoch train.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Sampled {
    /// One list of architectures per step, none of them empty.
    pub steps: Vec<Vec<String>>,
    /// Bytes for the next epoch's [`Epoch::memory`]; stored in checkpoints.
    pub memory: Vec<u8>,
}

impl Sampled {
    /// Steps without memory for the next epoch.
    pub fn new(steps: Vec<Vec<String>>) -> Self {
        Self { steps, memory: Vec::new() }
    }

    /// Adds a value that the next epoch gets from [`Epoch::recall`].
    #[must_use]
    pub fn remembering(self, memory: &impl Serialize) -> Self {
        Self { memory: document::encode(memory), ..self }
    }
}

/// The functions behind a [`Space`], which documents them.
pub trait SpaceFunctions {
    #[allow(missing_docs)]
    fn architecture(&self, index: u64) -> Result<String>;
    #[allow(missing_docs)]
    fn canonical(&self, arch: &str) -> Result<String>;
    #[allow(missing_docs)]
    fn mutations(&self, arch: &str) -> Result<Vec<Mutation>>;
    #[allow(missing_docs)]
    fn trainable(&self, arch: &str) -> Result<bool>;
}

/// The search space that a supernet is trained on. Architectures are strings
/// in its own notation.
pub struct Space {
    info: SpaceInfo,
    functions: Box<dyn SpaceFunctions>,
}

impl Space {
    pub(crate) fn new(info: SpaceInfo, functions: impl SpaceFunctions + 'static) -> Self {
        Self { info, functions: Box::new(functions) }
    }

    /// The declaration of the space.
    pub fn info(&self) -> &SpaceInfo {
        &self.info
    }

    /// Number of architectures.
    ///
    /// # Errors
    /// When the space cannot be enumerated.
    pub fn size(&self) -> Result<u64> {
        let missing = || crate::Error::new("this search space cannot be enumerated");
        self.info.size.ok_or_else(missing)
    }

    /// See [`SearchSpace::architecture`](crate::SearchSpace::architecture).
    ///
    /// # Errors
    /// When the index is out of range.
    pub fn architecture(&self, index: u64) -> Result<String> {
        self.functions.architecture(index)
    }

    /// See [`SearchSpace::canonical`](crate::SearchSpace::canonical).
    ///
    /// # Errors
    /// When the architecture is malformed.
    pub fn canonical(&self, arch: &str) -> Result<String> {
        self.functions.canonical(arch)
    }

    /// See [`SearchSpace::mutations`](crate::SearchSpace::mutations).
    ///
    /// # Errors
    /// When the architecture is malformed.
    pub fn mutations(&self, arch: &str) -> Result<Vec<Mutation>> {
        self.functions.mutations(arch)
    }

    /// See [`SearchSpace::trainable`](crate::SearchSpace::trainable). Also false for an
    /// architecture that makes no network, or one that does not fit the images of the
    /// training.
    ///
    /// # Errors
    /// When the architecture is malformed.
    pub fn trainable(&self, arch: &str) -> Result<bool> {
        self.functions.trainable(arch)
    }
}

impl std::fmt::Debug for Space {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Space").field(&self.info.id).finish()
    }
}

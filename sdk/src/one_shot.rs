//! One-shot estimators (OSE): a supernet is trained on the architectures that
//! the author samples, and its sub-networks are judged by how they do on
//! validation batches. The host trains, evaluates and keeps; the author
//! decides.

use crate::{
    Result,
    abi::{document, kinds::space::ForeignSpace},
};
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
    /// Name, version, direction, settings, citation. Settings that do not
    /// change the training are marked
    /// [`judges_only`](osee_model::settings::SettingSpec::judges_only): rows
    /// that differ in nothing else share a supernet.
    fn info() -> EstimatorInfo;

    /// The estimator with these settings, which fit its declaration.
    ///
    /// # Errors
    /// When a value makes no sense.
    fn new(settings: &Settings) -> Result<Self>;

    /// How the supernet is trained, where the study does not say otherwise.
    fn recipe(&self) -> Recipe {
        Recipe::default()
    }

    /// Which weights are looked at, and whose scores are taken together.
    fn evaluation(&self) -> Evaluation {
        Evaluation::default()
    }

    /// Architectures whose sub-networks [`sample`](Self::sample) wants to see
    /// evaluated before this epoch; none by default. Same inputs, same answer:
    /// a resumed run asks again. A study that is planned asks for the first
    /// epoch, too, so settings that this space or so many epochs do not allow
    /// are best refused there, before anything is trained. What is not
    /// [trainable](Space::trainable) is not evaluated.
    ///
    /// # Errors
    /// Whatever keeps it from choosing; ends the training, or refuses the
    /// study.
    fn survey(&self, _epoch: &Epoch, _space: &Space) -> Result<Vec<String>> {
        Ok(Vec::new())
    }

    /// The architectures that each step of an epoch trains, one gradient
    /// averaged over each step's. Same inputs, same answer. What makes no
    /// network is passed over; ask [`Space::trainable`] first. A step of nothing
    /// else trains again what the step before it did.
    ///
    /// # Errors
    /// Whatever keeps it from sampling; ends the training.
    fn sample(&self, epoch: &Epoch, space: &Space) -> Result<Sampled>;

    /// The score of a sub-network from its validation batches.
    ///
    /// # Errors
    /// Whatever keeps it from being computed; becomes a failure row.
    fn score(&self, batches: &[BatchResult]) -> Result<f64>;
}

/// An epoch that is about to begin.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Epoch {
    /// Its number, from 0.
    pub number: u32,
    /// Epochs of the whole training.
    pub epochs: u32,
    /// Steps in each.
    pub steps: usize,
    /// Seed of the training.
    pub seed: u64,
    /// What [`survey`](OneShot::survey) asked for and can be evaluated, in its order.
    pub surveyed: Vec<Surveyed>,
    /// What the last epoch's [`Sampled`] left, as bytes.
    pub memory: Vec<u8>,
}

/// A sub-network on the present weights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Surveyed {
    /// The architecture.
    pub arch: String,
    /// Its validation batches.
    pub batches: Vec<BatchResult>,
}

impl Epoch {
    /// Random numbers of this epoch for a purpose; always the same.
    pub fn random(&self, purpose: &str) -> Stream {
        stream(self.seed, &["sample", purpose, &self.number.to_string()])
    }

    /// What the epoch before left by [`Sampled::remembering`].
    ///
    /// # Errors
    /// When it left something else.
    pub fn recall<T: DeserializeOwned>(&self) -> Result<Option<T>> {
        match self.memory.as_slice() {
            [] => Ok(None),
            bytes => document::decode(bytes).map(Some),
        }
    }
}

/// An epoch's architectures.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Sampled {
    /// One list per step, none of them empty.
    pub steps: Vec<Vec<String>>,
    /// For the next epoch; part of checkpoints.
    pub memory: Vec<u8>,
}

impl Sampled {
    /// Without memory.
    pub fn new(steps: Vec<Vec<String>>) -> Self {
        Self { steps, memory: Vec::new() }
    }

    /// With something for the next epoch's [`Epoch::recall`].
    #[must_use]
    pub fn remembering(self, memory: &impl Serialize) -> Self {
        Self { memory: document::encode(memory), ..self }
    }
}

/// The search space that a supernet is trained on. Architectures are strings
/// in its own notation.
pub struct Space {
    info: SpaceInfo,
    functions: ForeignSpace,
}

impl Space {
    pub(crate) fn new(info: SpaceInfo, functions: ForeignSpace) -> Self {
        Self { info, functions }
    }

    /// What it declares.
    pub fn info(&self) -> &SpaceInfo {
        &self.info
    }

    /// Number of architectures.
    ///
    /// # Errors
    /// When they cannot be numbered.
    pub fn size(&self) -> Result<u64> {
        let missing = || crate::Error::new("this search space cannot be enumerated");
        self.info.size.ok_or_else(missing)
    }

    /// See [`SearchSpace::architecture`](crate::SearchSpace::architecture).
    ///
    /// # Errors
    /// When the number is out of range.
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

    /// See [`SearchSpace::trainable`](crate::SearchSpace::trainable). An
    /// architecture that makes no network, or none for the images at hand, is not
    /// trainable either.
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

//! The traits that a plugin author implements. [`OneShot`](crate::OneShot) has a
//! file of its own.

use crate::{Network, Result};
use osee_model::{
    estimator::EstimatorInfo,
    graph::Graph,
    seed::{Stream, stream},
    settings::Settings,
    space::{Counts, Mutation, SpaceInfo},
};
use std::{fmt::Display, str::FromStr};

/// A zero-shot estimator (ZSE): scores an untrained network on one batch of images.
pub trait ZeroShot: Send + Sync + Sized + 'static {
    /// Declares the name, version, direction, settings and citation.
    fn info() -> EstimatorInfo;

    /// Creates the estimator. The host has checked `settings` against the declaration.
    ///
    /// # Errors
    /// When the settings make no sense together, or a value is unusable.
    fn new(settings: &Settings) -> Result<Self>;

    /// Scores one network on one batch.
    ///
    /// # Errors
    /// Whatever keeps the score from being computed; it is stored as the failure of this
    /// network. So is an `Ok` that is NaN or infinite.
    fn score(&self, network: &Network) -> Result<f64>;
}

/// A baseline: scores the graph alone, without images or weights.
pub trait Baseline: Send + Sync + Sized + 'static {
    /// Declares the name, version, direction, settings and citation.
    fn info() -> EstimatorInfo;

    /// Creates the estimator. The host has checked `settings` against the declaration.
    ///
    /// # Errors
    /// When the settings make no sense together, or a value is unusable.
    fn new(settings: &Settings) -> Result<Self>;

    /// Scores one graph.
    ///
    /// # Errors
    /// Whatever keeps the score from being computed; stored as a failure.
    fn score(&self, graph: &Graph) -> Result<f64>;
}

/// Other estimators' scores of the same architectures, with signs changed where needed
/// so that higher is better. A failure is NaN.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Population {
    /// The architectures, in the order of the study.
    pub architectures: Vec<String>,
    /// Names of the rows, in the order of [`Meta::needs`].
    pub estimators: Vec<String>,
    /// One column per entry of `estimators`, with one score per architecture.
    pub columns: Vec<Vec<f64>>,
    /// The first seed of the study.
    #[serde(default)]
    pub seed: u64,
}

impl Population {
    /// Random numbers for `purpose`. The stream depends only on the purpose, the seed, the
    /// architectures and the estimators; [`model::seed`](osee_model::seed) has functions
    /// that draw from it.
    pub fn random(&self, purpose: &str) -> Stream {
        let named = self.architectures.iter().chain(&self.estimators).map(String::as_str);
        let path: Vec<&str> = ["population", purpose].into_iter().chain(named).collect();
        stream(self.seed, &path)
    }
}

/// A meta estimator: scores architectures by the scores of other estimators.
pub trait Meta: Send + Sync + Sized + 'static {
    /// Declares the name, version, direction, settings and citation.
    fn info() -> EstimatorInfo;

    /// Creates the estimator. The host has checked `settings` against the declaration.
    ///
    /// # Errors
    /// When the settings make no sense together, or a value is unusable.
    fn new(settings: &Settings) -> Result<Self>;

    /// Names of the rows whose scores it needs. They may belong to meta estimators,
    /// unless those need this one in turn.
    fn needs(&self) -> Vec<String>;

    /// Returns one score per architecture of the population, in its order. Any other
    /// number of scores is a failure for all of them. NaN where an expert has no score is
    /// stored as an undefined score, which names the expert; elsewhere, and infinity, as
    /// one that is not finite.
    ///
    /// # Errors
    /// Whatever keeps the scores from being computed.
    fn scores(&self, population: &Population) -> Result<Vec<f64>>;
}

/// A search space: turns an architecture into a graph.
pub trait SearchSpace: Send + Sync + Sized + 'static {
    /// An architecture, parsed from and printed in the usual notation of its benchmark.
    type Arch: FromStr<Err = crate::Error> + Display;

    /// Declares the name, version, settings, size and truth columns.
    fn info() -> SpaceInfo;

    /// Creates the space. It has no settings of its own: [`graph`](Self::graph) takes them.
    fn new() -> Self;

    /// The architecture with this index, in `0..size`. Different indices give different
    /// architectures. Each prints as one line of at most 64 KiB.
    ///
    /// # Errors
    /// When the index is out of range.
    fn architecture(&self, index: u64) -> Result<Self::Arch>;

    /// A string of at most 64 KiB that is equal for two architectures exactly if they are
    /// isomorphic.
    fn canonical(&self, arch: &Self::Arch) -> String;

    /// Every architecture that differs from `arch` in exactly one decision: one for each
    /// other value of each decision, at most 100,000 in all.
    fn mutations(&self, arch: &Self::Arch) -> Vec<Mutation>;

    /// True if training a supernet on `arch` makes sense. Samplers skip the other
    /// architectures.
    fn trainable(&self, _arch: &Self::Arch) -> bool {
        true
    }

    /// Parameters and FLOPs as the space's benchmark counts them. The default counts
    /// those of [`graph`](Self::graph) under the default settings.
    ///
    /// # Errors
    /// When the architecture makes no network.
    fn benchmark_counts(&self, arch: &Self::Arch) -> Result<Counts> {
        Ok(self.graph(arch, &Self::info().defaults())?.cost().into())
    }

    /// The network of `arch`. The host has checked `settings` against the declaration;
    /// [`bounds`](osee_model::graph::bounds) says how large the network may be.
    ///
    /// # Errors
    /// When the settings make no network.
    fn graph(&self, arch: &Self::Arch, settings: &Settings) -> Result<Graph>;
}

#[cfg(test)]
mod tests {
    use super::*;
    use osee_model::seed::unit;

    #[test]
    fn a_population_has_random_numbers_of_its_own() {
        let population = |archs: &[&str]| Population {
            architectures: archs.iter().map(|arch| (*arch).to_owned()).collect(),
            ..Population::default()
        };
        let draw = |archs: &[&str], purpose| unit(&mut population(archs).random(purpose));
        assert_eq!(draw(&["a", "b"], "ties"), draw(&["a", "b"], "ties"));
        assert_ne!(draw(&["a", "b"], "ties"), draw(&["a", "c"], "ties"));
        assert_ne!(draw(&["a", "b"], "ties"), draw(&["a", "b"], "order"));
        let seeded = |seed| unit(&mut Population { seed, ..population(&["a"]) }.random("ties"));
        assert_eq!(seeded(0), draw(&["a"], "ties"));
        assert_ne!(seeded(0), seeded(1));
    }
}

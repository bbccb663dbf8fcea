//! The traits an author implements; [`OneShot`](crate::OneShot) stands in a
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

/// A zero-shot estimator (ZSE): judges an untrained network by a batch.
pub trait ZeroShot: Send + Sync + Sized + 'static {
    /// Name, version, direction, settings, citation.
    fn info() -> EstimatorInfo;

    /// The estimator with these settings, which fit its declaration.
    ///
    /// # Errors
    /// When a value makes no sense, such as a negative count.
    fn new(settings: &Settings) -> Result<Self>;

    /// The score of one network on one batch.
    ///
    /// # Errors
    /// Whatever keeps it from being computed; becomes a failure row. A
    /// non-finite `Ok` becomes one, too.
    fn score(&self, network: &Network) -> Result<f64>;
}

/// A baseline: judges the graph alone.
pub trait Baseline: Send + Sync + Sized + 'static {
    /// Name, version, direction, settings, citation.
    fn info() -> EstimatorInfo;

    /// The estimator with these settings.
    ///
    /// # Errors
    /// When a value makes no sense.
    fn new(settings: &Settings) -> Result<Self>;

    /// The score of one graph.
    ///
    /// # Errors
    /// Whatever keeps it from being computed.
    fn score(&self, graph: &Graph) -> Result<f64>;
}

/// Other estimators' scores of one population of architectures, oriented so
/// that higher is better, failures as NaN.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Population {
    /// The architectures, in the study's order.
    pub architectures: Vec<String>,
    /// Estimator names, in the order the meta estimator asked for.
    pub estimators: Vec<String>,
    /// One column per estimator, one score per architecture.
    pub columns: Vec<Vec<f64>>,
    /// The study's first seed.
    #[serde(default)]
    pub seed: u64,
}

impl Population {
    /// Random numbers for a purpose, always the same for this seed, these
    /// architectures and estimators; [`model::seed`](osee_model::seed) has functions
    /// that draw from them.
    pub fn random(&self, purpose: &str) -> Stream {
        let named = self.architectures.iter().chain(&self.estimators).map(String::as_str);
        let path: Vec<&str> = ["population", purpose].into_iter().chain(named).collect();
        stream(self.seed, &path)
    }
}

/// A meta estimator: judges by what other estimators say.
pub trait Meta: Send + Sync + Sized + 'static {
    /// Name, version, direction, settings, citation.
    fn info() -> EstimatorInfo;

    /// The estimator with these settings.
    ///
    /// # Errors
    /// When a value makes no sense.
    fn new(settings: &Settings) -> Result<Self>;

    /// The estimators whose columns it needs, by name of their rows. They may be
    /// meta estimators, unless those need this one in turn.
    fn needs(&self) -> Vec<String>;

    /// One score per architecture of the population, in its order; another
    /// number of scores is a failure of all of them.
    ///
    /// # Errors
    /// Whatever keeps them from being computed.
    fn scores(&self, population: &Population) -> Result<Vec<f64>>;
}

/// A search space: turns an architecture into a graph.
pub trait SearchSpace: Send + Sync + Sized + 'static {
    /// An architecture; read and printed in the field's own notation.
    type Arch: FromStr<Err = crate::Error> + Display;

    /// Name, version, settings, size, truth columns.
    fn info() -> SpaceInfo;

    /// The space itself.
    fn new() -> Self;

    /// The architecture with this number, `0..size`; each number has another,
    /// which is one line of at most 64 KiB.
    ///
    /// # Errors
    /// When the number is out of range.
    fn architecture(&self, index: u64) -> Result<Self::Arch>;

    /// A string that isomorphic architectures share, and only they, of at most
    /// 64 KiB.
    fn canonical(&self, arch: &Self::Arch) -> String;

    /// Every architecture that differs in one decision: for each decision and
    /// each other value of it one, at most 100,000 in all.
    fn mutations(&self, arch: &Self::Arch) -> Vec<Mutation>;

    /// Whether it makes sense to train a supernet on `arch`; samplers pass
    /// over others.
    fn trainable(&self, _arch: &Self::Arch) -> bool {
        true
    }

    /// Parameters and FLOPs as the space's benchmark counts them. By default
    /// those of [`graph`](Self::graph) under the default settings.
    ///
    /// # Errors
    /// When there is no network.
    fn benchmark_counts(&self, arch: &Self::Arch) -> Result<Counts> {
        Ok(self.graph(arch, &Self::info().defaults())?.cost().into())
    }

    /// The network of `arch` under `settings`, which fit the declaration; how
    /// large it may be is in [`bounds`](osee_model::graph::bounds).
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

//! Tools for testing plugins: a network whose measurements are given, and the
//! same calls natively, through the boundary's tables, and through a library.
//!
//! ```
//! use osee_sdk::{prelude::*, testkit::{self, FixedNetwork}};
//! # struct LossAtStart;
//! # impl ZeroShot for LossAtStart {
//! #     fn info() -> EstimatorInfo {
//! #         EstimatorInfo::new("loss", "1", EstimatorKind::ZeroShot)
//! #     }
//! #     fn new(_: &Settings) -> Result<Self> { Ok(Self) }
//! #     fn score(&self, network: &Network) -> Result<f64> { network.loss() }
//! # }
//! let network = FixedNetwork::new(testkit::small_graph())
//!     .with(osee_sdk::Measurement::Loss, vec![Tensor::from(2.5f64)]);
//! assert_eq!(testkit::score::<LossAtStart>(&network), Ok(2.5));
//! assert_eq!(testkit::score_through_tables::<LossAtStart>(&network), Ok(2.5));
//! ```

mod notation;
mod small_space;

pub use notation::notation;
pub use small_space::{Pair, SmallSpace, small_space};

use crate::{
    Error, ExportInfo, Measurement, Network, Population, Result, SearchSpace, ZeroShot,
    abi::{
        document, glue,
        network::{HostNetwork, NetworkHandle},
        one_shot::{ForeignOneShot, LentSpace},
        root::{Foreign, ForeignPlugin, ForeignZeroShot},
        space::ForeignSpace,
    },
};
use osee_model::{
    graph::{ConvSpec, Graph, GraphBuilder, Shape},
    settings::Settings,
};
use std::{collections::HashMap, path::Path, rc::Rc, sync::Arc};
use tch::Tensor;

/// A network that answers with the tensors it was given, and fails for
/// measurements it was not.
#[derive(Debug, Clone)]
pub struct FixedNetwork(Rc<Fixed>);

#[derive(Debug)]
struct Fixed {
    graph: Graph,
    answers: HashMap<Measurement, Vec<Tensor>>,
}

impl FixedNetwork {
    /// A network of this graph that knows no measurement yet.
    pub fn new(graph: Graph) -> Self {
        Self(Rc::new(Fixed { graph, answers: HashMap::new() }))
    }

    /// With the answer to one measurement.
    ///
    /// # Panics
    /// When the network is already in use.
    #[must_use]
    pub fn with(mut self, what: Measurement, tensors: Vec<Tensor>) -> Self {
        let fixed = Rc::get_mut(&mut self.0).expect("answers are given before the network is used");
        fixed.answers.insert(what, tensors);
        self
    }

    fn handle(&self) -> NetworkHandle {
        NetworkHandle::lend(self.clone())
    }
}

impl HostNetwork for FixedNetwork {
    fn graph_document(&self) -> Vec<u8> {
        document::encode(&self.0.graph)
    }

    fn measure(&self, what: Measurement) -> Result<Vec<Tensor>> {
        match self.0.answers.get(&what) {
            Some(tensors) => Ok(tensors.iter().map(Tensor::shallow_clone).collect()),
            None if what == Measurement::Seed => Ok(vec![Tensor::from(0i64)]),
            None => Err(Error::new(format!("this test gave no {}", what.name()))),
        }
    }

    fn forward(&self, _: &Tensor) -> Result<Tensor> {
        Err(Error::new("a fixed network has no forward pass"))
    }

    fn cancelled(&self) -> bool {
        false
    }
}

/// A convolution, global pooling and a classifier: 3 x 8 x 8 to 4 classes.
pub fn small_graph() -> Graph {
    let mut g = GraphBuilder::new(Shape::square(3, 8));
    let x = g.conv("conv", g.input(), ConvSpec::same(2, 3));
    let x = g.global_avg_pool(x);
    let x = g.linear("classifier", x, 4);
    g.finish(x).expect("the shapes fit")
}

/// The estimator's defaults.
pub fn defaults<T: ZeroShot>() -> Settings {
    Settings::defaults(&T::info().settings)
}

/// The score with default settings, called as plain Rust.
///
/// # Errors
/// The estimator's.
pub fn score<T: ZeroShot>(network: &FixedNetwork) -> Result<f64> {
    T::new(&defaults::<T>())?.score(&Network::from_handle(network.handle())?)
}

/// The same through the tables and the panic guard, within this library.
///
/// # Errors
/// The estimator's, or its panic.
pub fn score_through_tables<T: ZeroShot>(network: &FixedNetwork) -> Result<f64> {
    ForeignZeroShot::from_instance(glue::zero_shot(T::new(&defaults::<T>())?))?
        .score(network.handle())
}

/// The same through a built library, whose header the caller trusts.
///
/// # Errors
/// When it cannot be loaded, exports no such zero-shot estimator, or that
/// fails.
pub fn score_through_library(path: &Path, id: &str, network: &FixedNetwork) -> Result<f64> {
    match create(path, id)? {
        Foreign::ZeroShot(estimator) => estimator.score(network.handle()),
        _ => Err(Error::new(format!("`{id}` is no zero-shot estimator"))),
    }
}

/// The score of a built library's baseline with default settings.
///
/// # Errors
/// When it cannot be loaded, exports no such baseline, or that fails.
pub fn baseline_through_library(path: &Path, id: &str, graph: &Graph) -> Result<f64> {
    match create(path, id)? {
        Foreign::Baseline(baseline) => baseline.score(graph),
        _ => Err(Error::new(format!("`{id}` is no baseline"))),
    }
}

/// The scores of a built library's meta estimator with default settings.
///
/// # Errors
/// When it cannot be loaded, exports no such meta estimator, or that fails.
pub fn meta_through_library(path: &Path, id: &str, population: &Population) -> Result<Vec<f64>> {
    match create(path, id)? {
        Foreign::Meta(meta) => meta.scores(population),
        _ => Err(Error::new(format!("`{id}` is no meta estimator"))),
    }
}

/// A built library's one-shot estimator with default settings.
///
/// # Errors
/// When it cannot be loaded, or exports no such one-shot estimator.
pub fn one_shot_of_library(path: &Path, id: &str) -> Result<ForeignOneShot> {
    match create(path, id)? {
        Foreign::OneShot(one_shot) => Ok(one_shot),
        _ => Err(Error::new(format!("`{id}` is no one-shot estimator"))),
    }
}

/// This crate's space, to be lent to [`one_shot_of_library`].
///
/// # Errors
/// Never; the tables of the boundary say so.
pub fn lent_space<T: SearchSpace>() -> Result<LentSpace> {
    let functions = ForeignSpace::from_instance(glue::space(T::new()), &T::info().id)?;
    Ok(LentSpace::new(&T::info(), Arc::new(functions)))
}

/// A built library's search space as a one-shot estimator is lent it.
///
/// # Errors
/// When it cannot be loaded, or exports no such space.
pub fn lent_space_of_library(path: &Path, id: &str) -> Result<LentSpace> {
    let exports = ForeignPlugin::load(path, path).map_err(Error::new)?.exports()?;
    let info = exports.iter().find_map(|export| match export {
        ExportInfo::Space(info) if info.id == id => Some(info),
        _ => None,
    });
    let info = info.ok_or_else(|| Error::new(format!("there is no search space `{id}`")))?;
    Ok(LentSpace::new(info, Arc::new(space_of_library(path, id)?)))
}

/// A built library's search space.
///
/// # Errors
/// When it cannot be loaded, or exports no such space.
pub fn space_of_library(path: &Path, id: &str) -> Result<ForeignSpace> {
    match create(path, id)? {
        Foreign::Space(space) => Ok(space),
        _ => Err(Error::new(format!("`{id}` is no search space"))),
    }
}

/// An export of a built library, with default settings.
fn create(path: &Path, id: &str) -> Result<Foreign> {
    let plugin = ForeignPlugin::load(path, path).map_err(Error::new)?;
    let exports = plugin.exports()?;
    let settings = exports.iter().find_map(|export| match export {
        ExportInfo::Estimator(info) if info.id == id => Some(&info.settings),
        _ => None,
    });
    plugin.create(id, &settings.map(|specs| Settings::defaults(specs)).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use osee_model::estimator::{EstimatorInfo, EstimatorKind, FailureKind};

    struct Loss;
    impl ZeroShot for Loss {
        fn info() -> EstimatorInfo {
            EstimatorInfo::new("loss", "1", EstimatorKind::ZeroShot)
        }
        fn new(_: &Settings) -> Result<Self> {
            Ok(Self)
        }
        fn score(&self, network: &Network) -> Result<f64> {
            network.loss()
        }
    }

    struct Panics;
    impl ZeroShot for Panics {
        fn info() -> EstimatorInfo {
            EstimatorInfo::new("panics", "1", EstimatorKind::ZeroShot)
        }
        fn new(_: &Settings) -> Result<Self> {
            Ok(Self)
        }
        fn score(&self, _: &Network) -> Result<f64> {
            panic!("out of ideas")
        }
    }

    #[test]
    fn an_error_of_the_host_reaches_the_caller_unchanged() {
        let network = FixedNetwork::new(small_graph());
        let native = score::<Loss>(&network);
        assert_eq!(native, Err(Error::new("this test gave no loss")));
        assert_eq!(score_through_tables::<Loss>(&network), native);
    }

    #[test]
    fn a_panic_becomes_a_failure_with_its_words() {
        let network = FixedNetwork::new(small_graph());
        let error = score_through_tables::<Panics>(&network).unwrap_err();
        assert_eq!(error.failure().kind, FailureKind::Panic);
        // And the next call is served.
        assert!(score_through_tables::<Panics>(&network).is_err());
    }
}

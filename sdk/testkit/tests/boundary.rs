//! What authors write, called natively and through the tables of the boundary.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use osee_model::estimator::FailureKind;
use osee_sdk::{
    Measurement,
    abi::{
        graph::LentGraph,
        kinds::{
            network::{HostNetwork, NetworkHandle},
            space::ForeignSpace,
        },
    },
    prelude::*,
};
use osee_testkit::{FixedNetwork, Library, SmallSpace, small_graph, small_space};
use std::{cell::Cell, rc::Rc};

osee_sdk::export! {
    zero_shot: Loss, Panics;
    baseline: Params;
    meta: First;
    one_shot: Uniform;
    space: SmallSpace
}

struct Loss;

impl ZeroShot for Loss {
    fn info() -> EstimatorInfo {
        EstimatorInfo::new("loss", "1")
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
        EstimatorInfo::new("panics", "1")
    }
    fn new(_: &Settings) -> Result<Self> {
        Ok(Self)
    }
    fn score(&self, _: &Network) -> Result<f64> {
        panic!("out of ideas")
    }
}

/// A baseline with the same id as the space, and a setting of its own.
struct Params {
    scale: f64,
}

impl Baseline for Params {
    fn info() -> EstimatorInfo {
        EstimatorInfo::new("small", "1").setting(SettingSpec::new("scale", 2.0, "").above(0.0))
    }
    fn new(settings: &Settings) -> Result<Self> {
        Ok(Self { scale: settings.get("scale")? })
    }
    fn score(&self, graph: &Graph) -> Result<f64> {
        Ok(self.scale * graph.cost().params as f64)
    }
}

struct First;

impl Meta for First {
    fn info() -> EstimatorInfo {
        EstimatorInfo::new("first", "1")
    }
    fn new(_: &Settings) -> Result<Self> {
        Ok(Self)
    }
    fn needs(&self) -> Vec<String> {
        vec!["loss".to_owned()]
    }
    fn scores(&self, population: &Population) -> Result<Vec<f64>> {
        Ok(population.columns[0].clone())
    }
}

struct Uniform;

impl OneShot for Uniform {
    fn info() -> EstimatorInfo {
        EstimatorInfo::new("uniform", "1")
    }
    fn new(_: &Settings) -> Result<Self> {
        Ok(Self)
    }
    fn sample(&self, epoch: &Epoch, space: &Space) -> Result<Sampled> {
        let arch = |step| Ok(vec![space.architecture(step as u64)?]);
        Ok(Sampled::new((0..epoch.steps).map(arch).collect::<Result<_>>()?))
    }
    fn score(&self, batches: &[BatchResult]) -> Result<f64> {
        Ok(batches.iter().map(BatchResult::accuracy).sum())
    }
}

#[test]
fn a_score_is_the_same_natively_and_through_tables() {
    let network =
        FixedNetwork::new(small_graph()).with(Measurement::Loss, vec![Tensor::from(2.5f64)]);
    assert_eq!(Loss.score(&network.view()), Ok(2.5));
    let library = Library::here();
    assert_eq!(library.zero_shot("loss").unwrap().score(&network), Ok(2.5));
    let population = Population { columns: vec![vec![1.0]], ..Population::default() };
    let population = Population { architectures: vec!["a".to_owned()], ..population };
    assert_eq!(library.meta("first").unwrap().scores(&population), First.scores(&population));
    let (epoch, lent) = (Epoch { steps: 3, ..Epoch::default() }, small_space());
    let native = Uniform.sample(&epoch, &lent.view().unwrap());
    assert_eq!(library.one_shot("uniform").unwrap().sample(&epoch, &lent), native);
}

#[test]
fn a_space_and_an_estimator_of_one_library_may_have_one_id() {
    let library = Library::here();
    let graph = small_graph();
    let own = Params::new(&Params::info().defaults()).unwrap().score(&graph);
    assert_eq!(library.baseline("small").unwrap().score(&graph.into()), own);
    assert_eq!(
        library.space("small").unwrap().architecture(80).unwrap(),
        "conv3>conv3>conv3>conv3"
    );
    // The kind in the message is that of the export, even if another kind has the same id.
    let said = library.zero_shot("small").err().unwrap().to_string();
    assert!(said.contains("there is no zero-shot estimator `small`"), "{said}");
}

#[test]
fn an_error_of_the_host_reaches_the_caller_unchanged() {
    let network = FixedNetwork::new(small_graph());
    let native = Loss.score(&network.view());
    assert_eq!(native, Err(Error::new("this test gave no loss")));
    assert_eq!(Library::here().zero_shot("loss").unwrap().score(&network), native);
}

#[test]
fn a_panic_becomes_a_failure_with_its_words() {
    let network = FixedNetwork::new(small_graph());
    let panics = Library::here().zero_shot("panics").unwrap();
    let error = panics.score(&network).unwrap_err();
    assert_eq!(error.failure().kind, FailureKind::Panic);
    assert!(error.to_string().contains("out of ideas at sdk/testkit/tests/boundary.rs"), "{error}");
    // The next call is served as usual.
    assert!(panics.score(&network).is_err());
}

/// Counts how often its graph is asked for.
struct Counted {
    graph: LentGraph,
    asked: Rc<Cell<usize>>,
}

impl HostNetwork for Counted {
    fn graph_document(&self) -> &[u8] {
        self.asked.set(self.asked.get() + 1);
        self.graph.document()
    }
    fn measure(&self, _: Measurement) -> Result<Vec<Tensor>> {
        Ok(vec![Tensor::from(1.0f64)])
    }
    fn forward(&self, images: &Tensor) -> Result<Tensor> {
        Ok(images.shallow_clone())
    }
    fn cancelled(&self) -> bool {
        false
    }
}

#[test]
fn a_graph_is_written_once_for_all_estimators_and_read_once_if_one_asks() {
    let (graph, asked) = (LentGraph::from(small_graph()), Rc::new(Cell::new(0)));
    let network = || {
        let counted = Counted { graph: graph.clone(), asked: Rc::clone(&asked) };
        Network::new(NetworkHandle::lend(counted))
    };
    assert_eq!(Loss.score(&network()), Ok(1.0));
    assert_eq!(asked.get(), 0, "a loss needs no graph");
    let [first, second] = [network(), network()];
    let (own, again) = (first.graph().unwrap(), first.graph().unwrap());
    assert!(std::ptr::eq(own, again) && asked.get() == 1, "an estimator asks once");
    // The same memory: neither side has encoded or decoded it again.
    assert!(std::ptr::eq(own, second.graph().unwrap()), "what was read is read no more");
    assert!(std::ptr::eq(graph.document(), graph.clone().document()));
    assert_eq!(*own, small_graph());
    let other = LentGraph::from(
        SmallSpace.graph(&"none>none>none>none".parse().unwrap(), &Settings::default()).unwrap(),
    );
    let other = Counted { graph: other, asked: Rc::clone(&asked) };
    assert_ne!(Network::new(NetworkHandle::lend(other)).graph().unwrap(), own);
}

#[test]
fn the_document_that_a_space_made_of_a_graph_is_handed_on() {
    let (arch, settings) = ("conv3>none>conv1>conv3", Settings::default());
    let lent = ForeignSpace::here::<SmallSpace>().lent_graph(arch, &settings).unwrap();
    let own = SmallSpace.graph(&arch.parse().unwrap(), &settings).unwrap();
    assert_eq!(lent.document(), LentGraph::from(own).document());
}

#[test]
fn the_small_space_is_read_as_it_is_written() {
    osee_testkit::notation::<SmallSpace>(&[]).unwrap();
    for wrong in ["", "conv3>none", "conv3>none>conv1>conv3>none", "conv3>none>conv2>conv3"] {
        assert!(wrong.parse::<<SmallSpace as SearchSpace>::Arch>().is_err(), "{wrong}");
    }
}

//! A network whose measurements the test supplies.

use osee_model::graph::{ConvSpec, Graph, GraphBuilder, Shape};
use osee_sdk::{
    Error, Measurement, Network, Result,
    abi::{
        graph::LentGraph,
        kinds::network::{HostNetwork, NetworkHandle},
    },
};
use std::{collections::HashMap, rc::Rc};
use tch::Tensor;

/// A network that answers with the tensors it was given. Its seed is 0 unless given; every
/// other measurement fails.
#[derive(Debug, Clone)]
pub struct FixedNetwork {
    graph: LentGraph,
    answers: Rc<HashMap<Measurement, Vec<Tensor>>>,
}

impl FixedNetwork {
    /// A network of this graph, without any measurement yet.
    pub fn new(graph: Graph) -> Self {
        Self { graph: graph.into(), answers: Rc::default() }
    }

    /// Adds the answer to one measurement.
    ///
    /// # Panics
    /// When a view of the network, or a clone of it, exists already.
    #[must_use]
    pub fn with(mut self, what: Measurement, tensors: Vec<Tensor>) -> Self {
        let answers = Rc::get_mut(&mut self.answers);
        answers.expect("answers are given before the network is used").insert(what, tensors);
        self
    }

    /// The network as an author sees it.
    pub fn view(&self) -> Network {
        Network::new(NetworkHandle::from(self))
    }
}

impl From<&FixedNetwork> for NetworkHandle {
    fn from(network: &FixedNetwork) -> Self {
        Self::lend(network.clone())
    }
}

impl HostNetwork for FixedNetwork {
    fn graph_document(&self) -> &[u8] {
        self.graph.document()
    }

    fn measure(&self, what: Measurement) -> Result<Vec<Tensor>> {
        match self.answers.get(&what) {
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

/// A convolution, global pooling and a classifier: from 3 x 8 x 8 to 4 classes.
pub fn small_graph() -> Graph {
    let mut g = GraphBuilder::new(Shape::square(3, 8));
    let x = g.conv("conv", g.input(), ConvSpec::same(2, 3));
    let x = g.global_avg_pool(x);
    let x = g.linear("classifier", x, 4);
    g.finish(x).expect("the shapes fit")
}

//! A neural network as data: operations, shapes and named parameters.
//!
//! A [`Graph`] says what is computed, never how. Everything osee knows about
//! an architecture is derived from it: parameter and FLOP counts ([`Cost`]),
//! which work can reach the output ([`Graph::live`]), isomorphism
//! ([`Graph::fingerprint`]), the standalone network, and the supernet (two
//! graphs that name the same parameter share it).
//!
//! Invariant: nodes are in topological order and every node's shape has been
//! checked, whether the graph was made by a [`GraphBuilder`] or decoded and
//! [validated](Graph::validate).

pub mod bounds;
mod builder;
mod cost;
mod fingerprint;
mod liveness;
mod op;
mod parameter;
mod reach;
mod shape;
mod sketch;
#[cfg(test)]
mod tests;

pub use builder::{ConvSpec, GraphBuilder, Shared};
pub use cost::Cost;
pub use fingerprint::Fingerprint;
pub use op::{NodeId, Op, Pool, PoolKind};
pub use parameter::{ParamId, ParamRole, Parameter, Select};
pub use shape::Shape;
pub use sketch::{Sketch, SketchedCell};

use serde::{Deserialize, Serialize};

/// One operation and where its inputs come from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Node {
    /// What is computed.
    pub op: Op,
    /// Earlier nodes, in the order the operation takes them.
    pub inputs: Vec<NodeId>,
    /// Shape of the output, without the batch dimension.
    pub shape: Shape,
}

/// A repeated unit of a network, such as a cell of NAS-Bench-201 or a residual
/// block: consecutive nodes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cell {
    /// Name, such as `body.stage1_cell0`.
    pub name: String,
    /// Its first node.
    pub first: NodeId,
    /// The node after its last.
    pub end: NodeId,
    /// The node whose value leaves it.
    pub output: NodeId,
}

/// A network: nodes in topological order, the parameters they name, one output.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Graph {
    /// Operations; the inputs of each come before it. Node 0 is [`Op::Input`].
    pub nodes: Vec<Node>,
    /// Parameters named by the nodes, each once.
    pub parameters: Vec<Parameter>,
    /// Repeated units, in the order in which they end; for drawings and for
    /// estimators that look at the outputs of cells.
    #[serde(default)]
    pub cells: Vec<Cell>,
    /// The node whose value is the network's output: logits, `[classes]`.
    pub output: NodeId,
}

impl Graph {
    /// The node `id` stands for.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.index()]
    }

    /// The parameter `id` stands for.
    pub fn parameter(&self, id: ParamId) -> &Parameter {
        &self.parameters[id.index()]
    }

    /// Shape of one input sample, `[channels, height, width]`.
    pub fn input_shape(&self) -> Shape {
        self.nodes[0].shape
    }

    /// Nodes with their ids, in topological order.
    pub fn iter(&self) -> impl Iterator<Item = (NodeId, &Node)> {
        self.nodes.iter().enumerate().map(|(i, node)| (NodeId::new(i), node))
    }

    /// Number of ReLU calls of one forward pass.
    pub fn relu_count(&self) -> usize {
        self.nodes.iter().filter(|node| node.op == Op::Relu).count()
    }

    /// Checks a graph that was decoded rather than built: its size, order, arity,
    /// shapes, parameter shapes, and that the output is a vector of logits.
    ///
    /// # Errors
    /// The first [`GraphError`] in topological order.
    pub fn validate(&self) -> Result<(), GraphError> {
        shape::validate(self)
    }
}

/// Why a graph is not a network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GraphError {
    /// Inputs of an operation do not fit it or one another.
    #[error("node {node} ({op}): {reason}")]
    Shape {
        /// Index of the node.
        node: usize,
        /// Name of its operation.
        op: &'static str,
        /// What does not fit, with the shapes.
        reason: String,
    },
    /// One name stands for two different parameters.
    #[error(
        "parameter `{name}` is declared twice, as {first} and as {second}; \
         a shared parameter must have one stored shape"
    )]
    ParameterConflict {
        /// The name.
        name: String,
        /// Its first declaration.
        first: String,
        /// The declaration that disagrees.
        second: String,
    },
    /// A part reaches outside its stored parameter.
    #[error("parameter `{name}`: {slice} does not fit the stored shape {stored}")]
    Slice {
        /// The name.
        name: String,
        /// The offending part.
        slice: String,
        /// The stored shape.
        stored: String,
    },
    /// The output is something else than logits.
    #[error(
        "node {node}, the output, is {shape}, and a network ends in a vector of logits, one for each \
         class; global_avg_pool and linear make one"
    )]
    Output {
        /// Index of the node.
        node: usize,
        /// What it is.
        shape: Shape,
    },
    /// More than [`bounds`] allow.
    #[error("{what} is too large: at most {limit} are taken")]
    TooLarge {
        /// What, with its size.
        what: String,
        /// The bound.
        limit: usize,
    },
    /// A node or parameter id points nowhere, or forward.
    #[error("node {node}: {reason}")]
    Order {
        /// Index of the node.
        node: usize,
        /// What is wrong.
        reason: String,
    },
}

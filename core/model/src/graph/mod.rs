//! A neural network as data: operations, shapes and named parameters.
//!
//! A [`Graph`] says what is computed, not how. Everything osee knows about an architecture is
//! derived from it: parameter and FLOP counts ([`Cost`]), the work that can reach the output
//! ([`Graph::live`]), isomorphism ([`Graph::fingerprint`]), the standalone network, and the
//! supernet (two graphs that name the same parameter share it).
//!
//! Invariant: nodes are in topological order, and the shape of every node has been checked, whether
//! a [`GraphBuilder`] made the graph or it was decoded and [validated](Graph::validate).

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
mod thin;

pub use builder::{ConvSpec, GraphBuilder, Shared};
pub use cost::Cost;
pub use fingerprint::Fingerprint;
pub use op::{NodeId, Op, Pool, PoolKind};
pub use parameter::{ParamId, ParamRole, Parameter, Select};
pub use shape::Shape;
pub use sketch::{Sketch, SketchedCell};

use serde::{Deserialize, Serialize};

/// One operation and its inputs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Node {
    /// The operation.
    pub op: Op,
    /// Earlier nodes, in the order that the operation takes them.
    pub inputs: Vec<NodeId>,
    /// Shape of the output, without the batch dimension.
    pub shape: Shape,
}

/// A repeated unit of a network, such as a cell of NAS-Bench-201 or a residual block. Its nodes are
/// consecutive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cell {
    /// Name, such as `body.stage1_cell0`.
    pub name: String,
    /// First node of the cell.
    pub first: NodeId,
    /// The node after the last node of the cell.
    pub end: NodeId,
    /// The node whose value is the cell's output.
    pub output: NodeId,
}

/// A network: nodes in topological order, the parameters that they name, and one output.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Graph {
    /// Operations, each after its inputs. Node 0 is [`Op::Input`].
    pub nodes: Vec<Node>,
    /// The parameters that the nodes name, each once.
    pub parameters: Vec<Parameter>,
    /// Repeated units, in the order in which they end; for drawings and for estimators that use the
    /// outputs of cells.
    #[serde(default)]
    pub cells: Vec<Cell>,
    /// The node whose value is the network's output: logits of shape `[classes]`.
    pub output: NodeId,
}

impl Graph {
    /// The node with this id.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.index()]
    }

    /// The parameter with this id.
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

    /// Number of ReLU calls in one forward pass.
    pub fn relu_count(&self) -> usize {
        self.nodes.iter().filter(|node| node.op == Op::Relu).count()
    }

    /// Checks a graph that was decoded rather than built: its size, order, arity, shapes and
    /// parameter shapes, and that its output is a vector of logits.
    ///
    /// # Errors
    /// The first [`GraphError`] in topological order.
    pub fn validate(&self) -> Result<(), GraphError> {
        shape::validate(self)
    }
}

/// Why a graph is not a valid network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GraphError {
    /// The inputs of an operation do not fit it or one another.
    #[error("node {node} ({op}): {reason}")]
    Shape {
        /// Index of the node.
        node: usize,
        /// Name of the node's operation.
        op: &'static str,
        /// What does not fit, with the shapes.
        reason: String,
    },
    /// One name is declared for two different parameters.
    #[error(
        "parameter `{name}` is declared twice, as {first} and as {second}; \
         a shared parameter must have one stored shape"
    )]
    ParameterConflict {
        /// Name of the parameter.
        name: String,
        /// The first declaration.
        first: String,
        /// The second declaration, which differs.
        second: String,
    },
    /// A part of a parameter reaches outside the stored parameter.
    #[error("parameter `{name}`: {slice} does not fit the stored shape {stored}")]
    Slice {
        /// Name of the parameter.
        name: String,
        /// The part that does not fit.
        slice: String,
        /// Shape of the stored parameter.
        stored: String,
    },
    /// The output is not a vector of logits.
    #[error(
        "node {node}, the output, is {shape}, and a network ends in a vector of logits, one for each \
         class; global_avg_pool and linear make one"
    )]
    Output {
        /// Index of the output node.
        node: usize,
        /// Shape of the output.
        shape: Shape,
    },
    /// The graph exceeds [`bounds`].
    #[error("{what} is too large: at most {limit} are taken")]
    TooLarge {
        /// What is too large, with its size.
        what: String,
        /// The bound that is exceeded.
        limit: usize,
    },
    /// A node or parameter id is out of range or points forward.
    #[error("node {node}: {reason}")]
    Order {
        /// Index of the node.
        node: usize,
        /// What is wrong with the id.
        reason: String,
    },
}

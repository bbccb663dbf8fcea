//! Building a graph operation by operation.

use super::{
    Cell, Graph, GraphError, Node, NodeId, Op, ParamId, ParamRole, Parameter, Pool, Select, Shape,
    bounds,
    shape::{infer, list},
};
use std::collections::HashMap;

/// A convolution as an author describes it; input channels are inferred.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConvSpec {
    /// Number of output channels.
    pub out: usize,
    /// Side of the square kernel in pixels.
    pub kernel: usize,
    /// Stride in pixels.
    pub stride: usize,
    /// Zero padding on each side in pixels.
    pub padding: usize,
    /// Distance between kernel taps in pixels.
    pub dilation: usize,
    /// Number of independent channel groups.
    pub groups: usize,
    /// True to add a bias.
    pub bias: bool,
}

impl ConvSpec {
    /// A convolution without bias that keeps the size of its input at stride 1.
    pub fn same(out: usize, kernel: usize) -> Self {
        Self { out, kernel, stride: 1, padding: kernel / 2, dilation: 1, groups: 1, bias: false }
    }

    /// Sets the stride.
    pub fn stride(self, stride: usize) -> Self {
        Self { stride, ..self }
    }

    /// Sets the number of channel groups.
    pub fn groups(self, groups: usize) -> Self {
        Self { groups, ..self }
    }

    /// Sets the dilation, with padding that keeps the size at stride 1.
    pub fn dilation(self, dilation: usize) -> Self {
        Self { dilation, padding: dilation * (self.kernel / 2), ..self }
    }
}

/// The part that a convolution or normalisation uses of a larger one that architectures share: the
/// stored channels, and the selected ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shared {
    /// Number of channels of the stored parameter.
    pub stored: usize,
    /// The channels that are used.
    pub used: Select,
}

impl Shared {
    /// Uses all of `channels`.
    pub fn whole(channels: usize) -> Self {
        Self::first(channels, channels)
    }

    /// Uses the first `count` of `stored` channels.
    pub fn first(stored: usize, count: usize) -> Self {
        Self { stored, used: Select::first(count) }
    }
}

/// Builds a [`Graph`]. Mistakes are reported by [`finish`](Self::finish), so that the code of a
/// network reads as a list of operations.
#[derive(Debug)]
pub struct GraphBuilder {
    graph: Graph,
    by_name: HashMap<String, Vec<ParamId>>,
    error: Option<GraphError>,
}

impl GraphBuilder {
    /// Starts a graph whose input has the shape `shape`.
    pub fn new(shape: Shape) -> Self {
        let input = Node { op: Op::Input, inputs: Vec::new(), shape };
        Self {
            graph: Graph {
                nodes: vec![input],
                parameters: Vec::new(),
                cells: Vec::new(),
                output: NodeId::new(0),
            },
            by_name: HashMap::new(),
            error: None,
        }
    }

    /// The node of the network's input.
    pub fn input(&self) -> NodeId {
        NodeId::new(0)
    }

    /// Shape of a node that was added before.
    pub fn shape(&self, node: NodeId) -> Shape {
        self.graph.node(node).shape
    }

    /// Adds any operation. After a mistake the node takes its input's shape and building continues;
    /// `finish` returns the first mistake.
    pub fn op(&mut self, op: Op, inputs: &[NodeId]) -> NodeId {
        let shapes: Vec<Shape> = inputs.iter().map(|&id| self.shape(id)).collect();
        let index = self.graph.nodes.len();
        let shape = infer(&op, &shapes, &self.graph.parameters).unwrap_or_else(|reason| {
            let error = GraphError::Shape { node: index, op: op.name(), reason };
            self.error.get_or_insert(error);
            shapes.first().copied().unwrap_or(self.graph.input_shape())
        });
        self.graph.nodes.push(Node { op, inputs: inputs.to_vec(), shape });
        NodeId::new(index)
    }

    /// Declares a parameter, or returns the one that was declared with the same name.
    pub fn parameter(&mut self, parameter: Parameter) -> ParamId {
        let known = self.by_name.entry(parameter.name.clone()).or_default();
        for &id in known.iter() {
            let other = &self.graph.parameters[id.index()];
            if *other == parameter {
                return id;
            }
            if other.stored != parameter.stored || other.role != parameter.role {
                self.error.get_or_insert(GraphError::ParameterConflict {
                    name: parameter.name.clone(),
                    first: format!("{:?} {}", other.role, list(&other.stored)),
                    second: format!("{:?} {}", parameter.role, list(&parameter.stored)),
                });
            }
        }
        if let Err(error) = parameter.check() {
            self.error.get_or_insert(error);
        }
        let id = ParamId::new(self.graph.parameters.len());
        known.push(id);
        self.graph.parameters.push(parameter);
        id
    }

    /// Adds a convolution with its own `{name}.weight` (and `{name}.bias`).
    pub fn conv(&mut self, name: &str, input: NodeId, spec: ConvSpec) -> NodeId {
        let per_group = self.shape(input).channels() / spec.groups.max(1);
        let shape = [spec.out, per_group, spec.kernel, spec.kernel];
        let weight = Parameter::whole(format!("{name}.weight"), ParamRole::ConvWeight, &shape);
        let weight = self.parameter(weight);
        let fan_in = per_group * spec.kernel * spec.kernel;
        let bias = spec.bias.then(|| self.bias(name, spec.out, fan_in));
        let ConvSpec { stride, padding, dilation, groups, .. } = spec;
        self.op(Op::Conv2d { weight, bias, stride, padding, dilation, groups }, &[input])
    }

    /// Adds a convolution without bias that uses part of a larger stored one: `output` and `inputs`
    /// select the channels. A grouped convolution is stored as one group. `spec.out` and
    /// `spec.bias` have no effect.
    pub fn shared_conv(
        &mut self,
        name: &str,
        input: NodeId,
        spec: ConvSpec,
        [output, inputs]: [&Shared; 2],
    ) -> NodeId {
        let ConvSpec { kernel, stride, padding, dilation, groups, .. } = spec;
        let weight = self.parameter(Parameter {
            part: vec![
                output.used.clone(),
                inputs.used.clone(),
                Select::first(kernel),
                Select::first(kernel),
            ],
            blocks: groups,
            ..Parameter::whole(
                format!("{name}.weight"),
                ParamRole::ConvWeight,
                &[output.stored, inputs.stored, kernel, kernel],
            )
        });
        self.op(Op::Conv2d { weight, bias: None, stride, padding, dilation, groups }, &[input])
    }

    /// Adds batch normalisation; with `affine`, its scale and shift are part of larger stored ones.
    pub fn shared_norm(
        &mut self,
        name: &str,
        input: NodeId,
        affine: bool,
        channels: &Shared,
    ) -> NodeId {
        let mut part = |suffix, role| {
            let whole = Parameter::whole(format!("{name}.{suffix}"), role, &[channels.stored]);
            self.parameter(Parameter { part: vec![channels.used.clone()], ..whole })
        };
        let affine = affine
            .then(|| [part("weight", ParamRole::NormScale), part("bias", ParamRole::NormShift)]);
        self.op(Op::BatchNorm { affine, eps: 1e-5 }, &[input])
    }

    /// Adds a linear layer that uses some columns of a larger stored matrix.
    pub fn shared_linear(
        &mut self,
        name: &str,
        input: NodeId,
        out: usize,
        features: &Shared,
    ) -> NodeId {
        let stored = [out, features.stored];
        let whole = Parameter::whole(format!("{name}.weight"), ParamRole::LinearWeight, &stored);
        let part = vec![Select::first(out), features.used.clone()];
        let weight = self.parameter(Parameter { part, ..whole });
        let bias = Some(self.bias(name, out, features.stored));
        self.op(Op::Linear { weight, bias }, &[input])
    }

    /// Marks everything that `build` adds as one repeated unit of the network, such as a cell or a
    /// block. The node that `build` returns is the cell's output.
    pub fn cell(&mut self, name: &str, build: impl FnOnce(&mut Self) -> NodeId) -> NodeId {
        let first = NodeId::new(self.graph.nodes.len());
        let output = build(self);
        let end = NodeId::new(self.graph.nodes.len());
        self.graph.cells.push(Cell { name: name.to_owned(), first, end, output });
        output
    }

    /// Adds batch normalisation with eps 1e-5; with `{name}.weight` and `{name}.bias` if `affine`.
    pub fn batch_norm(&mut self, name: &str, input: NodeId, affine: bool) -> NodeId {
        let channels = [self.shape(input).channels()];
        let affine = affine.then(|| {
            let part = |suffix, role| Parameter::whole(format!("{name}.{suffix}"), role, &channels);
            [
                self.parameter(part("weight", ParamRole::NormScale)),
                self.parameter(part("bias", ParamRole::NormShift)),
            ]
        });
        self.op(Op::BatchNorm { affine, eps: 1e-5 }, &[input])
    }

    /// Adds max(x, 0).
    pub fn relu(&mut self, input: NodeId) -> NodeId {
        self.op(Op::Relu, &[input])
    }

    /// Adds local pooling.
    pub fn pool(&mut self, input: NodeId, pool: Pool) -> NodeId {
        self.op(Op::Pool(pool), &[input])
    }

    /// Adds the mean over all pixels.
    pub fn global_avg_pool(&mut self, input: NodeId) -> NodeId {
        self.op(Op::GlobalAvgPool, &[input])
    }

    /// Adds a linear layer with `{name}.weight` and `{name}.bias`.
    pub fn linear(&mut self, name: &str, input: NodeId, out: usize) -> NodeId {
        let fan_in = self.shape(input).channels();
        let weight =
            Parameter::whole(format!("{name}.weight"), ParamRole::LinearWeight, &[out, fan_in]);
        let weight = self.parameter(weight);
        let bias = Some(self.bias(name, out, fan_in));
        self.op(Op::Linear { weight, bias }, &[input])
    }

    /// Adds the sum of one or more nodes.
    pub fn add(&mut self, inputs: &[NodeId]) -> NodeId {
        self.op(Op::Add, inputs)
    }

    /// Adds the concatenation along channels.
    pub fn concat(&mut self, inputs: &[NodeId]) -> NodeId {
        self.op(Op::Concat, inputs)
    }

    /// Adds zeros in the input's shape, subsampled by `stride`.
    pub fn zero(&mut self, input: NodeId, stride: usize) -> NodeId {
        self.op(Op::Zero { stride }, &[input])
    }

    /// The finished graph, with `output` as its output.
    ///
    /// # Errors
    /// The first mistake made while building.
    pub fn finish(mut self, output: NodeId) -> Result<Graph, GraphError> {
        self.graph.output = output;
        match self.error {
            Some(error) => Err(error),
            None => {
                bounds::check(&self.graph)?;
                bounds::work(&self.graph)?;
                Ok(self.graph)
            }
        }
    }

    fn bias(&mut self, name: &str, out: usize, fan_in: usize) -> ParamId {
        let role = ParamRole::Bias { fan_in };
        self.parameter(Parameter::whole(format!("{name}.bias"), role, &[out]))
    }
}

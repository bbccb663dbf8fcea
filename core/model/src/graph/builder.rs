//! Writing a graph down, operation by operation.

use super::{
    Cell, Graph, GraphError, Node, NodeId, Op, ParamId, ParamRole, Parameter, Pool, Select, Shape,
    bounds,
    shape::{infer, list},
};
use std::collections::HashMap;

/// A convolution as an author thinks of it; input channels are inferred.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConvSpec {
    /// Output channels.
    pub out: usize,
    /// Side of the square kernel, pixels.
    pub kernel: usize,
    /// Step, pixels.
    pub stride: usize,
    /// Zero padding on each side, pixels.
    pub padding: usize,
    /// Distance between kernel taps, pixels.
    pub dilation: usize,
    /// Independent channel groups.
    pub groups: usize,
    /// Whether a bias is added.
    pub bias: bool,
}

impl ConvSpec {
    /// A bias-free convolution that keeps the size of its input at stride 1.
    pub fn same(out: usize, kernel: usize) -> Self {
        Self { out, kernel, stride: 1, padding: kernel / 2, dilation: 1, groups: 1, bias: false }
    }

    /// The same with another stride.
    pub fn stride(self, stride: usize) -> Self {
        Self { stride, ..self }
    }

    /// The same in groups.
    pub fn groups(self, groups: usize) -> Self {
        Self { groups, ..self }
    }

    /// The same with dilated taps, padded to keep the size at stride 1.
    pub fn dilation(self, dilation: usize) -> Self {
        Self { dilation, padding: dilation * (self.kernel / 2), ..self }
    }
}

/// How a convolution or normalisation stands in a larger one that
/// architectures share: its stored channels, and which of them it uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shared {
    /// Channels of the stored parameter.
    pub stored: usize,
    /// Those used.
    pub used: Select,
}

impl Shared {
    /// All of `channels`.
    pub fn whole(channels: usize) -> Self {
        Self::first(channels, channels)
    }

    /// The first `count` of `stored` channels.
    pub fn first(stored: usize, count: usize) -> Self {
        Self { stored, used: Select::first(count) }
    }
}

/// Builds a [`Graph`]. Mistakes are kept until [`finish`](Self::finish), so
/// that a network reads as a list of operations.
#[derive(Debug)]
pub struct GraphBuilder {
    graph: Graph,
    by_name: HashMap<String, Vec<ParamId>>,
    error: Option<GraphError>,
}

impl GraphBuilder {
    /// A graph whose input is `shape`.
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

    /// The network's input.
    pub fn input(&self) -> NodeId {
        NodeId::new(0)
    }

    /// Shape of a node built so far.
    pub fn shape(&self, node: NodeId) -> Shape {
        self.graph.node(node).shape
    }

    /// Any operation. After a mistake the node takes its input's shape and
    /// building goes on; the first mistake is what `finish` returns.
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

    /// Declares a parameter, or finds it again when the same is named twice.
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

    /// A convolution with its own `{name}.weight` (and `{name}.bias`).
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

    /// A convolution that uses part of a larger stored one: `output` and
    /// `inputs` say which channels. Grouped ones are stored as one group.
    /// `spec.out` is what `output` selects; without bias.
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

    /// Batch normalisation whose affine pair, if `affine`, is part of a larger
    /// stored one.
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

    /// A linear layer that uses some columns of a larger stored matrix.
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

    /// Everything that `build` adds, as one repeated unit of the network: a
    /// cell, a block. What it returns is the cell's output.
    pub fn cell(&mut self, name: &str, build: impl FnOnce(&mut Self) -> NodeId) -> NodeId {
        let first = NodeId::new(self.graph.nodes.len());
        let output = build(self);
        let end = NodeId::new(self.graph.nodes.len());
        self.graph.cells.push(Cell { name: name.to_owned(), first, end, output });
        output
    }

    /// Batch normalisation with eps 1e-5; with `{name}.weight` and
    /// `{name}.bias` if `affine`.
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

    /// max(x, 0).
    pub fn relu(&mut self, input: NodeId) -> NodeId {
        self.op(Op::Relu, &[input])
    }

    /// Local pooling.
    pub fn pool(&mut self, input: NodeId, pool: Pool) -> NodeId {
        self.op(Op::Pool(pool), &[input])
    }

    /// Mean over all pixels.
    pub fn global_avg_pool(&mut self, input: NodeId) -> NodeId {
        self.op(Op::GlobalAvgPool, &[input])
    }

    /// A linear layer with `{name}.weight` and `{name}.bias`.
    pub fn linear(&mut self, name: &str, input: NodeId, out: usize) -> NodeId {
        let fan_in = self.shape(input).channels();
        let weight =
            Parameter::whole(format!("{name}.weight"), ParamRole::LinearWeight, &[out, fan_in]);
        let weight = self.parameter(weight);
        let bias = Some(self.bias(name, out, fan_in));
        self.op(Op::Linear { weight, bias }, &[input])
    }

    /// Sum of one or more nodes.
    pub fn add(&mut self, inputs: &[NodeId]) -> NodeId {
        self.op(Op::Add, inputs)
    }

    /// Concatenation along channels.
    pub fn concat(&mut self, inputs: &[NodeId]) -> NodeId {
        self.op(Op::Concat, inputs)
    }

    /// Zeros in the input's shape.
    pub fn zero(&mut self, input: NodeId, stride: usize) -> NodeId {
        self.op(Op::Zero { stride }, &[input])
    }

    /// The graph whose output is `output`.
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

//! Shape inference: the shape that each operation yields, or why it cannot be applied.

use super::{Cell, Graph, GraphError, Node, NodeId, Op, ParamId, Parameter, Select, bounds};
use serde::{Deserialize, Serialize};
use std::{collections::HashSet, fmt};

/// Shape of a value without its batch dimension.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Shape {
    /// A feature map.
    Map {
        /// Number of channels.
        channels: usize,
        /// Height in pixels.
        height: usize,
        /// Width in pixels.
        width: usize,
    },
    /// A vector of features.
    Flat {
        /// Number of features.
        features: usize,
    },
}

impl Shape {
    /// A feature map with equal height and width, in pixels.
    pub fn square(channels: usize, side: usize) -> Self {
        Self::Map { channels, height: side, width: side }
    }

    /// Number of scalars per sample.
    pub fn numel(self) -> usize {
        self.channels() * self.pixels()
    }

    /// Number of channels; for a vector, its number of features.
    pub fn channels(self) -> usize {
        match self {
            Self::Map { channels, .. } => channels,
            Self::Flat { features } => features,
        }
    }

    /// Number of pixels; 1 for a vector.
    pub fn pixels(self) -> usize {
        match self {
            Self::Map { height, width, .. } => height * width,
            Self::Flat { .. } => 1,
        }
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Map { channels, height, width } => write!(f, "[{channels}, {height}, {width}]"),
            Self::Flat { features } => write!(f, "[{features}]"),
        }
    }
}

pub(super) fn list(dims: &[usize]) -> String {
    format!("{dims:?}")
}

/// Shape of `op` applied to inputs of these shapes.
pub(super) fn infer(op: &Op, inputs: &[Shape], parameters: &[Parameter]) -> Result<Shape, String> {
    match op {
        Op::Input => Err("the input is node 0 and nothing else".to_owned()),
        Op::Add => {
            let (first, rest) = inputs.split_first().ok_or("needs at least one input")?;
            match rest.iter().find(|shape| *shape != first) {
                Some(other) => Err(format!("cannot add {other} to {first}")),
                None => Ok(*first),
            }
        }
        Op::Concat => concat(inputs),
        _ => match inputs {
            [input] => unary(op, *input, parameters),
            _ => Err(format!("takes one input, got {}", inputs.len())),
        },
    }
}

fn unary(op: &Op, input: Shape, parameters: &[Parameter]) -> Result<Shape, String> {
    let shape_of = |id: ParamId| {
        parameters
            .get(id.index())
            .map(Parameter::shape)
            .ok_or_else(|| format!("names parameter {}, which the graph lacks", id.index()))
    };
    match *op {
        Op::Relu | Op::Identity | Op::Dropout { .. } => Ok(input),
        Op::BatchNorm { affine, .. } => {
            map(input)?;
            for id in affine.into_iter().flatten() {
                expect(&shape_of(id)?, &[input.channels()], "affine parameter")?;
            }
            Ok(input)
        }
        Op::Conv2d { weight, bias, stride, padding, dilation, groups } => {
            let (channels, height, width) = map(input)?;
            let weight = shape_of(weight)?;
            let &[out, per_group, kernel, kernel_w] = weight.as_slice() else {
                return Err(format!("weight must have 4 dimensions, has {}", list(&weight)));
            };
            if groups == 0 || per_group * groups != channels || out % groups != 0 {
                return Err(format!(
                    "weight {} with {groups} groups does not fit {channels} input channels",
                    list(&weight)
                ));
            }
            if let Some(bias) = bias {
                expect(&shape_of(bias)?, &[out], "bias")?;
            }
            Ok(Shape::Map {
                channels: out,
                height: window(height, kernel, stride, padding, dilation, false)?,
                width: window(width, kernel_w, stride, padding, dilation, false)?,
            })
        }
        Op::Pool(pool) => {
            let (channels, height, width) = map(input)?;
            if pool.padding * 2 > pool.kernel {
                return Err(format!(
                    "padding {} is more than half the window {}",
                    pool.padding, pool.kernel
                ));
            }
            let side = |n| window(n, pool.kernel, pool.stride, pool.padding, 1, pool.ceil_mode);
            Ok(Shape::Map { channels, height: side(height)?, width: side(width)? })
        }
        Op::GlobalAvgPool => Ok(Shape::Flat { features: map(input)?.0 }),
        Op::Linear { weight, bias } => {
            let Shape::Flat { features } = input else {
                return Err(format!("needs a vector, got {input}"));
            };
            let weight = shape_of(weight)?;
            let &[out, fan_in] = weight.as_slice() else {
                return Err(format!("weight must have 2 dimensions, has {}", list(&weight)));
            };
            if fan_in != features {
                return Err(format!("weight {} does not fit {features} features", list(&weight)));
            }
            if let Some(bias) = bias {
                expect(&shape_of(bias)?, &[out], "bias")?;
            }
            Ok(Shape::Flat { features: out })
        }
        Op::Zero { stride } => {
            let (channels, height, width) = map(input)?;
            if stride == 0 {
                return Err("stride must be at least 1".to_owned());
            }
            Ok(Shape::Map {
                channels,
                height: height.div_ceil(stride),
                width: width.div_ceil(stride),
            })
        }
        Op::ChannelSlice { start, length } => {
            let (channels, height, width) = map(input)?;
            if length == 0 || start + length > channels {
                return Err(format!("channels {start}..{} are not in {channels}", start + length));
            }
            Ok(Shape::Map { channels: length, height, width })
        }
        Op::Crop { offset } => {
            let (channels, height, width) = map(input)?;
            if offset >= height || offset >= width {
                return Err(format!("offset {offset} leaves nothing of {input}"));
            }
            Ok(Shape::Map { channels, height: height - offset, width: width - offset })
        }
        Op::Input | Op::Add | Op::Concat => unreachable!("handled by infer"),
    }
}

fn map(input: Shape) -> Result<(usize, usize, usize), String> {
    match input {
        Shape::Map { channels, height, width } => Ok((channels, height, width)),
        Shape::Flat { .. } => Err(format!("needs a feature map, got {input}")),
    }
}

fn expect(actual: &[usize], wanted: &[usize], what: &str) -> Result<(), String> {
    if actual == wanted {
        Ok(())
    } else {
        Err(format!("{what} must be {}, is {}", list(wanted), list(actual)))
    }
}

fn concat(inputs: &[Shape]) -> Result<Shape, String> {
    let first = inputs.first().ok_or("needs at least one input")?;
    let (_, height, width) = map(*first)?;
    let mut channels = 0;
    for input in inputs {
        let (c, h, w) = map(*input)?;
        if (h, w) != (height, width) {
            return Err(format!("cannot concatenate {input} with {first}"));
        }
        channels += c;
    }
    Ok(Shape::Map { channels, height, width })
}

/// Number of output positions of a sliding window along one side.
fn window(
    side: usize,
    kernel: usize,
    stride: usize,
    padding: usize,
    dilation: usize,
    ceil: bool,
) -> Result<usize, String> {
    if kernel == 0 || stride == 0 || dilation == 0 {
        return Err("kernel, stride and dilation must be at least 1".to_owned());
    }
    let reach = dilation * (kernel - 1) + 1;
    let room = (side + 2 * padding).checked_sub(reach).ok_or_else(|| {
        format!("a window of {reach} pixels does not fit {side} pixels with padding {padding}")
    })?;
    let steps = if ceil { room.div_ceil(stride) } else { room / stride };
    // torch's rule: in ceil mode the last window must start inside the input or its left padding.
    if ceil && steps * stride >= side + padding { Ok(steps) } else { Ok(steps + 1) }
}

pub(super) fn validate(graph: &Graph) -> Result<(), GraphError> {
    bounds::check(graph)?;
    let names: HashSet<&str> = graph.parameters.iter().map(|it| it.name.as_str()).collect();
    for parameter in &graph.parameters {
        parameter.check()?;
        for select in &parameter.part {
            if let Select::LargestL1 { of, .. } = select
                && !names.contains(of.as_str())
            {
                let reason = format!("`{}` looks at `{of}`, which is not there", parameter.name);
                return Err(GraphError::Order { node: 0, reason });
            }
        }
    }
    let order = |node, reason: &str| GraphError::Order { node, reason: reason.to_owned() };
    let mut shapes: Vec<Shape> = Vec::with_capacity(graph.nodes.len());
    for (index, Node { op, inputs, shape }) in graph.nodes.iter().enumerate() {
        if index == 0 {
            if *op != Op::Input || !inputs.is_empty() {
                return Err(order(0, "the first node must be the input"));
            }
            shapes.push(*shape);
            continue;
        }
        if inputs.iter().any(|id: &NodeId| id.index() >= index) {
            return Err(order(index, "an input does not come before it"));
        }
        let of_inputs: Vec<Shape> = inputs.iter().map(|id| shapes[id.index()]).collect();
        let error = |reason| GraphError::Shape { node: index, op: op.name(), reason };
        let inferred = infer(op, &of_inputs, &graph.parameters).map_err(error)?;
        if inferred != *shape {
            return Err(error(format!("says {shape}, but yields {inferred}")));
        }
        shapes.push(inferred);
    }
    let nodes = graph.nodes.len();
    let inside = |cell: &Cell| {
        cell.first <= cell.end && cell.end.index() <= nodes && cell.output.index() < nodes
    };
    if let Some(cell) = graph.cells.iter().find(|cell| !inside(cell)) {
        return Err(order(cell.end.index(), "a cell reaches outside the graph"));
    }
    if graph.output.index() >= graph.nodes.len() {
        return Err(order(graph.output.index(), "the output is not in the graph"));
    }
    match shapes[graph.output.index()] {
        Shape::Flat { features: 1.. } => bounds::work(graph),
        shape => Err(GraphError::Output { node: graph.output.index(), shape }),
    }
}

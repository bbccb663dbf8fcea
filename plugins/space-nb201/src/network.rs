//! The macro network: stem, three stages of cells with residual reductions
//! between them, and the classifier.

use crate::{Arch, EdgeOp};
use osee_sdk::prelude::*;

/// Settings of the network, checked.
pub struct Shape {
    channels: usize,
    cells: usize,
    classes: usize,
    image_size: usize,
    affine: bool,
    dropout: f64,
}

impl Shape {
    /// From the declared settings.
    pub fn read(settings: &Settings) -> Result<Self> {
        let positive = |key: &str, least: usize| match settings.usize(key) {
            Some(value) if value >= least => Ok(value),
            _ => Err(Error::new(format!("setting `{key}` of nb201 must be at least {least}"))),
        };
        let dropout = settings.float("dropout").unwrap_or(0.0);
        if !(0.0..1.0).contains(&dropout) {
            return Err(Error::new("setting `dropout` of nb201 must be at least 0 and below 1"));
        }
        Ok(Self {
            channels: positive("channels", 1)?,
            cells: positive("cells", 1)?,
            classes: positive("classes", 1)?,
            // Two reductions halve it.
            image_size: positive("image_size", 4)?,
            affine: settings.bool("affine").unwrap_or(true),
            dropout,
        })
    }
}

/// The network of `arch`. Dead edges keep their parameters: the benchmark
/// counts them.
pub fn build(arch: &Arch, shape: &Shape) -> Result<Graph> {
    let mut g = GraphBuilder::new(osee_sdk::model::graph::Shape::square(3, shape.image_size));
    let mut x = g.conv("stem_conv", g.input(), ConvSpec::same(shape.channels, 3));
    x = g.batch_norm("stem_bn", x, true);
    for stage in 1..=3 {
        if stage > 1 {
            let name = format!("body.reduction{}", stage - 1);
            x = g.cell(&name, |g| reduction(g, &name, x));
        }
        for cell in 0..shape.cells {
            let name = format!("body.stage{stage}_cell{cell}");
            x = g.cell(&name, |g| self::cell(g, &name, x, arch, shape.affine));
        }
    }
    x = g.batch_norm("last_bn", x, true);
    x = g.relu(x);
    x = g.global_avg_pool(x);
    if shape.dropout > 0.0 {
        x = g.op(Op::Dropout { probability: shape.dropout }, &[x]);
    }
    x = g.linear("classifier", x, shape.classes);
    Ok(g.finish(x)?)
}

fn cell(g: &mut GraphBuilder, name: &str, input: NodeId, arch: &Arch, affine: bool) -> NodeId {
    let mut nodes = vec![input];
    for to in 1..4 {
        let mut terms = Vec::with_capacity(to);
        for ((_, from), op) in arch.edges().filter(|((node, _), _)| *node == to) {
            let edge = format!("{name}.edges.{to}_{from}");
            terms.push(self::edge(g, &edge, nodes[from], op, affine));
        }
        nodes.push(g.add(&terms));
    }
    nodes[3]
}

fn edge(g: &mut GraphBuilder, name: &str, x: NodeId, op: EdgeOp, affine: bool) -> NodeId {
    let channels = g.shape(x).channels();
    match op {
        EdgeOp::None => g.zero(x, 1),
        EdgeOp::Skip => g.op(Op::Identity, &[x]),
        EdgeOp::Conv1x1 => relu_conv_bn(g, name, x, ConvSpec::same(channels, 1), affine),
        EdgeOp::Conv3x3 => relu_conv_bn(g, name, x, ConvSpec::same(channels, 3), affine),
        EdgeOp::AvgPool => g.pool(x, average(3, 1, 1)),
    }
}

/// Residual block that halves the image and doubles the channels.
fn reduction(g: &mut GraphBuilder, name: &str, x: NodeId) -> NodeId {
    let channels = 2 * g.shape(x).channels();
    let down = ConvSpec::same(channels, 3).stride(2);
    let main = relu_conv_bn(g, &format!("{name}.conv_a"), x, down, true);
    let main = relu_conv_bn(g, &format!("{name}.conv_b"), main, ConvSpec::same(channels, 3), true);
    let short = g.pool(x, average(2, 2, 0));
    let short = g.conv(&format!("{name}.shortcut"), short, ConvSpec::same(channels, 1));
    g.add(&[main, short])
}

fn relu_conv_bn(
    g: &mut GraphBuilder,
    name: &str,
    x: NodeId,
    spec: ConvSpec,
    affine: bool,
) -> NodeId {
    let x = g.relu(x);
    let x = g.conv(&format!("{name}.conv"), x, spec);
    g.batch_norm(&format!("{name}.bn"), x, affine)
}

fn average(kernel: usize, stride: usize, padding: usize) -> Pool {
    let kind = PoolKind::Average { count_include_pad: false };
    Pool { kind, kernel, stride, padding, ceil_mode: false }
}

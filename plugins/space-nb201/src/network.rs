//! The macro network: stem, three stages of cells with residual reductions
//! between them, and the classifier.

use crate::{Arch, EdgeOp};
use osee_sdk::prelude::*;

/// The settings of a network.
pub fn settings() -> [SettingSpec; 6] {
    let affine = "whether batch normalisation inside the cells has scale and shift";
    [
        SettingSpec::new("channels", 16, "channels of the first stage").at_least(1),
        SettingSpec::new("cells", 5, "cells per stage").at_least(1),
        SettingSpec::new("classes", 10, "outputs of the classifier").at_least(1),
        // Two reductions each halve the side.
        SettingSpec::new("image_size", 32, "side of the input images, pixels").at_least(4),
        SettingSpec::new("affine", true, affine).in_supernet(false),
        SettingSpec::new("dropout", 0.0, "share dropped before the classifier").in_range(0.0..1.0),
    ]
}

/// Builds the network of `arch`. Dead edges keep their parameters, because the
/// benchmark counts them.
pub fn build(arch: &Arch, settings: &Settings) -> Result<Graph> {
    let (cells, affine): (usize, _) = (settings.get("cells")?, settings.get("affine")?);
    let mut g = GraphBuilder::new(Shape::square(3, settings.get("image_size")?));
    let mut x = g.conv("stem_conv", g.input(), ConvSpec::same(settings.get("channels")?, 3));
    x = g.batch_norm("stem_bn", x, true);
    for stage in 1..=3 {
        if stage > 1 {
            let name = format!("body.reduction{}", stage - 1);
            x = g.cell(&name, |g| reduction(g, &name, x));
        }
        for cell in 0..cells {
            let name = format!("body.stage{stage}_cell{cell}");
            x = g.cell(&name, |g| self::cell(g, &name, x, arch, affine));
        }
    }
    x = g.batch_norm("last_bn", x, true);
    x = g.relu(x);
    x = g.global_avg_pool(x);
    let probability = settings.get("dropout")?;
    if probability > 0.0 {
        x = g.op(Op::Dropout { probability }, &[x]);
    }
    x = g.linear("classifier", x, settings.get("classes")?);
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

/// A residual block that halves the image's side and doubles the channels.
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

//! Layers of vertices and projections, for both kinds of cell.

use crate::cell::VertexOp;
use osee_sdk::prelude::*;

/// Applies a vertex's operation.
pub fn apply(
    g: &mut GraphBuilder,
    name: &str,
    x: NodeId,
    op: VertexOp,
    channels: usize,
    affine: bool,
) -> NodeId {
    let name = format!("{name}.{}", op.name());
    match op {
        VertexOp::Conv3x3 => conv_norm_relu(g, &name, x, channels, 3, affine),
        VertexOp::Conv1x1 => conv_norm_relu(g, &name, x, channels, 1, affine),
        VertexOp::MaxPool => {
            let kind = PoolKind::Max;
            g.pool(x, Pool { kind, kernel: 3, stride: 1, padding: 1, ceil_mode: false })
        }
    }
}

/// A convolution, batch normalisation and ReLU.
pub fn conv_norm_relu(
    g: &mut GraphBuilder,
    name: &str,
    x: NodeId,
    channels: usize,
    kernel: usize,
    affine: bool,
) -> NodeId {
    let x = g.conv(&format!("{name}.conv"), x, ConvSpec::same(channels, kernel));
    let x = g.batch_norm(&format!("{name}.bn"), x, affine);
    g.relu(x)
}

//! The cell of NAS-Bench-1shot1's supernet: every vertex has all channels, so
//! that cells can share weights.

use crate::{
    cell::Cell,
    layers::{apply, conv_norm_relu},
};
use osee_sdk::prelude::*;

/// A vertex takes the sum of its inputs, and has its own 1x1 projection of the cell's
/// input. The output is the concatenation of all vertices, with zeros for those that do
/// not feed it, plus the projected input if that feeds it, reduced
/// to `channels`.
pub fn module(
    g: &mut GraphBuilder,
    name: &str,
    input: NodeId,
    cell: &Cell,
    channels: usize,
    affine: bool,
) -> NodeId {
    let used = cell.used();
    let last = cell.vertices() - 1;
    let mut values: Vec<Option<NodeId>> = vec![None; cell.vertices()];
    for vertex in (1..last).filter(|&vertex| used[vertex]) {
        let mut terms: Vec<NodeId> =
            (1..vertex).filter(|&from| cell.edge(from, vertex)).filter_map(|v| values[v]).collect();
        if cell.edge(0, vertex) {
            let name = format!("{name}.projection{vertex}");
            terms.push(conv_norm_relu(g, &name, input, channels, 1, affine));
        }
        let sum = g.add(&terms);
        let name = format!("{name}.vertex{vertex}");
        values[vertex] = cell.op(vertex).map(|op| apply(g, &name, sum, op, channels, affine));
    }
    let projected = |g: &mut GraphBuilder| {
        let name = format!("{name}.projection{last}");
        conv_norm_relu(g, &name, input, channels * (last - 1), 1, affine)
    };
    let feeding: Vec<Option<NodeId>> =
        (1..last).map(|v| values[v].filter(|_| cell.edge(v, last))).collect();
    let mut terms = Vec::new();
    if let Some(like) = feeding.iter().flatten().next().copied() {
        let parts: Vec<NodeId> =
            feeding.iter().map(|part| part.unwrap_or_else(|| g.zero(like, 1))).collect();
        terms.push(g.concat(&parts));
    }
    if cell.edge(0, last) {
        terms.push(projected(g));
    }
    let x = g.add(&terms);
    let x = g.relu(x);
    let x = g.conv(&format!("{name}.postprocess.conv"), x, ConvSpec::same(channels, 1));
    g.batch_norm(&format!("{name}.postprocess.bn"), x, false)
}

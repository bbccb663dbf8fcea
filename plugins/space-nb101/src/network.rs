//! The macro network (stem, three stacks of cells, classifier), and the cell as
//! the benchmark trains it.

use crate::{
    cell::Cell,
    layers::{apply, conv_norm_relu},
    one_shot,
};
use osee_sdk::prelude::*;

/// Names of the networks; true if its cells can share weights.
const NETWORKS: [(&str, bool); 2] = [("standalone", false), ("one-shot", true)];

/// The settings of a network.
pub fn settings() -> [SettingSpec; 7] {
    let network = "the benchmark's, or one whose weights cells can share";
    let affine = "whether batch normalisation inside the cells has scale and shift";
    [
        SettingSpec::new("network", "standalone", network)
            .one_of(NETWORKS.map(|(word, _)| word))
            .in_supernet("one-shot"),
        SettingSpec::new("channels", 128, "channels of the first stack")
            .at_least(1)
            .in_supernet(16),
        SettingSpec::new("modules", 3, "cells per stack").at_least(1),
        SettingSpec::new("classes", 10, "outputs of the classifier").at_least(1),
        SettingSpec::new("image_size", 32, "side of the input images, pixels").at_least(4),
        SettingSpec::new("affine", true, affine),
        SettingSpec::new("dropout", 0.0, "share dropped before the classifier").in_range(0.0..1.0),
    ]
}

/// Builds the network of `cell`.
pub fn build(cell: &Cell, settings: &Settings) -> Result<Graph> {
    let one_shot = settings.choice("network", &NETWORKS)?;
    let (modules, affine): (usize, _) = (settings.get("modules")?, settings.get("affine")?);
    let mut channels = settings.get("channels")?;
    let mut g = GraphBuilder::new(Shape::square(3, settings.get("image_size")?));
    let input = g.input();
    let mut x = conv_norm_relu(&mut g, "stem", input, channels, 3, true);
    for stack in 1..=3 {
        if stack > 1 {
            // Only the supernet pads its pooling.
            let padding = usize::from(one_shot);
            let kind = PoolKind::Max;
            x = g.pool(x, Pool { kind, kernel: 2, stride: 2, padding, ceil_mode: false });
            channels *= 2;
        }
        for module in 0..modules {
            let name = format!("stack{stack}.module{module}");
            x = g.cell(&name, |g| match one_shot {
                true => one_shot::module(g, &name, x, cell, channels, affine),
                false => self::module(g, &name, x, cell, channels, affine),
            });
        }
    }
    let mut x = g.global_avg_pool(x);
    let probability = settings.get("dropout")?;
    if probability > 0.0 {
        x = g.op(Op::Dropout { probability }, &[x]);
    }
    let logits = g.linear("classifier", x, settings.get("classes")?);
    Ok(g.finish(logits)?)
}

/// Channels of every vertex. Those that feed the output share its channels, and
/// the first of them take the remainder; any other vertex has as many as the widest
/// it feeds.
fn vertex_channels(cell: &Cell, used: &[bool], channels: usize) -> Vec<usize> {
    let last = cell.vertices() - 1;
    let feeds = |vertex: usize| used[vertex] && cell.edge(vertex, last);
    let feeding = (1..last).filter(|&vertex| feeds(vertex)).count().max(1);
    let mut remainder = channels % feeding;
    let mut widths = vec![0; cell.vertices()];
    (widths[0], widths[last]) = (channels, channels);
    for vertex in (1..last).filter(|&vertex| feeds(vertex)) {
        widths[vertex] = channels / feeding + usize::from(remainder > 0);
        remainder = remainder.saturating_sub(1);
    }
    for vertex in (1..last).rev().filter(|&vertex| used[vertex]) {
        if !cell.edge(vertex, last) {
            let fed = (vertex + 1..last).filter(|&to| used[to] && cell.edge(vertex, to));
            widths[vertex] = fed.map(|to| widths[to]).max().unwrap_or(0);
        }
    }
    widths
}

/// A cell of the benchmark. A wider vertex passes on its first channels, the input is
/// projected, and the output is the concatenation plus the projected input.
fn module(
    g: &mut GraphBuilder,
    name: &str,
    input: NodeId,
    cell: &Cell,
    channels: usize,
    affine: bool,
) -> NodeId {
    let used = cell.used();
    let last = cell.vertices() - 1;
    let widths = vertex_channels(cell, &used, channels);
    let project = |g: &mut GraphBuilder, vertex: usize| {
        let name = format!("{name}.projection{vertex}");
        conv_norm_relu(g, &name, input, widths[vertex], 1, affine)
    };
    let mut values: Vec<Option<NodeId>> = vec![None; cell.vertices()];
    for vertex in (1..last).filter(|&vertex| used[vertex]) {
        let mut terms = Vec::new();
        for from in 1..vertex {
            let Some(value) = values[from].filter(|_| cell.edge(from, vertex)) else { continue };
            let length = widths[vertex];
            terms.push(match widths[from] > length {
                true => g.op(Op::ChannelSlice { start: 0, length }, &[value]),
                false => value,
            });
        }
        if cell.edge(0, vertex) {
            terms.push(project(g, vertex));
        }
        let sum = g.add(&terms);
        let name = format!("{name}.vertex{vertex}");
        values[vertex] = cell.op(vertex).map(|op| apply(g, &name, sum, op, widths[vertex], affine));
    }
    let feeding: Vec<NodeId> =
        (1..last).filter(|&vertex| cell.edge(vertex, last)).filter_map(|v| values[v]).collect();
    let mut terms = Vec::new();
    if !feeding.is_empty() {
        terms.push(g.concat(&feeding));
    }
    if cell.edge(0, last) {
        terms.push(project(g, last));
    }
    g.add(&terms)
}

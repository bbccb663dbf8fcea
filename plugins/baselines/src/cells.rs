//! The nodes of a graph's cells.

use osee_sdk::prelude::*;
use std::ops::Range;

/// The citation of counts that no paper introduced as an estimator.
pub const COUNTED: &str = "a count, which published estimators have to beat";

/// The cells of a graph as ranges of its nodes, inner ones before those that hold them. A
/// graph that names no cells is one cell.
pub fn cells(graph: &Graph) -> Vec<Range<usize>> {
    let named = graph.cells.iter().map(|cell| cell.first.index()..cell.end.index());
    let whole = graph.cells.is_empty().then_some(0..graph.nodes.len());
    named.chain(whole).collect()
}

/// The operations inside cells, each once, whether or not they can reach the output.
pub fn operations(graph: &Graph) -> impl Iterator<Item = &Op> {
    let mut inside = vec![false; graph.nodes.len()];
    cells(graph).into_iter().flatten().for_each(|at| inside[at] = true);
    graph.nodes.iter().zip(inside).filter(|(_, inside)| *inside).map(|(node, _)| &node.op)
}

//! Numbers and lengths of skips: identities inside cells.

use crate::cells::{COUNTED, cells, operations};
use osee_sdk::prelude::*;
use std::ops::Range;

/// Scores by the number of identities inside cells, whether or not they can reach the
/// output. A shortcut that a space writes without an identity does not count.
pub struct SkipCount;

impl Baseline for SkipCount {
    fn info() -> EstimatorInfo {
        EstimatorInfo::new("skip_count", "1")
            .group(Group::Fast)
            .summary("identities inside cells, dead ones too")
            .citation(COUNTED)
    }
    fn new(_: &Settings) -> Result<Self> {
        Ok(Self)
    }
    fn score(&self, graph: &Graph) -> Result<f64> {
        Ok(operations(graph).filter(|op| **op == Op::Identity).count() as f64)
    }
}

/// Scores by the mean length of skips: over all identities inside cells that lead to a sum
/// or concatenation of their cell, the place of the first such target minus the place of
/// the source minus 1. A cell's input has place 0, its sums and concatenations have places
/// 1, 2, ... in order, and any other node has that of the last one before it. On
/// NAS-Bench-201 these are the benchmark's nodes. 0 if there is no such identity;
/// undefined if no cell has a sum.
pub struct SkipDistance;

impl Baseline for SkipDistance {
    fn info() -> EstimatorInfo {
        EstimatorInfo::new("skip_distance", "1")
            .group(Group::Fast)
            .summary("mean over a cell's skips of target node - source node - 1; 0 without skips")
            .citation("Cavagnero et al., FreeREA, WACV 2023")
    }
    fn new(_: &Settings) -> Result<Self> {
        Ok(Self)
    }
    fn score(&self, graph: &Graph) -> Result<f64> {
        let (mut lengths, mut sums) = (Vec::new(), 0);
        let mut measured = vec![false; graph.nodes.len()];
        for cell in cells(graph) {
            let places = Places::of(graph, cell.clone());
            sums += places.sums;
            for at in cell {
                // What lies in a cell of this one was measured there.
                if graph.nodes[at].op == Op::Identity && !std::mem::replace(&mut measured[at], true)
                {
                    lengths.extend(places.length(at));
                }
            }
        }
        match lengths.len() {
            0 if sums == 0 => {
                Err(Error::undefined("no cell has a sum, from which a skip's length is counted"))
            }
            0 => Ok(0.0),
            count => Ok(lengths.iter().sum::<usize>() as f64 / count as f64),
        }
    }
}

/// Places of the nodes of one cell.
struct Places {
    first: usize,
    /// Number of sums and concatenations.
    sums: usize,
    /// Place of each node of the cell.
    place: Vec<usize>,
    /// For each node, the place of the first sum or concatenation that takes its value,
    /// directly or through others that are none.
    target: Vec<Option<usize>>,
}

impl Places {
    fn of(graph: &Graph, cell: Range<usize>) -> Self {
        let is_sum = |at: usize| matches!(graph.nodes[at].op, Op::Add | Op::Concat);
        let count = cell.len();
        let mut places =
            Self { first: cell.start, sums: 0, place: vec![0; count], target: vec![None; count] };
        for at in cell.clone() {
            places.place[at - cell.start] = match is_sum(at) {
                true => {
                    places.sums += 1;
                    places.sums
                }
                false => {
                    let inputs = graph.nodes[at].inputs.iter();
                    inputs.map(|input| places.at(input.index())).max().unwrap_or(0)
                }
            };
        }
        for at in cell.clone().rev() {
            let reached = match is_sum(at) {
                true => Some(places.place[at - cell.start]),
                false => places.target[at - cell.start],
            };
            let inside = graph.nodes[at].inputs.iter().filter(|it| cell.contains(&it.index()));
            for input in inside {
                let target = &mut places.target[input.index() - cell.start];
                *target = (*target).into_iter().chain(reached).min();
            }
        }
        places
    }

    /// Length of the identity `at`; `None` if it leads to no sum.
    fn length(&self, at: usize) -> Option<usize> {
        // The target comes later than the source, so its place is higher.
        self.target[at - self.first].map(|target| target - self.at(at) - 1)
    }

    /// Place of a node of the cell or before it.
    fn at(&self, node: usize) -> usize {
        node.checked_sub(self.first).map_or(0, |at| self.place[at])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The network of a cell on an input of 4 channels.
    fn network(cell: impl FnOnce(&mut GraphBuilder, NodeId) -> NodeId) -> Graph {
        let mut g = GraphBuilder::new(Shape::square(4, 8));
        let input = g.input();
        let x = g.relu(input);
        let x = g.cell("cell", |g| cell(g, x));
        let x = g.global_avg_pool(x);
        let x = g.linear("classifier", x, 2);
        g.finish(x).unwrap()
    }

    fn scores(graph: &Graph) -> (f64, f64) {
        (SkipCount.score(graph).unwrap(), SkipDistance.score(graph).unwrap())
    }

    #[test]
    fn a_length_is_that_from_sum_to_sum() {
        let graph = network(|g, x| {
            let first = g.add(&[x]);
            let relu = g.relu(first);
            // From the first sum to the third, through a ReLU on either side.
            let long = g.op(Op::Identity, &[relu]);
            let long = g.relu(long);
            let second = g.add(&[first]);
            // From the input to the third.
            let longest = g.op(Op::Identity, &[x]);
            // One that only the output of the cell is: it leads to no sum.
            let _unused = g.op(Op::Identity, &[x]);
            g.add(&[second, long, longest])
        });
        assert_eq!(scores(&graph), (3.0, 1.5));
        // The nearest of two targets counts, and a concatenation is one.
        let graph = network(|g, x| {
            let skip = g.op(Op::Identity, &[x]);
            let near = g.concat(&[skip, x]);
            let near = g.op(Op::ChannelSlice { start: 0, length: 4 }, &[near]);
            g.add(&[near, skip])
        });
        assert_eq!(scores(&graph), (1.0, 0.0));
    }

    #[test]
    fn without_skips_it_is_0_and_without_sums_undefined() {
        assert_eq!(scores(&network(|g, x| g.add(&[x, x]))), (0.0, 0.0));
        let chain = network(|g, x| g.op(Op::Identity, &[x]));
        assert_eq!(SkipCount.score(&chain), Ok(1.0));
        let why = SkipDistance.score(&chain).unwrap_err().to_string();
        assert_eq!(why, "undefined: no cell has a sum, from which a skip's length is counted");
    }

    #[test]
    fn a_skip_of_an_inner_cell_counts_there_alone() {
        let graph = network(|g, x| {
            let before = g.op(Op::Identity, &[x]);
            let sum = g.add(&[x, before]);
            let inner = g.cell("inner", |g| {
                let skip = g.op(Op::Identity, &[sum]);
                let mid = g.add(&[sum]);
                g.add(&[mid, skip])
            });
            let after = g.op(Op::Identity, &[sum]);
            g.add(&[inner, after])
        });
        // The inner skip has length 1, those of the outer cell 0 and 4 - 1 - 1 = 2.
        assert_eq!(scores(&graph), (3.0, 1.0));
    }
}

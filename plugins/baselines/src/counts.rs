//! Numbers of convolutions, anywhere in the cells or on one path.

use crate::cells::{COUNTED, operations};
use osee_sdk::prelude::*;

/// Number of convolutions in cells whose kernel's side in pixels is `wanted`.
fn convolutions(graph: &Graph, wanted: impl Fn(usize) -> bool) -> usize {
    let kernels = operations(graph).filter_map(|op| match op {
        Op::Conv2d { weight, .. } => Some(graph.parameter(*weight).shape()[2]),
        _ => None,
    });
    kernels.filter(|kernel| wanted(*kernel)).count()
}

/// Scores by the number of convolutions inside cells, of any kernel. Depthwise and
/// pointwise ones count each, and so do those that cannot reach the output: a count over
/// the architecture's notation, to which blocks that all architectures share add a
/// constant.
pub struct ConvCount;

impl Baseline for ConvCount {
    fn info() -> EstimatorInfo {
        EstimatorInfo::new("conv_count", "1")
            .group(Group::Fast)
            .summary("convolutions inside cells, dead ones too")
            .citation(COUNTED)
    }
    fn new(_: &Settings) -> Result<Self> {
        Ok(Self)
    }
    fn score(&self, graph: &Graph) -> Result<f64> {
        Ok(convolutions(graph, |_| true) as f64)
    }
}

/// Scores by the number of 3x3 convolutions inside cells, counted as [`ConvCount`] does.
pub struct Conv3x3Count;

impl Baseline for Conv3x3Count {
    fn info() -> EstimatorInfo {
        EstimatorInfo::new("conv3x3_count", "1")
            .group(Group::Fast)
            .summary("3x3 convolutions inside cells, dead ones too")
            .citation(COUNTED)
    }
    fn new(_: &Settings) -> Result<Self> {
        Ok(Self)
    }
    fn score(&self, graph: &Graph) -> Result<f64> {
        Ok(convolutions(graph, |kernel| kernel == 3) as f64)
    }
}

/// Scores by the largest number of convolutions on a path from input to output through
/// live nodes, in and outside of cells; 0 if no such path leads to the output.
pub struct ConvDepth;

impl Baseline for ConvDepth {
    fn info() -> EstimatorInfo {
        EstimatorInfo::new("conv_depth", "1")
            .group(Group::Fast)
            .summary("most convolutions on a path from input to output")
            .citation(COUNTED)
    }
    fn new(_: &Settings) -> Result<Self> {
        Ok(Self)
    }
    fn score(&self, graph: &Graph) -> Result<f64> {
        let deepest = graph.along_live_paths(0, |node, inputs: &[usize]| {
            let deepest = inputs.iter().copied().max()?;
            Some(deepest + usize::from(matches!(node.op, Op::Conv2d { .. })))
        });
        Ok(deepest[graph.output.index()].unwrap_or(0) as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scores(graph: &Graph) -> [f64; 3] {
        [ConvCount.score(graph), Conv3x3Count.score(graph), ConvDepth.score(graph)]
            .map(Result::unwrap)
    }

    /// A stem, a cell in a cell with a dead branch, and a head.
    fn nested(named: bool) -> Graph {
        let mut g = GraphBuilder::new(Shape::square(3, 8));
        let stem = g.conv("stem", g.input(), ConvSpec::same(4, 3));
        let inner = |g: &mut GraphBuilder| {
            let x = g.conv("b", stem, ConvSpec::same(4, 3).groups(4));
            g.conv("c", x, ConvSpec::same(4, 1))
        };
        let outer = |g: &mut GraphBuilder| {
            let a = g.conv("a", stem, ConvSpec::same(4, 5));
            let zero = g.zero(stem, 1);
            let dead = g.conv("dead", zero, ConvSpec::same(4, 3));
            let x = if named { g.cell("inner", inner) } else { inner(g) };
            let last = g.conv("last", x, ConvSpec::same(4, 1));
            g.add(&[a, dead, last])
        };
        let x = if named { g.cell("outer", outer) } else { outer(&mut g) };
        let x = g.conv("head", x, ConvSpec::same(4, 3));
        let x = g.global_avg_pool(x);
        let x = g.linear("classifier", x, 2);
        g.finish(x).unwrap()
    }

    #[test]
    fn counts_are_of_cells_and_depth_is_of_live_paths() {
        // A node of two cells counts once.
        assert_eq!(scores(&nested(true)), [5.0, 2.0, 5.0]);
        // Without cells, everything counts.
        assert_eq!(scores(&nested(false)), [7.0, 4.0, 5.0]);
    }

    #[test]
    fn a_network_that_does_not_see_its_input_has_no_depth() {
        let mut g = GraphBuilder::new(Shape::square(3, 8));
        let x = g.conv("a", g.input(), ConvSpec::same(4, 3));
        let x = g.zero(x, 1);
        let x = g.global_avg_pool(x);
        let x = g.linear("classifier", x, 2);
        assert_eq!(scores(&g.finish(x).unwrap()), [1.0, 1.0, 0.0]);
    }
}

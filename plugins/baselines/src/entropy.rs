//! Entropy of the longest convolution path, in closed form (MAE-DET).

use osee_sdk::prelude::*;
use std::cmp::Ordering;

/// Weights of the last five stages, the last one last.
const WEIGHTS: [f64; 5] = [0.0, 0.0, 1.0, 1.0, 6.0];

/// Scores by the entropy of features along one path from input to output, the live one
/// with most convolutions, and among those with the largest sum of their entropies.
///
/// A convolution's entropy is ln(input channels / groups * kernel side^2) / 2, in nats. A
/// stage of the path ends before the node that halves the side of the feature map, rounded
/// up, and the last one before global pooling. A stage's entropy is the sum of the
/// entropies of all convolutions from the input to its end, plus the logarithm of the
/// number of channels at its end. The score weighs the last five stages by 0, 0, 1, 1
/// and 6; of fewer stages, the last ones have the same weights. Undefined if the output
/// does not depend on the input.
pub struct Entropy;

/// The best path to a node.
#[derive(Clone, Copy)]
struct Path {
    convolutions: usize,
    /// Sum over the convolutions, nats.
    entropy: f64,
    shape: Shape,
    /// Entropies of the last five stages that have ended, the last one last; 0 for others.
    stages: [f64; 5],
}

impl Path {
    /// Compares all that decides the score, so that the order of inputs decides nothing.
    fn compare(&self, other: &Self) -> Ordering {
        let stages = || {
            let pairs = self.stages.iter().zip(&other.stages);
            pairs.map(|(a, b)| a.total_cmp(b)).find(|it| it.is_ne()).unwrap_or(Ordering::Equal)
        };
        let convolutions = self.convolutions.cmp(&other.convolutions);
        convolutions.then(self.entropy.total_cmp(&other.entropy)).then_with(stages)
    }

    /// The path through one more node, of this shape.
    fn through(mut self, shape: Shape) -> Self {
        if ends_stage(self.shape, shape) {
            self.stages.rotate_left(1);
            self.stages[4] = self.entropy + (self.shape.channels() as f64).ln();
        }
        Self { shape, ..self }
    }
}

/// True if a node from one shape to another begins a stage, or is global pooling.
fn ends_stage(from: Shape, to: Shape) -> bool {
    match (from, to) {
        (Shape::Map { height: before, .. }, Shape::Map { height: after, .. }) => {
            after < before && 2 * after <= before + 1
        }
        (Shape::Map { .. }, Shape::Flat { .. }) => true,
        _ => false,
    }
}

impl Baseline for Entropy {
    fn info() -> EstimatorInfo {
        EstimatorInfo::new("entropy", "1")
            .group(Group::Fast)
            .summary("closed-form entropy of the longest convolution path, by stages")
            .citation("Sun et al., MAE-DET, ICML 2022")
    }
    fn new(_: &Settings) -> Result<Self> {
        Ok(Self)
    }
    fn score(&self, graph: &Graph) -> Result<f64> {
        let start =
            Path { convolutions: 0, entropy: 0.0, shape: graph.input_shape(), stages: [0.0; 5] };
        let paths = graph.along_live_paths(start, |node, inputs: &[Path]| {
            let path = inputs.iter().max_by(|a, b| a.compare(b))?.through(node.shape);
            Some(match node.op {
                Op::Conv2d { weight, .. } => {
                    // [out, in / groups, kernel, kernel]
                    let window: usize = graph.parameter(weight).shape()[1..].iter().product();
                    let entropy = path.entropy + (window as f64).ln() / 2.0;
                    Path { convolutions: path.convolutions + 1, entropy, ..path }
                }
                _ => path,
            })
        });
        let path = paths[graph.output.index()]
            .ok_or_else(|| Error::undefined("the output does not depend on the input"))?;
        Ok(path.stages.iter().zip(WEIGHTS).map(|(stage, weight)| weight * stage).sum())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A network whose logits come from the node that `build` returns.
    fn score(side: usize, build: impl FnOnce(&mut GraphBuilder) -> NodeId) -> Result<f64> {
        let mut g = GraphBuilder::new(Shape::square(3, side));
        let x = build(&mut g);
        let x = g.global_avg_pool(x);
        let x = g.linear("classifier", x, 2);
        Entropy.score(&g.finish(x).unwrap())
    }

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-12 * b.abs()
    }

    /// A chain of 3x3 convolutions with stride 2, to these numbers of channels.
    fn chain(g: &mut GraphBuilder, channels: &[usize]) -> NodeId {
        channels.iter().enumerate().fold(g.input(), |x, (at, out)| {
            g.conv(&format!("c{at}"), x, ConvSpec::same(*out, 3).stride(2))
        })
    }

    /// The score of a chain by its definition: a stage per size of the map.
    fn by_hand(channels: &[usize]) -> f64 {
        let all: Vec<usize> = [3].iter().chain(channels).copied().collect();
        let mut stages = Vec::new();
        let mut sum = 0.0;
        for (at, width) in all.iter().enumerate() {
            if at > 0 {
                sum += 0.5 * ((all[at - 1] * 9) as f64).ln();
            }
            stages.push(sum + (*width as f64).ln());
        }
        let weights = [6.0, 1.0, 1.0];
        stages.iter().rev().zip(weights).map(|(stage, weight)| weight * stage).sum()
    }

    #[test]
    fn stages_end_where_the_side_halves_and_the_last_three_count() {
        for channels in [&[][..], &[4], &[4, 6], &[4, 6, 8], &[4, 6, 8, 5, 7, 9]] {
            // 45 is halved to 23, 12, 6, 3, 2 and 1.
            let score = score(45, |g| chain(g, channels)).unwrap();
            assert!(close(score, by_hand(channels)), "{channels:?}: {score}");
        }
    }

    #[test]
    fn a_window_has_the_channels_of_its_group_and_pixels_that_padding_lacks_end_no_stage() {
        let own = score(16, |g| {
            let x = g.conv("a", g.input(), ConvSpec { padding: 0, ..ConvSpec::same(6, 3) });
            let x = g.conv("b", x, ConvSpec::same(6, 5).groups(6));
            g.conv("c", x, ConvSpec::same(8, 1).groups(2))
        });
        let windows = [27.0_f64, 25.0, 3.0].map(|it| it.ln() / 2.0);
        assert!(close(own.unwrap(), 6.0 * (windows.iter().sum::<f64>() + 8.0_f64.ln())));
    }

    #[test]
    fn the_longest_path_counts_and_no_order_of_terms_does() {
        let branches = |order: [usize; 3]| {
            score(16, |g| {
                let wide = g.conv("wide", g.input(), ConvSpec::same(4, 7));
                let first = g.conv("first", g.input(), ConvSpec::same(4, 1));
                let long = g.conv("long", first, ConvSpec::same(4, 1));
                let longer = g.conv("longer", first, ConvSpec::same(4, 3));
                let terms = [wide, long, longer];
                g.add(&order.map(|at| terms[at]))
            })
            .unwrap()
        };
        let wanted = 6.0 * (3.0_f64.ln() / 2.0 + 36.0_f64.ln() / 2.0 + 4.0_f64.ln());
        for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
            assert!(close(branches(order), wanted) && branches(order) == branches([2, 0, 1]));
        }
        // A branch that is shorter by a stage's convolution, but pools, does not count.
        let pooled = score(16, |g| {
            let long = g.conv("long", g.input(), ConvSpec::same(3, 3).stride(2));
            let kind = PoolKind::Max;
            let pool = Pool { kind, kernel: 2, stride: 2, padding: 0, ceil_mode: false };
            let short = g.pool(g.input(), pool);
            g.add(&[short, long])
        });
        assert!(close(pooled.unwrap(), by_hand(&[3])));
    }

    #[test]
    fn a_network_that_does_not_see_its_input_has_none() {
        let why = score(8, |g| g.zero(g.input(), 1)).unwrap_err();
        assert_eq!(why, Error::undefined("the output does not depend on the input"));
    }
}

//! Depth and receptive field of a network.

use super::{Graph, Node, Op};

/// The rows of the unbounded input image that the first row of a value depends on, and the distance
/// in pixels by which they move from one row to the next.
#[derive(Clone, Copy)]
struct Window {
    first: i64,
    last: i64,
    step: i64,
}

impl Graph {
    /// Depth: the largest number of convolutions and local poolings on a path from input to output
    /// through live nodes. Each counts once, whatever its kernel; linear layers and global pooling
    /// do not count. `None` if the output does not depend on the input.
    pub fn depth(&self) -> Option<usize> {
        let reached = self.along_live_paths(0, |node, inputs| {
            let deepest = inputs.iter().copied().max()?;
            Some(deepest + usize::from(matches!(node.op, Op::Conv2d { .. } | Op::Pool(_))))
        });
        reached[self.output.index()]
    }

    /// Receptive field: the side, in pixels, of the smallest square of the input that holds every
    /// pixel on which one position before global pooling depends, over all live paths. Padding
    /// counts as image, so the field may be larger than the image. `None` if the output does not
    /// depend on the input.
    pub fn receptive_field(&self) -> Option<usize> {
        let pixel = Window { first: 0, last: 0, step: 1 };
        let reached = self.along_live_paths(pixel, |node, inputs| {
            let hull = inputs.iter().copied().reduce(|a, b| Window {
                first: a.first.min(b.first),
                last: a.last.max(b.last),
                step: a.step.max(b.step),
            })?;
            Some(self.widened(node, hull))
        });
        let side = |window: Window| (window.last - window.first + 1) as usize;
        let pooled = self.iter().filter(|(_, node)| node.op == Op::GlobalAvgPool);
        let seen = pooled.filter(|(id, _)| reached[id.index()].is_some());
        let sides = seen.filter_map(|(_, node)| reached[node.inputs[0].index()]).map(side);
        sides.max().or_else(|| reached[self.output.index()].map(side))
    }

    /// For each node that a live path from the input reaches, the result of `rule` on the values of
    /// its reached inputs; `input` at the input, `None` elsewhere and where `rule` gives none. So
    /// what depends on nothing but zeros and shifts is not reached.
    pub fn along_live_paths<T: Copy>(
        &self,
        input: T,
        rule: impl Fn(&Node, &[T]) -> Option<T>,
    ) -> Vec<Option<T>> {
        let live = self.live();
        let mut reached: Vec<Option<T>> = vec![None; self.nodes.len()];
        for (id, node) in self.iter().filter(|(id, _)| live[id.index()]) {
            let of_inputs: Vec<T> =
                node.inputs.iter().filter_map(|input| reached[input.index()]).collect();
            reached[id.index()] = match node.op {
                Op::Input => Some(input),
                _ => rule(node, &of_inputs),
            };
        }
        reached
    }

    fn widened(&self, node: &Node, of: Window) -> Window {
        let Window { first, last, step } = of;
        let slide = |kernel: usize, stride: usize, padding: usize, dilation: usize| {
            let (before, reach) = (padding as i64, (dilation * (kernel - 1)) as i64);
            Window {
                first: first - step * before,
                last: last + step * (reach - before),
                step: step * stride as i64,
            }
        };
        match node.op {
            Op::Conv2d { weight, stride, padding, dilation, .. } => {
                let kernel = self.parameter(weight).shape()[2];
                slide(kernel, stride, padding, dilation)
            }
            Op::Pool(pool) => slide(pool.kernel, pool.stride, pool.padding, 1),
            Op::Crop { offset } => {
                let moved = step * offset as i64;
                Window { first: first + moved, last: last + moved, step }
            }
            _ => of,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{ConvSpec, GraphBuilder, Op, Shape};

    #[test]
    fn depth_and_field_are_those_of_the_widest_live_path() {
        let mut g = GraphBuilder::new(Shape::square(3, 32));
        let stem = g.conv("stem", g.input(), ConvSpec::same(4, 3));
        // 3 x 3 with step 2, then dilated 5 x 5: 3 + 2, then 2 * 2 * 4 more.
        let half = g.conv("half", stem, ConvSpec::same(4, 3).stride(2));
        let wide = g.conv("wide", half, ConvSpec::same(4, 5).dilation(2));
        let dead = g.conv("dead", wide, ConvSpec::same(4, 7));
        let dead = g.zero(dead, 1);
        let sum = g.add(&[half, wide, dead]);
        let pooled = g.global_avg_pool(sum);
        let out = g.linear("classifier", pooled, 10);
        let graph = g.finish(out).unwrap();
        assert_eq!((graph.depth(), graph.receptive_field()), (Some(3), Some(3 + 2 + 16)));
    }

    #[test]
    fn the_two_branches_of_a_factorised_reduction_see_two_pixels() {
        let mut g = GraphBuilder::new(Shape::square(3, 8));
        let input = g.input();
        let even = g.conv("even", input, ConvSpec { padding: 0, ..ConvSpec::same(4, 1) }.stride(2));
        let odd = g.op(Op::Crop { offset: 1 }, &[input]);
        let odd = g.conv("odd", odd, ConvSpec { padding: 0, ..ConvSpec::same(4, 1) }.stride(2));
        let both = g.concat(&[even, odd]);
        let pooled = g.global_avg_pool(both);
        let graph = g.finish(pooled).unwrap();
        assert_eq!((graph.depth(), graph.receptive_field()), (Some(1), Some(2)));
    }

    #[test]
    fn what_sees_nothing_has_neither() {
        let mut g = GraphBuilder::new(Shape::square(3, 8));
        let nothing = g.zero(g.input(), 1);
        let shifted = g.batch_norm("bn", nothing, true);
        let pooled = g.global_avg_pool(shifted);
        let out = g.linear("classifier", pooled, 10);
        let graph = g.finish(out).unwrap();
        assert_eq!((graph.depth(), graph.receptive_field()), (None, None));
    }
}

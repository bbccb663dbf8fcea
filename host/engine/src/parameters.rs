//! Initial weights, drawn from osee's own streams.
//!
//! Invariant: a drawn value depends on (seed, space, parameter name, stored
//! shape), and on the architecture for standalone networks; never on the order
//! of drawing. Architectures share a parameter if name and stored shape agree:
//! the 1x1 and the 3x3 convolution of one edge are two parameters.

use osee_model::{
    graph::{Graph, ParamRole, Parameter, Select},
    protocol::{Init, Protocol, Weights},
    seed::stream,
};
use rand_distr::{Distribution, Normal, Uniform};
use std::collections::HashMap;
use tch::Tensor;

/// Draws parameters, and remembers those that all architectures of a seed share.
#[derive(Default)]
pub struct Initialiser {
    shared: HashMap<(u64, String, Vec<usize>), Tensor>,
}

impl Initialiser {
    /// The stored values of a parameter that all architectures of a seed share.
    pub fn supernet(parameter: &Parameter, init: Init, seed: u64, space: &str) -> Tensor {
        let shape = format!("{:?}", parameter.stored);
        draw(parameter, init, seed, &["init", space, &parameter.name, &shape])
    }

    /// The parameters of `graph` for one architecture alone, as
    /// [`draw`](Self::draw) gives them.
    pub fn standalone(
        graph: &Graph,
        init: Init,
        seed: u64,
        space: &str,
        arch: &str,
    ) -> Vec<Tensor> {
        let stored = graph.parameters.iter().map(|it| own(it, init, seed, space, arch));
        parts(graph, &stored.collect::<Vec<_>>())
    }

    /// The parameters of `graph`, f32, in graph order and in the shapes used.
    pub fn draw(
        &mut self,
        graph: &Graph,
        protocol: &Protocol,
        seed: u64,
        space: &str,
        arch: &str,
    ) -> Vec<Tensor> {
        let stored = graph.parameters.iter().map(|parameter| match protocol.weights {
            Weights::Standalone => own(parameter, protocol.init, seed, space, arch),
            Weights::Supernet => self
                .shared
                .entry((seed, parameter.name.clone(), parameter.stored.clone()))
                .or_insert_with(|| Self::supernet(parameter, protocol.init, seed, space))
                .shallow_clone(),
        });
        parts(graph, &stored.collect::<Vec<_>>())
    }
}

/// The stored values of a parameter that belongs to one architecture alone.
fn own(parameter: &Parameter, init: Init, seed: u64, space: &str, arch: &str) -> Tensor {
    let shape = format!("{:?}", parameter.stored);
    draw(parameter, init, seed, &["init", space, &parameter.name, &shape, arch])
}

/// Draws a stored parameter, of shape `parameter.stored`.
fn draw(parameter: &Parameter, init: Init, seed: u64, path: &[&str]) -> Tensor {
    let shape: Vec<i64> = parameter.stored.iter().map(|&n| n as i64).collect();
    let count = parameter.stored.iter().product();
    let mut stream = stream(seed, path);
    let values: Vec<f32> = match law(parameter, init) {
        Law::Constant(value) => vec![value; count],
        Law::Uniform(bound) => {
            let uniform = Uniform::new(-bound, bound).expect("the bound is positive and finite");
            uniform.sample_iter(&mut stream).take(count).collect()
        }
        Law::Normal(deviation) => {
            let normal = Normal::new(0.0, deviation).expect("the deviation is finite");
            normal.sample_iter(&mut stream).take(count).collect()
        }
    };
    Tensor::from_slice(&values).view(shape.as_slice())
}

enum Law {
    Constant(f32),
    Uniform(f32),
    Normal(f32),
}

fn law(parameter: &Parameter, init: Init) -> Law {
    let fan_in = |shape: &[usize]| shape[1..].iter().product::<usize>().max(1) as f32;
    match (parameter.role, init) {
        (ParamRole::NormScale, _) => Law::Constant(1.0),
        (ParamRole::NormShift, _) => Law::Constant(0.0),
        (ParamRole::ConvWeight, Init::KaimingFanOut) => {
            let (out, kernel) = (parameter.stored[0], &parameter.stored[2..]);
            let fan_out = out * kernel.iter().product::<usize>();
            Law::Normal((2.0 / fan_out as f32).sqrt())
        }
        (ParamRole::LinearWeight, Init::KaimingFanOut) => Law::Normal(0.01),
        (ParamRole::ConvWeight | ParamRole::LinearWeight, Init::KaimingFanIn) => {
            Law::Normal((2.0 / fan_in(&parameter.stored)).sqrt())
        }
        (ParamRole::ConvWeight | ParamRole::LinearWeight, Init::StandardNormal) => Law::Normal(1.0),
        (
            ParamRole::Bias { .. },
            Init::KaimingFanOut | Init::KaimingFanIn | Init::StandardNormal,
        ) => Law::Constant(0.0),
        (ParamRole::Bias { fan_in }, _) => Law::Uniform(1.0 / (fan_in.max(1) as f32).sqrt()),
        (ParamRole::ConvWeight | ParamRole::LinearWeight, _) => {
            Law::Uniform(1.0 / fan_in(&parameter.stored).sqrt())
        }
    }
}

/// The parts of the stored parameters that `graph` uses, in graph order; views
/// wherever possible.
pub fn parts(graph: &Graph, stored: &[Tensor]) -> Vec<Tensor> {
    // Many layers ask for the channels of the same residual stream.
    let mut largest: HashMap<(&str, usize), Tensor> = HashMap::new();
    let mut values = Vec::with_capacity(stored.len());
    for (parameter, whole) in graph.parameters.iter().zip(stored) {
        let mut value = whole.shallow_clone();
        for (dim, select) in parameter.part.iter().enumerate() {
            let dim = dim as i64;
            value = match select {
                Select::Range(range) => value.narrow(dim, range.start as i64, range.len() as i64),
                Select::LargestL1 { of, count } => {
                    let indices = largest.entry((of, *count)).or_insert_with(|| {
                        let at = graph.parameters.iter().position(|it| it.name == *of);
                        largest_l1(&stored[at.expect("a valid graph uses it")], *count)
                    });
                    value.index_select(dim, indices)
                }
            };
        }
        values.push(diagonal_blocks(value, parameter.blocks as i64));
    }
    values
}

/// Indices, ascending, of the `count` entries of the first dimension that have the
/// largest L1 norm.
fn largest_l1(stored: &Tensor, count: usize) -> Tensor {
    let norms =
        stored.detach().abs().flatten(1, -1).sum_dim_intlist([1i64].as_slice(), false, None);
    norms.topk(count as i64, 0, true, false).1.sort(0, false).0
}

/// The part of `[out, in, k, k]` that connects channels of the same group:
/// `[out, in / blocks, k, k]`.
fn diagonal_blocks(value: Tensor, blocks: i64) -> Tensor {
    if blocks <= 1 {
        return value;
    }
    let [out, inputs] = [0, 1].map(|dim| value.size()[dim] / blocks);
    let block = |i: i64| value.narrow(0, i * out, out).narrow(1, i * inputs, inputs);
    Tensor::cat(&(0..blocks).map(block).collect::<Vec<_>>(), 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_device::device;
    use osee_model::graph::{ConvSpec, GraphBuilder, Shape, Shared};

    /// A convolution 3 -> `output`, followed by one in groups.
    fn graph(output: &Shared, groups: usize) -> Graph {
        let mut g = GraphBuilder::new(Shape::square(3, 4));
        let count = output.used.count();
        let spec = ConvSpec::same(count, 3);
        let x = g.shared_conv("first", g.input(), spec, [output, &Shared::whole(3)]);
        let x = g.shared_conv("second", x, spec.groups(groups), [output, output]);
        let x = g.shared_norm("norm", x, true, output);
        let x = g.global_avg_pool(x);
        let x = g.shared_linear("head", x, 5, output);
        let graph = g.finish(x).unwrap();
        graph.validate().unwrap();
        graph
    }

    fn stored(graph: &Graph) -> Vec<Tensor> {
        let device = device();
        let draw =
            |it: &Parameter| Initialiser::supernet(it, Init::Pytorch, 7, "test").to_device(device);
        graph.parameters.iter().map(draw).collect()
    }

    fn equal(a: &Tensor, b: &Tensor) -> bool {
        a.size() == b.size() && (a - b).abs().max().double_value(&[]) == 0.0
    }

    #[test]
    fn the_first_channels_are_a_view_of_the_stored_weights() {
        let graph = graph(&Shared::first(8, 4), 1);
        let stored = stored(&graph);
        let parts = parts(&graph, &stored);
        assert!(equal(&parts[1], &stored[1].narrow(0, 0, 4).narrow(1, 0, 4)));
        assert_eq!(parts[1].data_ptr(), stored[1].data_ptr());
        let sizes: Vec<Vec<i64>> = parts.iter().map(Tensor::size).collect();
        assert_eq!(sizes[0], [4, 3, 3, 3]);
        assert_eq!(sizes[2..], [vec![4], vec![4], vec![5, 4], vec![5]]);
    }

    #[test]
    fn groups_compute_what_the_dense_kernel_does_within_each_group() {
        let graph = graph(&Shared::first(8, 4), 2);
        let stored = stored(&graph);
        let parts = parts(&graph, &stored);
        // The dense kernel, with everything between different groups set to zero.
        let dense = stored[1].narrow(0, 0, 4).narrow(1, 0, 4).copy();
        let _ = dense.narrow(0, 0, 2).narrow(1, 2, 2).zero_();
        let _ = dense.narrow(0, 2, 2).narrow(1, 0, 2).zero_();
        let x =
            Tensor::randn([2, 4, 5, 5], (tch::Kind::Float, tch::Device::Cpu)).to_device(device());
        let none: Option<&Tensor> = None;
        let conv = |w: &Tensor, groups: i64| x.conv2d(w, none, [1, 1], [1, 1], [1, 1], groups);
        let difference = (conv(&parts[1], 2) - conv(&dense, 1)).abs().max().double_value(&[]);
        assert!(difference < 1e-6, "{difference}");
    }

    #[test]
    fn the_largest_channels_are_those_of_the_filters_that_decide() {
        let used = Select::LargestL1 { of: "first.weight".to_owned(), count: 2 };
        let graph = graph(&Shared { stored: 4, used }, 1);
        let mut stored = stored(&graph);
        let scale =
            Tensor::from_slice(&[1.0f32, 50.0, 2.0, 90.0]).view([4, 1, 1, 1]).to_device(device());
        stored[0] = &stored[0] * scale;
        let parts = parts(&graph, &stored);
        let at = Tensor::from_slice(&[1i64, 3]).to_device(device());
        assert!(equal(&parts[0], &stored[0].index_select(0, &at)));
        let second = stored[1].index_select(0, &at).index_select(1, &at);
        assert!(equal(&parts[1], &second));
        assert!(equal(&parts[4], &stored[4].index_select(1, &at)));
    }

    #[test]
    fn gradients_reach_the_stored_weights_and_only_what_was_used() {
        let graph = graph(&Shared::first(8, 4), 2);
        let stored: Vec<Tensor> =
            stored(&graph).into_iter().map(|it| it.set_requires_grad(true)).collect();
        let part = &parts(&graph, &stored)[1];
        let gradient = Tensor::run_backward(&[part.sum(None)], &[&stored[1]], false, false);
        // Two groups of 2 x 2 channels with 3 x 3 taps.
        assert_eq!(gradient[0].sum(None).double_value(&[]), (2 * 4 * 9) as f64);
        assert_eq!(gradient[0].narrow(0, 4, 4).abs().max().double_value(&[]), 0.0);
    }
}

//! The largest network that is accepted, so that arithmetic on it cannot overflow and one network
//! of an unknown search space cannot exhaust memory.

use super::{Graph, GraphError, Node, Op, ParamRole, Parameter, Pool, Select, Shape};
use std::collections::HashMap;

/// Most nodes, parameters or cells of a graph; the largest network of the paper's spaces has some
/// thousands.
pub const NODES: usize = 100_000;
/// Largest side, number of channels, kernel, stride, padding or dilation.
pub const SIDE: usize = 1 << 20;
/// Most scalars in one sample's value at a node, and in all stored parameters together.
pub const SCALARS: usize = 1 << 31;
/// Most FLOPs, as [`Cost::flops`](super::Cost::flops) counts them. Up to this number an `f64` score
/// is exact, and no sum of FLOPs overflows.
pub const FLOPS: usize = 1 << 53;

/// Refuses a graph that exceeds these bounds or has invalid numbers.
pub(super) fn check(graph: &Graph) -> Result<(), GraphError> {
    for (what, count) in [
        ("nodes", graph.nodes.len()),
        ("parameters", graph.parameters.len()),
        ("cells", graph.cells.len()),
    ] {
        if count > NODES {
            return Err(too_large(format!("a graph of {count} {what}"), NODES));
        }
    }
    if graph.nodes.is_empty() {
        return Err(GraphError::Order { node: 0, reason: "the graph has no nodes".to_owned() });
    }
    for (index, node) in graph.nodes.iter().enumerate() {
        let wrong = |reason| GraphError::Shape { node: index, op: node.op.name(), reason };
        sides(node.shape).map_err(wrong)?;
        numbers(&node.op).map_err(wrong)?;
    }
    parameters(&graph.parameters)
}

/// Refuses a graph with too many FLOPs. Its shapes and parameters must have been checked.
pub(super) fn work(graph: &Graph) -> Result<(), GraphError> {
    // A convolution has 2^62 at most, and there are 100,000 nodes.
    let of = |node: &Node| match node.op {
        Op::Conv2d { weight, .. } => {
            graph.parameter(weight).numel() as u128 * node.shape.pixels() as u128
        }
        Op::Linear { weight, bias } => {
            let bias = bias.map_or(0, |bias| graph.parameter(bias).numel());
            (graph.parameter(weight).numel() + bias) as u128
        }
        _ => 0,
    };
    match graph.nodes.iter().map(of).sum::<u128>() {
        all if all > FLOPS as u128 => Err(too_large(format!("a network of {all} FLOPs"), FLOPS)),
        _ => Ok(()),
    }
}

fn too_large(what: String, limit: usize) -> GraphError {
    GraphError::TooLarge { what, limit }
}

fn sides(shape: Shape) -> Result<(), String> {
    let sides = match shape {
        Shape::Map { channels, height, width } => [channels, height, width],
        Shape::Flat { features } => [features, 1, 1],
    };
    match sides.iter().find(|side| !(1..=SIDE).contains(side)) {
        Some(_) => Err(format!("{shape} has a side that is not 1 to {SIDE}")),
        // Three sides of 2^20 fit 64 bits.
        None if shape.numel() > SCALARS => {
            Err(format!("{shape} has {} scalars, at most {SCALARS} are taken", shape.numel()))
        }
        None => Ok(()),
    }
}

fn numbers(op: &Op) -> Result<(), String> {
    let whole: [usize; 4] = match *op {
        Op::Conv2d { stride, padding, dilation, groups, .. } => [stride, padding, dilation, groups],
        Op::Pool(Pool { kernel, stride, padding, .. }) => [kernel, stride, padding, 0],
        Op::Zero { stride } => [stride, 0, 0, 0],
        Op::ChannelSlice { start, length } => [start, length, 0, 0],
        Op::Crop { offset } => [offset, 0, 0, 0],
        _ => [0; 4],
    };
    if let Some(number) = whole.iter().find(|number| **number > SIDE) {
        return Err(format!("{number} is more than {SIDE}"));
    }
    match *op {
        Op::BatchNorm { eps, .. } if !eps.is_finite() || eps < 0.0 => {
            Err(format!("eps is {eps}, and must be 0 or more"))
        }
        Op::Dropout { probability } if !(0.0..1.0).contains(&probability) => {
            Err(format!("the probability is {probability}, and must be from 0 to below 1"))
        }
        _ => Ok(()),
    }
}

/// Checks that dimensions fit their roles, and how many scalars all parameters have together.
fn parameters(parameters: &[Parameter]) -> Result<(), GraphError> {
    let mut all = 0usize;
    let mut stored: HashMap<&str, &[usize]> = HashMap::new();
    for parameter in parameters {
        stored.entry(&parameter.name).or_insert(&parameter.stored);
        let scalars = parameter.stored.iter().try_fold(1usize, |all, n| all.checked_mul(*n));
        all = all.saturating_add(scalars.unwrap_or(usize::MAX));
        if all > SCALARS {
            let what =
                format!("parameter `{}`, with those before it, of {all} scalars", parameter.name);
            return Err(too_large(what, SCALARS));
        }
        let wanted = match parameter.role {
            ParamRole::ConvWeight => 4,
            ParamRole::LinearWeight => 2,
            ParamRole::Bias { .. } | ParamRole::NormScale | ParamRole::NormShift => 1,
        };
        if parameter.stored.len() != wanted || scalars == Some(0) {
            return Err(GraphError::Slice {
                name: parameter.name.clone(),
                slice: format!("a {:?} of {wanted} dimensions above 0", parameter.role),
                stored: format!("{:?}", parameter.stored),
            });
        }
    }
    // Indices chosen by another parameter's weights must be valid in both parameters.
    for parameter in parameters {
        for (select, own) in parameter.part.iter().zip(&parameter.stored) {
            if let Select::LargestL1 { of, .. } = select
                && let Some(other) = stored.get(of.as_str())
                && other[0] != *own
            {
                return Err(GraphError::Slice {
                    name: parameter.name.clone(),
                    slice: format!("a choice among the {} of `{of}`", other[0]),
                    stored: format!("{:?}", parameter.stored),
                });
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::{ConvSpec, GraphBuilder, NodeId};
    use super::*;

    fn small() -> Graph {
        let mut g = GraphBuilder::new(Shape::square(3, 8));
        let x = g.conv("conv", g.input(), ConvSpec::same(4, 3));
        let x = g.global_avg_pool(x);
        let x = g.linear("classifier", x, 10);
        g.finish(x).unwrap()
    }

    fn refused(change: impl Fn(&mut Graph)) -> String {
        let mut graph = small();
        assert_eq!(graph.validate(), Ok(()));
        change(&mut graph);
        graph.validate().unwrap_err().to_string()
    }

    #[test]
    fn numbers_that_would_overflow_are_refused_by_name() {
        let conv = |change: fn(&mut Op)| move |graph: &mut Graph| change(&mut graph.nodes[1].op);
        let padding = refused(conv(|op| {
            if let Op::Conv2d { padding, .. } = op {
                *padding = usize::MAX;
            }
        }));
        assert!(padding.contains("node 1 (conv2d): 18446744073709551615 is more"), "{padding}");
        let dilation = refused(conv(|op| {
            if let Op::Conv2d { dilation, .. } = op {
                *dilation = usize::MAX / 2;
            }
        }));
        assert!(dilation.contains("is more than 1048576"), "{dilation}");
        let slice = refused(conv(|op| *op = Op::ChannelSlice { start: usize::MAX, length: 2 }));
        assert!(slice.contains("channel_slice"), "{slice}");
        let eps = refused(conv(|op| *op = Op::BatchNorm { affine: None, eps: f64::NAN }));
        assert!(eps.contains("eps is NaN"), "{eps}");
        let input = refused(|graph| graph.nodes[0].shape = Shape::square(1 << 20, 1 << 20));
        assert!(input.contains("scalars"), "{input}");
        let none = refused(|graph| graph.nodes[0].shape = Shape::square(3, 0));
        assert!(none.contains("not 1 to 1048576"), "{none}");
    }

    #[test]
    fn flops_that_would_wrap_are_refused_and_the_most_are_counted() {
        // 2^31 pixels, each a sum of 32,767 x 32,767: 2^61 per convolution.
        let chain = |count: usize, kernel: usize| {
            let input = Shape::Map { channels: 1, height: 1 << 15, width: 1 << 16 };
            let mut g = GraphBuilder::new(input);
            let mut x = g.input();
            for _ in 0..count {
                x = g.conv("conv", x, ConvSpec::same(1, kernel));
            }
            let x = g.global_avg_pool(x);
            let x = g.linear("classifier", x, 2);
            g.finish(x)
        };
        for count in [1, 8, 14] {
            let said = chain(count, 32_767).unwrap_err().to_string();
            assert!(said.starts_with("a network of ") && said.contains(" FLOPs is"), "{said}");
            assert!(said.ends_with("at most 9007199254740992 are taken"), "{said}");
        }
        let graph = chain(14, 255).unwrap();
        let flops = 14 * 255 * 255 * (1u64 << 31) + 2 + 2;
        assert_eq!((graph.cost().flops(), graph.validate()), (flops, Ok(())));
        // A graph that no builder made.
        let mut wide = graph;
        wide.nodes.truncate(2);
        let weight = &mut wide.parameters[0];
        weight.stored = vec![1, 1, 32_767, 32_767];
        assert!(work(&wide).unwrap_err().to_string().contains("FLOPs"));
    }

    #[test]
    fn parameters_beyond_memory_or_of_another_rank_are_refused() {
        let huge = refused(|graph| graph.parameters[0].stored = vec![usize::MAX, 2, 1, 1]);
        assert!(huge.contains("`conv.weight`, with those before it"), "{huge}");
        let flat = refused(|graph| graph.parameters[0].stored = Vec::new());
        assert!(flat.contains("4 dimensions above 0"), "{flat}");
        let empty = refused(|graph| graph.parameters[0].stored[0] = 0);
        assert!(empty.contains("4 dimensions above 0"), "{empty}");
    }

    #[test]
    fn a_graph_of_a_million_nodes_or_of_none_is_refused() {
        let node = small().nodes[1].clone();
        let many = refused(|graph| graph.nodes.extend(vec![node.clone(); 1_000_000]));
        assert!(many.starts_with("a graph of 1000004 nodes is too large"), "{many}");
        assert!(many.contains("at most 100000"), "{many}");
        let none = refused(|graph| graph.nodes.clear());
        assert!(none.contains("no nodes"), "{none}");
        let outside = refused(|graph| graph.output = NodeId::new(77));
        assert!(outside.contains("not in the graph"), "{outside}");
    }
}

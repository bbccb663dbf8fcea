//! The same network with as few channels as its operations allow.

use super::{Graph, Op, Parameter, Shape};

impl Graph {
    /// The network with all channels between the input and the logits divided by their greatest
    /// common divisor. Its parameters keep names and roles, and none is part of a larger one.
    /// `None` if nothing can be divided.
    pub fn thinned(&self) -> Option<Graph> {
        let scaled = self.scaled()?;
        let channels = self.nodes.iter().zip(&scaled).filter(|(_, scaled)| **scaled);
        let divisor = channels.map(|(node, _)| node.shape.channels()).fold(0, gcd);
        if divisor <= 1 {
            return None;
        }
        let mut thin = self.clone();
        for (i, node) in thin.nodes.iter_mut().enumerate() {
            if scaled[i] {
                node.shape = divided(node.shape, divisor);
            }
            let from_scaled = node.inputs.first().is_some_and(|input| scaled[input.index()]);
            match &mut node.op {
                Op::Conv2d { weight, bias, groups, .. } => {
                    let before = &self.nodes[node.inputs[0].index()];
                    let inputs = before.shape.channels() / if from_scaled { divisor } else { 1 };
                    let outputs = node.shape.channels();
                    if *groups == before.shape.channels() && from_scaled {
                        *groups = inputs;
                    }
                    if !inputs.is_multiple_of(*groups) || !outputs.is_multiple_of(*groups) {
                        return None;
                    }
                    let kernel = self.parameter(*weight).shape()[2];
                    let shape = [outputs, inputs / *groups, kernel, kernel];
                    let parameter = &mut thin.parameters[weight.index()];
                    *parameter = whole(parameter, &shape);
                    if let Some(bias) = bias {
                        let parameter = &mut thin.parameters[bias.index()];
                        *parameter = whole(parameter, &[outputs]);
                    }
                }
                Op::BatchNorm { affine: Some(pair), .. } => {
                    for id in pair {
                        let parameter = &mut thin.parameters[id.index()];
                        *parameter = whole(parameter, &[node.shape.channels()]);
                    }
                }
                Op::Linear { weight, .. } => {
                    let before = self.nodes[node.inputs[0].index()].shape.channels();
                    let inputs = before / if from_scaled { divisor } else { 1 };
                    let parameter = &mut thin.parameters[weight.index()];
                    *parameter = whole(parameter, &[node.shape.channels(), inputs]);
                }
                Op::ChannelSlice { start, length } => {
                    if !start.is_multiple_of(divisor) || !length.is_multiple_of(divisor) {
                        return None;
                    }
                    (*start, *length) = (*start / divisor, *length / divisor);
                }
                _ => {}
            }
        }
        thin.validate().ok()?;
        Some(thin)
    }

    /// For each node, whether its channels shrink: those of convolutions and of what follows them
    /// do, and those of the input and of linear layers do not. `None` if an operation joins both.
    fn scaled(&self) -> Option<Vec<bool>> {
        let mut scaled: Vec<bool> = Vec::with_capacity(self.nodes.len());
        for node in &self.nodes {
            let mut inputs = node.inputs.iter().map(|input| scaled[input.index()]);
            let value = match node.op {
                Op::Input | Op::Linear { .. } => false,
                Op::Conv2d { .. } => true,
                _ => {
                    let first = inputs.next()?;
                    if inputs.any(|other| other != first) {
                        return None;
                    }
                    first
                }
            };
            scaled.push(value);
        }
        Some(scaled)
    }
}

fn divided(shape: Shape, divisor: usize) -> Shape {
    match shape {
        Shape::Map { channels, height, width } => {
            Shape::Map { channels: channels / divisor, height, width }
        }
        Shape::Flat { features } => Shape::Flat { features: features / divisor },
    }
}

/// A parameter of the same name and role that is used completely.
fn whole(parameter: &Parameter, shape: &[usize]) -> Parameter {
    Parameter::whole(parameter.name.clone(), parameter.role, shape)
}

fn gcd(a: usize, b: usize) -> usize {
    match b {
        0 => a,
        b => gcd(b, a % b),
    }
}

#[cfg(test)]
mod tests {
    use crate::graph::{ConvSpec, GraphBuilder, Op, Shape};

    #[test]
    fn channels_are_divided_by_what_all_have_in_common() {
        let mut g = GraphBuilder::new(Shape::square(3, 8));
        let x = g.conv("stem", g.input(), ConvSpec::same(16, 3));
        let x = g.batch_norm("norm", x, true);
        let x = g.conv("depthwise", x, ConvSpec::same(16, 3).groups(16));
        let x = g.conv("wide", x, ConvSpec::same(48, 1));
        let x = g.global_avg_pool(x);
        let x = g.linear("head", x, 10);
        let thin = g.finish(x).unwrap().thinned().unwrap();
        let shapes: Vec<Vec<usize>> = thin.parameters.iter().map(|it| it.shape()).collect();
        let expected: [&[usize]; 7] =
            [&[1, 3, 3, 3], &[1], &[1], &[1, 1, 3, 3], &[3, 1, 1, 1], &[10, 3], &[10]];
        assert_eq!(shapes, expected);
        assert!(matches!(thin.nodes[3].op, Op::Conv2d { groups: 1, .. }));
    }

    #[test]
    fn what_cannot_be_divided_is_not() {
        let mut g = GraphBuilder::new(Shape::square(3, 8));
        let x = g.conv("odd", g.input(), ConvSpec::same(5, 3));
        let x = g.conv("even", x, ConvSpec::same(4, 3));
        let x = g.global_avg_pool(x);
        let x = g.linear("head", x, 10);
        assert!(g.finish(x).unwrap().thinned().is_none());
    }
}

//! Parameters and floating-point operations, counted from the graph.

use super::{Graph, Op};
use serde::{Deserialize, Serialize};

/// What one forward pass of one image costs, by kind, so that each
/// benchmark's own convention is a sum of these.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cost {
    /// Trainable scalars: weights, biases and affine pairs.
    pub params: u64,
    /// Multiply-accumulates of convolutions.
    pub conv_macs: u64,
    /// Multiply-accumulates of linear layers.
    pub linear_macs: u64,
    /// Additions of biases of linear layers.
    pub linear_bias: u64,
    /// Elements that batch normalisations write.
    pub norm_elements: u64,
}

impl Cost {
    /// FLOPs as NAS-Bench-201 counts them: multiply-accumulates of
    /// convolutions and linear layers plus the linear layers' biases; batch
    /// normalisation, activations, pooling and additions are free.
    pub fn flops(&self) -> u64 {
        self.conv_macs.saturating_add(self.linear_macs).saturating_add(self.linear_bias)
    }
}

impl Graph {
    /// Cost of the network as declared, work that cannot reach the output
    /// included: the benchmarks count it too. Of a graph that keeps its
    /// [bounds](super::bounds) every number is exact, as a score as well.
    pub fn cost(&self) -> Cost {
        let mut cost = Cost {
            params: self.parameters.iter().map(|p| p.numel() as u64).sum(),
            ..Cost::default()
        };
        for node in &self.nodes {
            let pixels = node.shape.pixels() as u64;
            match node.op {
                Op::Conv2d { weight, .. } => {
                    let macs = (self.parameter(weight).numel() as u64).saturating_mul(pixels);
                    cost.conv_macs = cost.conv_macs.saturating_add(macs);
                }
                Op::Linear { weight, bias } => {
                    cost.linear_macs += self.parameter(weight).numel() as u64;
                    cost.linear_bias += bias.map_or(0, |b| self.parameter(b).numel() as u64);
                }
                Op::BatchNorm { .. } => cost.norm_elements += node.shape.numel() as u64,
                _ => {}
            }
        }
        cost
    }
}

//! Numbers of parameters and floating-point operations, counted from the graph.

use super::{Graph, Op};
use serde::{Deserialize, Serialize};

/// The cost of one forward pass of one image, split by kind, so that every benchmark's convention
/// is a sum of these numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cost {
    /// Trainable scalars: weights, biases, and the scales and shifts of normalisations.
    pub params: u64,
    /// Multiply-accumulates of convolutions.
    pub conv_macs: u64,
    /// Multiply-accumulates of linear layers.
    pub linear_macs: u64,
    /// Additions of the biases of linear layers.
    pub linear_bias: u64,
    /// Elements written by batch normalisations.
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
    /// The cost of the network as declared. Work that cannot reach the output is included, because
    /// the benchmarks count it too. Within the [bounds](super::bounds) every number is exact, also
    /// as a score.
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

//! Which nodes can influence the output.

use super::{Graph, Op};

impl Graph {
    /// For each node, true if its value is zero for every input and all parameters.
    pub fn constant_zero(&self) -> Vec<bool> {
        let mut zero = vec![false; self.nodes.len()];
        for (id, node) in self.iter() {
            let mut inputs = node.inputs.iter().map(|input| zero[input.index()]);
            zero[id.index()] = match node.op {
                Op::Zero { .. } => true,
                // A bias or an affine shift makes zeros nonzero.
                Op::Input
                | Op::Conv2d { bias: Some(_), .. }
                | Op::Linear { bias: Some(_), .. }
                | Op::BatchNorm { affine: Some(_), .. } => false,
                _ => inputs.all(|zero| zero),
            };
        }
        zero
    }

    /// For each node, true if it must be computed: its value can reach the output and is not always
    /// zero.
    pub fn live(&self) -> Vec<bool> {
        let zero = self.constant_zero();
        let mut live = vec![false; self.nodes.len()];
        live[self.output.index()] = true;
        for index in (0..self.nodes.len()).rev() {
            if !live[index] || zero[index] {
                continue;
            }
            let node = &self.nodes[index];
            for input in &node.inputs {
                // A zero summand is skipped; every other consumer needs at least the shape of its
                // input.
                if node.op != Op::Add || !zero[input.index()] {
                    live[input.index()] = true;
                }
            }
        }
        for (live, zero) in live.iter_mut().zip(&zero) {
            *live &= !zero;
        }
        live
    }
}

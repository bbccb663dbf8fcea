//! Isomorphism: two graphs that compute the same function by the same
//! operations, whatever their nodes and parameters are called.

use super::{Graph, Op};
use sha2::{Digest, Sha256};
use std::fmt;

/// Canonical form of a graph, as 128 bits of SHA-256.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint(u128);

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl Graph {
    /// Canonical form, by the rule that the NAS-Bench-201 isomorphism groups
    /// follow: a node is the multiset of its summands, an identity is its
    /// input, an operation on nothing (a zero, or a sum of exactly one zero)
    /// is nothing. A sum of several zeros is kept apart from a single zero,
    /// as the study does; collapsing them would give 6,285 groups instead of
    /// its 6,466.
    pub fn fingerprint(&self) -> Fingerprint {
        let nothing = digest(&[b"nothing"], &[]);
        let mut prints: Vec<u128> = Vec::with_capacity(self.nodes.len());
        for node in &self.nodes {
            let inputs: Vec<u128> = node.inputs.iter().map(|id| prints[id.index()]).collect();
            let print = match (&node.op, inputs.as_slice()) {
                (Op::Zero { .. }, _) => nothing,
                (Op::Identity | Op::Dropout { .. } | Op::Add | Op::Concat, &[only]) => only,
                (_, &[only]) if only == nothing => nothing,
                (Op::Add, _) => {
                    let mut summands = inputs;
                    summands.sort_unstable();
                    digest(&[b"add"], &summands)
                }
                (op, inputs) => digest(
                    &[self.describe(op).as_bytes(), node.shape_bytes().as_bytes()],
                    inputs,
                ),
            };
            prints.push(print);
        }
        Fingerprint(prints[self.output.index()])
    }

    /// The operation without the names of its parameters.
    fn describe(&self, op: &Op) -> String {
        let shape = |id| self.parameter(id).shape();
        match *op {
            Op::Conv2d {
                weight,
                bias,
                stride,
                padding,
                dilation,
                groups,
            } => format!(
                "conv {:?} {} {stride} {padding} {dilation} {groups}",
                shape(weight),
                bias.is_some()
            ),
            Op::Linear { weight, bias } => format!("linear {:?} {}", shape(weight), bias.is_some()),
            Op::BatchNorm { affine, eps } => format!("norm {} {eps}", affine.is_some()),
            ref other => format!("{other:?}"),
        }
    }
}

impl super::Node {
    fn shape_bytes(&self) -> String {
        self.shape.to_string()
    }
}

fn digest(labels: &[&[u8]], inputs: &[u128]) -> u128 {
    let mut hash = Sha256::new();
    for label in labels {
        hash.update((label.len() as u64).to_le_bytes());
        hash.update(label);
    }
    for input in inputs {
        hash.update(input.to_le_bytes());
    }
    let bytes: [u8; 16] = hash.finalize()[..16]
        .try_into()
        .expect("SHA-256 has 32 bytes");
    u128::from_le_bytes(bytes)
}

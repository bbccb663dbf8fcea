//! Isomorphism: whether two graphs compute the same function by the same operations, whatever the
//! names of their nodes and parameters.

use super::{Graph, Op};
use sha2::{Digest, Sha256};
use std::{collections::HashMap, fmt};

/// Canonical form of a graph, as 128 bits of SHA-256.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint(u128);

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl Graph {
    /// Canonical form of the function. An identity equals its input; a sum is the multiset of its
    /// summands, with nested sums flattened and zeros dropped; an operation on zeros is zero.
    ///
    /// A search space's own canonical form may be finer, because the published isomorphism groups
    /// are finer: the paper's 6,466 groups of NAS-Bench-201 have 4,930 functions.
    pub fn fingerprint(&self) -> Fingerprint {
        let nothing = digest(&[b"nothing"], &[]);
        let mut prints: Vec<u128> = Vec::with_capacity(self.nodes.len());
        let mut sums: HashMap<u128, Vec<u128>> = HashMap::new();
        for node in &self.nodes {
            let inputs: Vec<u128> = node.inputs.iter().map(|id| prints[id.index()]).collect();
            let print = match (&node.op, inputs.as_slice()) {
                (Op::Zero { .. }, _) => nothing,
                (Op::Identity | Op::Dropout { .. } | Op::Add | Op::Concat, &[only]) => only,
                (_, &[only]) if only == nothing => nothing,
                (Op::Add, _) => {
                    let parts = |print: &u128| sums.get(print).cloned().unwrap_or(vec![*print]);
                    let mut summands: Vec<u128> = inputs.iter().flat_map(parts).collect();
                    summands.retain(|summand| *summand != nothing);
                    summands.sort_unstable();
                    if summands.len() < 2 {
                        prints.push(summands.first().copied().unwrap_or(nothing));
                        continue;
                    }
                    let print = digest(&[b"add"], &summands);
                    sums.insert(print, summands);
                    print
                }
                (op, inputs) => {
                    digest(&[self.describe(op).as_bytes(), node.shape_bytes().as_bytes()], inputs)
                }
            };
            prints.push(print);
        }
        Fingerprint(prints[self.output.index()])
    }

    /// Text of the operation without the names of its parameters.
    fn describe(&self, op: &Op) -> String {
        let shape = |id| self.parameter(id).shape();
        match *op {
            Op::Conv2d { weight, bias, stride, padding, dilation, groups } => format!(
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
    let bytes: [u8; 16] = hash.finalize()[..16].try_into().expect("SHA-256 has 32 bytes");
    u128::from_le_bytes(bytes)
}

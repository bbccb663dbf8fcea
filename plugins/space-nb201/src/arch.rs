//! An architecture: one operation per edge, in the benchmark's notation.

use osee_sdk::{core::settings::nearest, prelude::*};
use std::{fmt, str::FromStr};

/// What an edge does with the node it comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EdgeOp {
    /// Zeros.
    None,
    /// The node itself.
    Skip,
    /// ReLU, 1x1 convolution, batch normalisation.
    Conv1x1,
    /// ReLU, 3x3 convolution, batch normalisation.
    Conv3x3,
    /// 3x3 average pooling.
    AvgPool,
}

impl EdgeOp {
    /// All operations, in the benchmark's order.
    pub const ALL: [Self; 5] =
        [Self::None, Self::Skip, Self::Conv1x1, Self::Conv3x3, Self::AvgPool];

    /// Name in the notation.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Skip => "skip_connect",
            Self::Conv1x1 => "nor_conv_1x1",
            Self::Conv3x3 => "nor_conv_3x3",
            Self::AvgPool => "avg_pool_3x3",
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|op| op.name() == name)
    }
}

/// Edges `(to, from)` in the order of the notation.
pub const EDGES: [(usize, usize); 6] = [(1, 0), (2, 0), (2, 1), (3, 0), (3, 1), (3, 2)];

/// A cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Arch([EdgeOp; 6]);

impl Arch {
    /// Number of architectures.
    pub const COUNT: u64 = 5u64.pow(6);

    /// The architecture with this number, see
    /// [`Nb201::architecture`](crate::Nb201).
    pub fn from_index(index: u64) -> Option<Self> {
        let mut rest = usize::try_from(index).ok().filter(|_| index < Self::COUNT)?;
        let mut ops = [EdgeOp::None; 6];
        for op in ops.iter_mut().rev() {
            *op = EdgeOp::ALL[rest % 5];
            rest /= 5;
        }
        Some(Self(ops))
    }

    /// Operations with their edges `(to, from)`.
    pub fn edges(&self) -> impl Iterator<Item = ((usize, usize), EdgeOp)> {
        EDGES.into_iter().zip(self.0)
    }

    /// The isomorphism key of the study: a node is the sorted sum of its
    /// incoming terms; an edge without operation, or from a node that is
    /// nothing (`#`), is `#`. A sum of several nothings is not nothing:
    /// collapsing it would give 6,285 groups instead of the study's 6,466.
    pub fn canonical(&self) -> String {
        let mut nodes = vec!["0".to_owned()];
        for to in 1..4 {
            let mut terms: Vec<String> = self
                .edges()
                .filter(|((node, _), _)| *node == to)
                .map(|((_, from), op)| match (op, nodes[from].as_str()) {
                    (EdgeOp::None, _) | (_, "#") => "#".to_owned(),
                    (EdgeOp::Skip, value) => value.to_owned(),
                    (op, value) => format!("({value})@{}", op.name()),
                })
                .collect();
            terms.sort_unstable();
            nodes.push(terms.join("+"));
        }
        nodes.swap_remove(3)
    }

    /// Whether a convolution lies on a path of operations from the first node
    /// to the last.
    pub fn has_live_convolution(&self) -> bool {
        // Paths without and with a convolution, to each node.
        let (mut plain, mut convolved) = ([true, false, false, false], [false; 4]);
        for ((to, from), op) in self.edges() {
            let convolves = matches!(op, EdgeOp::Conv1x1 | EdgeOp::Conv3x3);
            if op != EdgeOp::None {
                plain[to] |= plain[from] && !convolves;
                convolved[to] |= convolved[from] || plain[from] && convolves;
            }
        }
        convolved[3]
    }

    /// The 24 architectures with one other operation.
    pub fn mutations(&self) -> Vec<Mutation> {
        let mut mutations = Vec::with_capacity(24);
        for (i, (to, from)) in EDGES.into_iter().enumerate() {
            for op in EdgeOp::ALL.into_iter().filter(|op| *op != self.0[i]) {
                let mut ops = self.0;
                ops[i] = op;
                mutations.push(Mutation {
                    arch: Self(ops).to_string(),
                    decision: format!("edge {to}<-{from}"),
                    from: self.0[i].name().to_owned(),
                    to: op.name().to_owned(),
                });
            }
        }
        mutations
    }
}

impl fmt::Display for Arch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for ((to, from), op) in self.edges() {
            match (to, from) {
                (1, 0) => f.write_str("|")?,
                (_, 0) => f.write_str("+|")?,
                _ => {}
            }
            write!(f, "{}~{from}|", op.name())?;
        }
        Ok(())
    }
}

impl FromStr for Arch {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let wrong = |what: String| {
            Error::new(format!(
                "`{text}` is no nb201 architecture: {what}; \
                 the form is |op~0|+|op~0|op~1|+|op~0|op~1|op~2|"
            ))
        };
        let nodes: Vec<&str> = text.trim().split('+').collect();
        if nodes.len() != 3 {
            return Err(wrong(format!("it has {} nodes between `+`, not 3", nodes.len())));
        }
        let mut ops = Vec::with_capacity(6);
        for (i, node) in nodes.into_iter().enumerate() {
            let to = i + 1;
            let inner = node
                .strip_prefix('|')
                .and_then(|rest| rest.strip_suffix('|'))
                .ok_or_else(|| wrong(format!("node {to}, `{node}`, is not between bars")))?;
            let edges: Vec<&str> = inner.split('|').collect();
            if edges.len() != to {
                return Err(wrong(format!("node {to} has {} edges, not {to}", edges.len())));
            }
            for (from, edge) in edges.into_iter().enumerate() {
                let (name, source) = edge
                    .split_once('~')
                    .ok_or_else(|| wrong(format!("edge `{edge}` of node {to} has no `~`")))?;
                if source != from.to_string() {
                    return Err(wrong(format!(
                        "edge `{edge}` of node {to} should come from node {from}"
                    )));
                }
                ops.push(EdgeOp::from_name(name).ok_or_else(|| {
                    let known = EdgeOp::ALL.map(EdgeOp::name);
                    let hint = match nearest(name, known) {
                        Some(near) => format!("did you mean `{near}`?"),
                        None => format!("operations are {}", known.join(", ")),
                    };
                    wrong(format!("edge {to}<-{from} has unknown operation `{name}` ({hint})"))
                })?);
            }
        }
        let ops = ops.try_into().expect("three nodes of 1, 2 and 3 edges were read");
        Ok(Self(ops))
    }
}

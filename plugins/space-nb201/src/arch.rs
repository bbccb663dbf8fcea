//! An architecture: one operation per edge, in the benchmark's notation.

use osee_sdk::model::notation::{self, Misread, Reader};
use osee_sdk::prelude::*;
use std::{fmt, str::FromStr};

/// The operation of an edge on the node it comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EdgeOp {
    /// Zeros of the node's shape.
    None,
    /// The node itself.
    Skip,
    /// ReLU, 1x1 convolution and batch normalisation.
    Conv1x1,
    /// ReLU, 3x3 convolution and batch normalisation.
    Conv3x3,
    /// 3x3 average pooling with stride 1.
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

/// A cell: one operation for each of [`EDGES`], in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Arch([EdgeOp; 6]);

impl Arch {
    /// Number of architectures.
    pub const COUNT: u64 = 5u64.pow(6);

    /// The architecture with this index, see
    /// [`Nb201::architecture`](crate::Nb201); `None` if it is out of range.
    pub fn from_index(index: u64) -> Option<Self> {
        let mut rest = usize::try_from(index).ok().filter(|_| index < Self::COUNT)?;
        let mut ops = [EdgeOp::None; 6];
        for op in ops.iter_mut().rev() {
            *op = EdgeOp::ALL[rest % 5];
            rest /= 5;
        }
        Some(Self(ops))
    }

    /// The operations, each with its edge `(to, from)`.
    pub fn edges(&self) -> impl Iterator<Item = ((usize, usize), EdgeOp)> {
        EDGES.into_iter().zip(self.0)
    }

    /// The isomorphism key of the paper. A node is the sorted sum of its incoming terms;
    /// an edge without operation, or from a node that is `#` (nothing), is `#`. A sum of
    /// several `#` is not `#`: collapsing it would give 6,285 groups instead of the
    /// paper's 6,466.
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

    /// True if a path of operations from the first node to the last has a
    /// convolution.
    pub fn has_live_convolution(&self) -> bool {
        // For each node: can it be reached without a convolution, and with one?
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

    /// The 24 architectures that differ in one operation.
    pub fn mutations(&self) -> Vec<Mutation> {
        let mut mutations = Vec::with_capacity(24);
        for (i, (to, from)) in EDGES.into_iter().enumerate() {
            for op in EdgeOp::ALL.into_iter().filter(|op| *op != self.0[i]) {
                let mut ops = self.0;
                ops[i] = op;
                let edge = format!("edge {to}<-{from}");
                mutations.push(Mutation::new(Self(ops), edge, self.0[i].name(), op.name()));
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

    /// Reads `|op~0|+|op~0|op~1|+..`, or a list with the pairs `('op', from)` of each
    /// node. Operations given as numbers are refused, because programs number them in
    /// different orders.
    fn from_str(text: &str) -> Result<Self> {
        let mut reader = Reader::new(text);
        let nodes = text.split('+').count();
        let read = match reader.sees("[") || reader.sees("(") {
            true => read_lists(reader),
            false if nodes == NODES => read_string(reader),
            false => Err(Misread::whole(format!("it has {nodes} nodes between `+`, not {NODES}"))),
        };
        read.map(Self).map_err(|wrong| {
            Error::new(wrong.of(text, "nb201 architecture", "|op~0|+|op~0|op~1|+|op~0|op~1|op~2|"))
        })
    }
}

/// Number of nodes with incoming edges.
const NODES: usize = 3;

fn read_string(mut reader: Reader<'_>) -> notation::Result<[EdgeOp; 6]> {
    let mut ops = [EdgeOp::None; 6];
    for (op, (to, from)) in ops.iter_mut().zip(EDGES) {
        if from == 0 {
            if to > 1 {
                reader.expect("+")?;
            }
            reader.expect("|")?;
        }
        let (at, name) = reader.token(&['~', '|', '+']);
        if !reader.eat("~") {
            return Err(reader.expected(&format!("`~{from}` after edge `{name}` of node {to}")));
        }
        let (place, source) = reader.token(&['|', '+']);
        check_source(place, source, (to, from))?;
        *op = read_op(at, name, (to, from))?;
        reader.expect("|")?;
    }
    reader.end()?;
    Ok(ops)
}

fn read_lists(mut reader: Reader<'_>) -> notation::Result<[EdgeOp; 6]> {
    let list = reader.literal()?;
    reader.end()?;
    let nodes = list.list("a list of nodes")?;
    if nodes.len() != NODES {
        return Err(Misread::new(list.at, format!("it has {} nodes, not {NODES}", nodes.len())));
    }
    let mut ops = [EdgeOp::None; 6];
    for (op, (to, from)) in ops.iter_mut().zip(EDGES) {
        let node = &nodes[to - 1];
        let edges = node.list(&format!("the pairs ('op', from) of node {to}"))?;
        if edges.len() != to {
            let what = format!("node {to} has {} edges, not {to}", edges.len());
            return Err(Misread::new(node.at, what));
        }
        let pair = format!("('op', {from})");
        let [name, source] = edges[from].list(&pair)? else {
            return Err(edges[from].expected(&pair));
        };
        check_source(source.at, &source.int("a node")?.to_string(), (to, from))?;
        *op = read_op(name.at, name.text("the name of an operation")?, (to, from))?;
    }
    Ok(ops)
}

fn check_source(at: usize, source: &str, (to, from): (usize, usize)) -> notation::Result<()> {
    match source == from.to_string() {
        true => Ok(()),
        false => {
            let what = format!("this edge of node {to} should come from node {from}");
            Err(Misread::new(at, format!("{what}, not from `{source}`")))
        }
    }
}

fn read_op(at: usize, name: &str, (to, from): (usize, usize)) -> notation::Result<EdgeOp> {
    EdgeOp::from_name(name).ok_or_else(|| {
        let wrong = Misread::unknown(at, "operation", name, &EdgeOp::ALL.map(EdgeOp::name));
        Misread { message: format!("edge {to}<-{from} has {}", wrong.message), ..wrong }
    })
}

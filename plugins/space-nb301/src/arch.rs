//! A genotype: per cell, two inputs with an operation each for four nodes.

use osee_sdk::{core::settings::nearest, prelude::*};
use std::{fmt, str::FromStr};

/// An architecture in the notation.
pub const EXAMPLE: &str = "Genotype(normal=[('sep_conv_3x3', 0), ('sep_conv_3x3', 1), \
    ('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 1), ('skip_connect', 0), \
    ('skip_connect', 0), ('dil_conv_3x3', 2)], normal_concat=[2, 3, 4, 5], \
    reduce=[('max_pool_3x3', 0), ('max_pool_3x3', 1), ('skip_connect', 2), ('max_pool_3x3', 1), \
    ('max_pool_3x3', 0), ('skip_connect', 2), ('skip_connect', 2), ('max_pool_3x3', 1)], \
    reduce_concat=[2, 3, 4, 5])";

/// Inputs of a cell, which its nodes come after.
pub const INPUTS: usize = 2;
/// Nodes of a cell.
pub const NODES: usize = 4;

/// What an edge does with the value it comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum EdgeOp {
    /// 3x3 max pooling.
    MaxPool,
    /// 3x3 average pooling.
    AvgPool,
    /// The value itself, or a factorised reduction of it.
    Skip,
    /// Separable 3x3 convolution, twice.
    SepConv3x3,
    /// Separable 5x5 convolution, twice.
    SepConv5x5,
    /// Separable 3x3 convolution with dilation 2.
    DilConv3x3,
    /// Separable 5x5 convolution with dilation 2.
    DilConv5x5,
}

impl EdgeOp {
    /// All operations, in the order of DARTS without its `none`.
    pub const ALL: [Self; 7] = [
        Self::MaxPool,
        Self::AvgPool,
        Self::Skip,
        Self::SepConv3x3,
        Self::SepConv5x5,
        Self::DilConv3x3,
        Self::DilConv5x5,
    ];

    /// Name in the notation.
    pub fn name(self) -> &'static str {
        match self {
            Self::MaxPool => "max_pool_3x3",
            Self::AvgPool => "avg_pool_3x3",
            Self::Skip => "skip_connect",
            Self::SepConv3x3 => "sep_conv_3x3",
            Self::SepConv5x5 => "sep_conv_5x5",
            Self::DilConv3x3 => "dil_conv_3x3",
            Self::DilConv5x5 => "dil_conv_5x5",
        }
    }
}

/// Which of the two cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CellKind {
    /// Keeps the size.
    Normal,
    /// Halves it and doubles the channels.
    Reduce,
}

impl CellKind {
    fn name(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Reduce => "reduce",
        }
    }
}

/// An operation and the value it takes: 0 and 1 are the cell's inputs, 2 and
/// on its nodes.
type Edge = (EdgeOp, usize);

/// Two edges for each node.
type Cell = [[Edge; 2]; NODES];

/// A genotype.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Arch {
    normal: Cell,
    reduce: Cell,
}

/// Ways to choose two of `n`.
const fn pairs(n: usize) -> u64 {
    (n * (n - 1) / 2) as u64
}

const OPS: u64 = EdgeOp::ALL.len() as u64;
/// Number of cells: input pairs 1 x 3 x 6 x 10, and eight operations.
const CELLS: u64 = pairs(2) * pairs(3) * pairs(4) * pairs(5) * OPS.pow(8);

impl Arch {
    /// Number of genotypes.
    pub const COUNT: u64 = CELLS * CELLS;

    /// The architecture with this number, see
    /// [`Nb301::architecture`](crate::Nb301).
    pub fn from_index(index: u64) -> Option<Self> {
        (index < Self::COUNT)
            .then(|| Self { normal: cell(index / CELLS), reduce: cell(index % CELLS) })
    }

    /// One of the two cells.
    pub fn cell(&self, kind: CellKind) -> &[[Edge; 2]; NODES] {
        match kind {
            CellKind::Normal => &self.normal,
            CellKind::Reduce => &self.reduce,
        }
    }

    fn cell_mut(&mut self, kind: CellKind) -> &mut Cell {
        match kind {
            CellKind::Normal => &mut self.normal,
            CellKind::Reduce => &mut self.reduce,
        }
    }

    /// With each node's edges by where they come from.
    pub fn sorted(mut self) -> Self {
        for kind in [CellKind::Normal, CellKind::Reduce] {
            for edges in self.cell_mut(kind) {
                edges.sort_by_key(|&(op, from)| (from, op));
            }
        }
        self
    }

    /// Every genotype with another operation on one edge, or another input of
    /// one node.
    pub fn mutations(&self) -> Vec<Mutation> {
        let mut mutations = Vec::new();
        for kind in [CellKind::Normal, CellKind::Reduce] {
            for node in 0..NODES {
                for edge in 0..2 {
                    self.mutate(kind, node, edge, &mut mutations);
                }
            }
        }
        mutations
    }

    fn mutate(&self, kind: CellKind, node: usize, edge: usize, into: &mut Vec<Mutation>) {
        let edges = self.cell(kind)[node];
        let (op, from) = edges[edge];
        let (_, other) = edges[1 - edge];
        let place = format!("{} node {} edge {edge}", kind.name(), node + INPUTS);
        let mut push = |new: Edge, decision: &str, from: String, to: String| {
            let mut arch = *self;
            arch.cell_mut(kind)[node][edge] = new;
            let decision = format!("{place} {decision}");
            into.push(Mutation { arch: arch.to_string(), decision, from, to });
        };
        for new in EdgeOp::ALL.into_iter().filter(|new| *new != op) {
            push((new, from), "operation", op.name().to_owned(), new.name().to_owned());
        }
        let free = |new: &usize| *new != from && *new != other;
        for new in (0..node + INPUTS).filter(free) {
            push((op, new), "input", from.to_string(), new.to_string());
        }
    }
}

/// The cell with this number.
fn cell(mut index: u64) -> Cell {
    let mut cell = [[(EdgeOp::MaxPool, 0); 2]; NODES];
    for node in (0..NODES).rev() {
        let mut ops = [EdgeOp::MaxPool; 2];
        for op in ops.iter_mut().rev() {
            *op = EdgeOp::ALL[(index % OPS) as usize];
            index /= OPS;
        }
        let choices = pairs(node + INPUTS);
        let (a, b) = pair(index % choices);
        index /= choices;
        cell[node] = [(ops[0], a), (ops[1], b)];
    }
    cell
}

/// The pair a < b with this number: 01, 02, 12, 03, ..
fn pair(number: u64) -> (usize, usize) {
    let mut b = 1;
    while pairs(b + 1) <= number {
        b += 1;
    }
    ((number - pairs(b)) as usize, b)
}

impl fmt::Display for Arch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Genotype(")?;
        for kind in [CellKind::Normal, CellKind::Reduce] {
            let name = kind.name();
            let edges: Vec<String> = self
                .cell(kind)
                .iter()
                .flatten()
                .map(|(op, from)| format!("('{}', {from})", op.name()))
                .collect();
            let comma = if kind == CellKind::Reduce { ", " } else { "" };
            write!(f, "{comma}{name}=[{}], {name}_concat=[2, 3, 4, 5]", edges.join(", "))?;
        }
        f.write_str(")")
    }
}

impl FromStr for Arch {
    type Err = Error;

    /// `Genotype(normal=[('op', from), ..], ..)`, or the study's
    /// `normal_0=[('op', from, to), ..],..`.
    fn from_str(text: &str) -> Result<Self> {
        let wrong = |what: String| {
            Error::new(format!("`{text}` is no nb301 genotype: {what}; the form is {EXAMPLE}"))
        };
        let cell = |keys: [&str; 2], kind: CellKind| {
            let list = keys.into_iter().find_map(|key| list_after(text, key));
            let list = list.ok_or_else(|| wrong(format!("it has no `{}=[..]`", kind.name())))?;
            parse_cell(list).map_err(|what| wrong(format!("{} cell: {what}", kind.name())))
        };
        for key in ["normal_concat", "normal_0_concat", "reduce_concat", "reduce_1_concat"] {
            if let Some(list) = list_after(text, key)
                && list.split(',').map(str::trim).filter(|n| !n.is_empty()).ne(["2", "3", "4", "5"])
            {
                return Err(wrong(format!("`{key}` must be 2, 3, 4, 5")));
            }
        }
        Ok(Self {
            normal: cell(["normal_0", "normal"], CellKind::Normal)?,
            reduce: cell(["reduce_1", "reduce"], CellKind::Reduce)?,
        })
    }
}

/// What stands in the brackets after `key=`.
fn list_after<'t>(text: &'t str, key: &str) -> Option<&'t str> {
    for (at, _) in text.match_indices(key) {
        let whole = !text[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
        let value = text[at + key.len()..].trim_start().strip_prefix('=').map(str::trim_start);
        let Some(value) = value.filter(|_| whole) else { continue };
        if value.starts_with("range(2, 6)") {
            return Some("2, 3, 4, 5");
        }
        let close = if value.starts_with('[') { ']' } else { ')' };
        let list = value.strip_prefix(['[', '('])?;
        return list.split_once(close).map(|(list, _)| list);
    }
    None
}

fn parse_cell(list: &str) -> std::result::Result<Cell, String> {
    let edges: Vec<&str> = list.split('(').skip(1).collect();
    if edges.len() != 2 * NODES {
        return Err(format!("it has {} edges, not {}", edges.len(), 2 * NODES));
    }
    let mut cell = [[(EdgeOp::MaxPool, 0); 2]; NODES];
    for (i, edge) in edges.into_iter().enumerate() {
        let node = i / 2;
        let inner = edge.split(')').next().unwrap_or_default();
        let fields: Vec<&str> = inner.split(',').map(str::trim).collect();
        let (name, from, to) = match fields.as_slice() {
            [name, from] => (name, from, None),
            [name, from, to] => (name, from, Some(*to)),
            _ => return Err(format!("edge {i}, `({inner})`, is not ('op', from)")),
        };
        if to.is_some_and(|to| to != (node + INPUTS).to_string()) {
            return Err(format!("edge {i}, `({inner})`, should go to node {}", node + INPUTS));
        }
        let name = name.trim_matches(['\'', '"']);
        let known = EdgeOp::ALL.map(EdgeOp::name);
        let op = EdgeOp::ALL.into_iter().find(|op| op.name() == name).ok_or_else(|| {
            let hint = match nearest(name, known) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("operations are {}", known.join(", ")),
            };
            format!("edge {i} has unknown operation `{name}` ({hint})")
        })?;
        let from = from.parse().ok().filter(|from| *from < node + INPUTS).ok_or_else(|| {
            format!("edge {i} of node {} cannot come from `{from}`", node + INPUTS)
        })?;
        cell[node][i % 2] = (op, from);
        if i % 2 == 1 && cell[node][0].1 == from {
            return Err(format!("node {} has {from} as both inputs", node + INPUTS));
        }
    }
    Ok(cell)
}

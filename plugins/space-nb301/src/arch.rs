//! A genotype: two cells of four nodes, each with two inputs and an operation for each input.

use osee_sdk::model::notation::{self, Data, Literal, Misread, Reader};
use osee_sdk::prelude::*;
use std::{fmt, str::FromStr};

/// An example of an architecture in the notation.
pub const EXAMPLE: &str = "Genotype(normal=[('sep_conv_3x3', 0), ('sep_conv_3x3', 1), \
    ('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 1), ('skip_connect', 0), \
    ('skip_connect', 0), ('dil_conv_3x3', 2)], normal_concat=[2, 3, 4, 5], \
    reduce=[('max_pool_3x3', 0), ('max_pool_3x3', 1), ('skip_connect', 2), ('max_pool_3x3', 1), \
    ('max_pool_3x3', 0), ('skip_connect', 2), ('skip_connect', 2), ('max_pool_3x3', 1)], \
    reduce_concat=[2, 3, 4, 5])";

/// Number of inputs of a cell; its nodes are numbered after them.
pub const INPUTS: usize = 2;
/// Number of nodes of a cell.
pub const NODES: usize = 4;

/// The operation of an edge on the value it comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum EdgeOp {
    /// 3x3 max pooling.
    MaxPool,
    /// 3x3 average pooling.
    AvgPool,
    /// The value itself, or its factorised reduction where the stride is 2.
    Skip,
    /// Separable 3x3 convolution, applied twice.
    SepConv3x3,
    /// Separable 5x5 convolution, applied twice.
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

/// The two kinds of cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CellKind {
    /// Keeps the side of the image.
    Normal,
    /// Halves the side and doubles the channels.
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

/// An operation and the value it takes: 0 and 1 are the cell's inputs, from 2 on its
/// nodes.
type Edge = (EdgeOp, usize);

/// Two edges for each node.
type Cell = [[Edge; 2]; NODES];

/// A genotype: a normal and a reduction cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Arch {
    normal: Cell,
    reduce: Cell,
}

/// Number of ways to choose two of `n`.
const fn pairs(n: usize) -> u64 {
    (n * (n - 1) / 2) as u64
}

const OPS: u64 = EdgeOp::ALL.len() as u64;
/// Number of cells: input pairs 1 x 3 x 6 x 10, and eight operations.
const CELLS: u64 = pairs(2) * pairs(3) * pairs(4) * pairs(5) * OPS.pow(8);

impl Arch {
    /// Number of genotypes.
    pub const COUNT: u64 = CELLS * CELLS;

    /// The architecture with this index, see
    /// [`Nb301::architecture`](crate::Nb301); `None` if it is out of range.
    pub fn from_index(index: u64) -> Option<Self> {
        (index < Self::COUNT)
            .then(|| Self { normal: cell(index / CELLS), reduce: cell(index % CELLS) })
    }

    /// The edges of one of the two cells, node by node.
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

    /// The same genotype with each node's edges sorted by their inputs.
    pub fn sorted(mut self) -> Self {
        for kind in [CellKind::Normal, CellKind::Reduce] {
            for edges in self.cell_mut(kind) {
                edges.sort_by_key(|&(op, from)| (from, op));
            }
        }
        self
    }

    /// Every genotype that differs in the operation of one edge, or in one input of
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
        let mut push = |new: Edge, decision: &str, from: &str, to: &str| {
            let mut arch = *self;
            arch.cell_mut(kind)[node][edge] = new;
            into.push(Mutation::new(arch, format!("{place} {decision}"), from, to));
        };
        for new in EdgeOp::ALL.into_iter().filter(|new| *new != op) {
            push((new, from), "operation", op.name(), new.name());
        }
        let free = |new: &usize| *new != from && *new != other;
        for new in (0..node + INPUTS).filter(free) {
            push((op, new), "input", &from.to_string(), &new.to_string());
        }
    }
}

/// The cell with this index; its last operation is the least significant digit.
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

/// The pair a < b with this index, in the order 01, 02, 12, 03, ..
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

    /// Reads `Genotype(normal=[('op', from), ..], ..)`, or the paper's
    /// `normal_0=[('op', from, to), ..],..`; edges come one after the other, or in one
    /// list per node.
    fn from_str(text: &str) -> Result<Self> {
        read(text).map_err(|wrong| Error::new(wrong.of(text, "nb301 genotype", EXAMPLE)))
    }
}

/// Fields of a genotype, each with the names that it goes by.
const FIELDS: [&[&str]; 4] = [
    &["normal", "normal_0"],
    &["normal_concat", "normal_0_concat"],
    &["reduce", "reduce_1"],
    &["reduce_concat", "reduce_1_concat"],
];

fn read(text: &str) -> notation::Result<Arch> {
    let fields = Reader::new(text).keywords(&["Genotype"], &FIELDS)?;
    for (names, field) in FIELDS.iter().zip(&fields).filter(|(it, _)| it[0].ends_with("concat")) {
        let Some(field) = field else { continue };
        let nodes: Vec<i64> = field
            .list("a list of nodes")?
            .iter()
            .map(|node| node.int("a node"))
            .collect::<notation::Result<_>>()?;
        if nodes != [2, 3, 4, 5] {
            let what = format!("`{}` must be 2, 3, 4, 5, not {nodes:?}", names[0]);
            return Err(Misread::new(field.at, what));
        }
    }
    let cell = |field: &Option<Literal>, kind: CellKind| {
        let missing = || Misread::whole(format!("it has no `{}=[..]`", kind.name()));
        let read = read_cell(field.as_ref().ok_or_else(missing)?);
        read.map_err(|wrong| Misread {
            message: format!("{} cell: {}", kind.name(), wrong.message),
            ..wrong
        })
    };
    Ok(Arch {
        normal: cell(&fields[0], CellKind::Normal)?,
        reduce: cell(&fields[2], CellKind::Reduce)?,
    })
}

fn read_cell(list: &Literal) -> notation::Result<Cell> {
    let edges = edges(list)?;
    if edges.len() != 2 * NODES {
        let what = format!("it has {} edges, not {}", edges.len(), 2 * NODES);
        return Err(Misread::new(list.at, what));
    }
    let mut cell = [[(EdgeOp::MaxPool, 0); 2]; NODES];
    for (i, edge) in edges.into_iter().enumerate() {
        let node = i / 2;
        cell[node][i % 2] = read_edge(edge, i)?;
        let [(_, first), (_, second)] = cell[node];
        if i % 2 == 1 && first == second {
            let what = format!("node {} has {first} as both inputs", node + INPUTS);
            return Err(Misread::new(edge.at, what));
        }
    }
    Ok(cell)
}

/// The edges of a cell, which may be grouped in one list per node.
fn edges(list: &Literal) -> notation::Result<Vec<&Literal>> {
    let items = list.list("a list of edges")?;
    let holds_edges = |item: &Literal| match &item.data {
        Data::List(inner) => inner.iter().any(|it| matches!(it.data, Data::List(_))),
        _ => false,
    };
    if !items.iter().any(holds_edges) {
        return Ok(items.iter().collect());
    }
    let mut edges = Vec::new();
    for (node, item) in items.iter().enumerate() {
        let own = item.list("a list of edges")?;
        if own.len() != 2 {
            let what = format!("node {} has {} edges, not 2", node + INPUTS, own.len());
            return Err(Misread::new(item.at, what));
        }
        edges.extend(own);
    }
    Ok(edges)
}

/// Reads the edge at position `i` of its cell.
fn read_edge(edge: &Literal, i: usize) -> notation::Result<Edge> {
    let node = i / 2 + INPUTS;
    let form = format!("('op', from) as edge {i}");
    let (name, from, to) = match edge.list(&form)? {
        [name, from] => (name, from, None),
        [name, from, to] => (name, from, Some(to)),
        _ => return Err(edge.expected(&form)),
    };
    if let Some(to) = to
        && to.int("the edge's node")? != node as i64
    {
        return Err(Misread::new(to.at, format!("edge {i} should go to node {node}, not to {to}")));
    }
    let (at, name) = (name.at, name.text("the name of an operation")?);
    let op = EdgeOp::ALL.into_iter().find(|op| op.name() == name).ok_or_else(|| {
        let wrong = Misread::unknown(at, "operation", name, &EdgeOp::ALL.map(EdgeOp::name));
        Misread { message: format!("edge {i} has {}", wrong.message), ..wrong }
    })?;
    let source = usize::try_from(from.int("where the edge comes from")?).ok();
    let source = source.filter(|source| *source < node).ok_or_else(|| {
        Misread::new(from.at, format!("edge {i} of node {node} cannot come from {from}"))
    })?;
    Ok((op, source))
}

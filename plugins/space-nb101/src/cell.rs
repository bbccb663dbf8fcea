//! A cell: a directed acyclic graph of labelled vertices. The first is the
//! input, the last the output.

use osee_sdk::model::notation::{self, Data, Literal, Misread, Reader};
use osee_sdk::prelude::*;
use std::{fmt, str::FromStr};

/// An example of a cell in the notation.
pub const EXAMPLE: &str = "0100110|0010000|0001001|0000010|0000010|0000001|0000000;conv3x3,maxpool3x3,conv3x3,conv3x3,conv1x1";

/// Most vertices, including input and output.
pub const MAX_VERTICES: usize = 7;
/// Most edges, counted between vertices on paths from input to output.
pub const MAX_EDGES: usize = 9;

/// The operation that a vertex applies to the sum of its inputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum VertexOp {
    /// 3x3 convolution, batch normalisation and ReLU.
    Conv3x3,
    /// 1x1 convolution, batch normalisation and ReLU.
    Conv1x1,
    /// 3x3 max pooling with stride 1.
    MaxPool,
}

impl VertexOp {
    /// All operations, in the order of the published hash.
    pub const ALL: [Self; 3] = [Self::Conv3x3, Self::Conv1x1, Self::MaxPool];

    /// Name in the notation; the benchmark appends `-bn-relu` to convolutions.
    pub fn name(self) -> &'static str {
        match self {
            Self::Conv3x3 => "conv3x3",
            Self::Conv1x1 => "conv1x1",
            Self::MaxPool => "maxpool3x3",
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        let short = name.strip_suffix("-bn-relu").unwrap_or(name);
        Self::ALL.into_iter().find(|op| op.name() == short)
    }
}

/// A cell whose input is connected to its output.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Cell {
    /// Bit `j` of `rows[i]` is set if there is an edge i -> j.
    rows: Vec<u8>,
    /// One operation per vertex between input and output.
    ops: Vec<VertexOp>,
}

impl Cell {
    /// Checks and makes a cell. Bit `j` of `rows[i]` is set if there is an edge i -> j.
    ///
    /// # Errors
    /// When it is too large, has an edge backwards, or has no path from input to
    /// output.
    pub fn new(rows: Vec<u8>, ops: Vec<VertexOp>) -> Result<Self> {
        let cell = Self { rows, ops };
        let n = cell.vertices();
        if !(2..=MAX_VERTICES).contains(&n) || cell.ops.len() != n - 2 {
            return Err(Error::new(format!(
                "a cell has 2 to {MAX_VERTICES} vertices and an operation for each but the first \
                 and the last; this has {n} and {}",
                cell.ops.len()
            )));
        }
        if let Some(vertex) = (0..n).find(|&v| cell.rows[v] & ((2u8 << v) - 1) != 0) {
            return Err(Error::new(format!("vertex {vertex} has an edge to itself or backwards")));
        }
        let used = cell.used();
        if !used[0] {
            return Err(Error::new("no path leads from its input to its output"));
        }
        // As in the benchmark, edges that lead nowhere do not count.
        let from_used = (0..n).filter(|&from| used[from]);
        let edges = from_used.flat_map(|from| (0..n).map(move |to| (from, to)));
        let edges = edges.filter(|&(from, to)| used[to] && cell.edge(from, to)).count();
        if edges > MAX_EDGES {
            return Err(Error::new(format!("it has {edges} edges, more than {MAX_EDGES}")));
        }
        Ok(cell)
    }

    /// Number of vertices, including input and output.
    pub fn vertices(&self) -> usize {
        self.rows.len()
    }

    /// True if there is an edge `from` -> `to`.
    pub fn edge(&self, from: usize, to: usize) -> bool {
        self.rows[from] >> to & 1 == 1
    }

    /// Operation of a vertex; `None` for the input and the output.
    pub fn op(&self, vertex: usize) -> Option<VertexOp> {
        vertex.checked_sub(1).and_then(|at| self.ops.get(at)).copied()
    }

    /// For each vertex, true if it lies on a path from input to output.
    pub fn used(&self) -> Vec<bool> {
        let n = self.vertices();
        let mut reached = vec![false; n];
        reached[0] = true;
        for to in 1..n {
            reached[to] = (0..to).any(|from| reached[from] && self.edge(from, to));
        }
        let mut used = vec![false; n];
        used[n - 1] = reached[n - 1];
        for from in (0..n - 1).rev() {
            used[from] = reached[from] && (from + 1..n).any(|to| used[to] && self.edge(from, to));
        }
        used
    }

    /// The same cell with one edge added or removed.
    fn flipped(&self, from: usize, to: usize) -> Result<Self> {
        let mut rows = self.rows.clone();
        rows[from] ^= 1 << to;
        Self::new(rows, self.ops.clone())
    }

    /// The same cell with another operation at `vertex`.
    pub(crate) fn with_op(&self, vertex: usize, op: VertexOp) -> Self {
        let mut cell = self.clone();
        cell.ops[vertex - 1] = op;
        cell
    }

    /// Cells that differ in one operation, each with the mutation that leads to it.
    pub(crate) fn op_mutations(&self) -> impl Iterator<Item = (Self, Mutation)> {
        (1..self.vertices() - 1).flat_map(move |vertex| {
            let old = self.ops[vertex - 1];
            let others = VertexOp::ALL.into_iter().filter(move |new| *new != old);
            others.map(move |new| {
                let cell = self.with_op(vertex, new);
                let decision = format!("operation of vertex {vertex}");
                let mutation = Mutation::new(&cell, decision, old.name(), new.name());
                (cell, mutation)
            })
        })
    }

    /// Every cell that differs in one operation, or has one edge more or less.
    pub fn mutations(&self) -> Vec<Mutation> {
        let mut mutations: Vec<Mutation> = self.op_mutations().map(|(_, it)| it).collect();
        let n = self.vertices();
        for from in 0..n {
            for to in from + 1..n {
                let Ok(cell) = self.flipped(from, to) else { continue };
                let old = self.edge(from, to);
                let [old, new] = [old, !old].map(|there| if there { "edge" } else { "none" });
                mutations.push(Mutation::new(cell, format!("edge {from}->{to}"), old, new));
            }
        }
        mutations
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let n = self.vertices();
        for from in 0..n {
            if from > 0 {
                f.write_str("|")?;
            }
            for to in 0..n {
                f.write_str(if self.edge(from, to) { "1" } else { "0" })?;
            }
        }
        let ops: Vec<&str> = self.ops.iter().map(|op| op.name()).collect();
        write!(f, ";{}", ops.join(","))
    }
}

impl FromStr for Cell {
    type Err = Error;

    /// Reads `ROWS;OPERATIONS`, `ModelSpec(matrix=[[..], ..], ops=[..])`, or the
    /// two lists alone; the benchmark's `input` and `output` are allowed.
    fn from_str(text: &str) -> Result<Self> {
        let refused = |wrong: &Misread| Error::new(wrong.of(text, "nb101 cell", EXAMPLE));
        let mut reader = Reader::new(text);
        let read = match reader.sees("0") || reader.sees("1") {
            true => read_rows(reader),
            false => read_lists(reader),
        };
        let (rows, ops) = read.map_err(|wrong| refused(&wrong))?;
        Self::new(rows, ops).map_err(|error| refused(&Misread::whole(error.to_string())))
    }
}

type Parts = (Vec<u8>, Vec<VertexOp>);

fn read_rows(mut reader: Reader<'_>) -> notation::Result<Parts> {
    let mut lines = Vec::new();
    loop {
        lines.push(reader.token(&['|', ';']));
        if !reader.eat("|") {
            break;
        }
    }
    if !reader.eat(";") {
        return Err(reader.expected("`;` and operations"));
    }
    let n = vertices(lines.len())?;
    let mut rows = Vec::with_capacity(n);
    for (vertex, (at, line)) in lines.into_iter().enumerate() {
        if line.len() != n || !line.bytes().all(|bit| matches!(bit, b'0' | b'1')) {
            return Err(Misread::new(
                at,
                format!("row {vertex}, `{line}`, is not {n} times 0 or 1"),
            ));
        }
        rows.push(row(line.bytes().map(|bit| bit == b'1')));
    }
    let mut names = Vec::new();
    if reader.sees("[") || reader.sees("(") {
        let list = reader.literal()?;
        names.extend(texts(&list)?.into_iter().map(|(at, name)| (at, name.to_owned())));
        reader.end()?;
    } else if reader.end().is_err() {
        loop {
            let (at, name) = reader.token(&[',']);
            names.push((at, name.to_owned()));
            if !reader.eat(",") || reader.end().is_ok() {
                break;
            }
        }
    }
    let names: Vec<(usize, &str)> = names.iter().map(|(at, name)| (*at, name.as_str())).collect();
    Ok((rows, read_ops(&names)?))
}

fn read_lists(mut reader: Reader<'_>) -> notation::Result<Parts> {
    let (matrix, ops) = if reader.sees("[") || reader.sees("(") {
        let at = reader.place();
        let first = reader.literal()?;
        let second = match reader.eat(",") || reader.eat(";") {
            true => Some(reader.literal()?),
            false => None,
        };
        reader.end()?;
        match (first, second) {
            (first, Some(second)) => (first, second),
            (Literal { data: Data::List(pair), .. }, None) if pair.len() == 2 => {
                let [first, second] = <[Literal; 2]>::try_from(pair).expect("there are two");
                (first, second)
            }
            _ => return Err(Misread::new(at, "expected a matrix and a list of operations")),
        }
    } else {
        let keys: [&[&str]; 2] = [&["matrix", "module_adjacency"], &["ops", "module_operations"]];
        let mut given = reader.keywords(&["ModelSpec"], &keys)?.into_iter();
        let mut next = |key: &str| {
            let missing = || Misread::whole(format!("it has no `{key}=[..]`"));
            given.next().flatten().ok_or_else(missing)
        };
        (next("matrix")?, next("ops")?)
    };
    Ok((read_matrix(&matrix)?, read_ops(&texts(&ops)?)?))
}

fn read_matrix(matrix: &Literal) -> notation::Result<Vec<u8>> {
    let lines = matrix.list("a matrix")?;
    let n = vertices(lines.len())?;
    let mut rows = Vec::with_capacity(n);
    for (vertex, line) in lines.iter().enumerate() {
        let bits = line.list("a row of the matrix")?;
        if bits.len() != n {
            let what = format!("row {vertex} is not {n} times 0 or 1");
            return Err(Misread::new(line.at, what));
        }
        let bits = bits.iter().map(|bit| match bit.number("0 or 1")? {
            0.0 => Ok(false),
            1.0 => Ok(true),
            _ => Err(bit.expected("0 or 1")),
        });
        rows.push(row(bits.collect::<notation::Result<Vec<bool>>>()?));
    }
    Ok(rows)
}

fn vertices(n: usize) -> notation::Result<usize> {
    match n {
        0..=MAX_VERTICES => Ok(n),
        _ => Err(Misread::whole(format!("it has {n} vertices, more than {MAX_VERTICES}"))),
    }
}

fn row(bits: impl IntoIterator<Item = bool>) -> u8 {
    let bits = bits.into_iter().enumerate().filter(|(_, bit)| *bit);
    bits.fold(0u8, |row, (to, _)| row | 1 << to)
}

fn texts(list: &Literal) -> notation::Result<Vec<(usize, &str)>> {
    let names = list.list("a list of operations")?.iter();
    names.map(|name| Ok((name.at, name.text("the name of an operation")?))).collect()
}

/// Operations of the vertices between input and output; those two may be named as well.
fn read_ops(names: &[(usize, &str)]) -> notation::Result<Vec<VertexOp>> {
    let inner = match names {
        [(_, "input"), inner @ .., (_, "output")] => inner,
        [(_, "input"), inner @ ..] | [inner @ .., (_, "output")] => inner,
        inner => inner,
    };
    let op = |(at, name): &(usize, &str)| {
        VertexOp::from_name(name).ok_or_else(|| {
            Misread::unknown(*at, "operation", name, &VertexOp::ALL.map(VertexOp::name))
        })
    };
    inner.iter().map(op).collect()
}

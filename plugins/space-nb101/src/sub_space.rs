//! Sub-space 3 of NAS-Bench-1shot1: every vertex has a fixed number of inputs.

use crate::cell::{Cell, VertexOp};
use osee_sdk::prelude::*;
use std::{fmt, str::FromStr};

/// An example of a cell in the notation.
pub const EXAMPLE: &str = "0100000|0010000|0001110|0000101|0000010|0000001|0000000;conv3x3,conv3x3,maxpool3x3,conv1x1,conv1x1";

/// Number of inputs of the vertices 1 to 6; vertex 6 is the output.
const INPUTS: [usize; 6] = [1, 1, 1, 2, 2, 2];
const VERTICES: usize = INPUTS.len() + 1;
const INNER: u32 = 5;

/// A cell whose vertices have as many inputs as the sub-space says. Some vertices may
/// lead nowhere.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SubSpaceCell(Cell);

impl SubSpaceCell {
    /// Number of cells, including isomorphic ones and those with loose ends.
    pub const COUNT: u64 = 5400 * 3u64.pow(INNER);

    /// The same cell as a NAS-Bench-101 cell.
    pub fn cell(&self) -> &Cell {
        &self.0
    }

    /// The cell with this index; `None` if it is out of range.
    pub fn from_index(index: u64) -> Option<Self> {
        if index >= Self::COUNT {
            return None;
        }
        let mut rest = usize::try_from(index).ok()?;
        let mut digit = |base: usize| {
            let digit = rest % base;
            rest /= base;
            digit
        };
        let mut ops = [VertexOp::Conv3x3; INNER as usize];
        for op in ops.iter_mut().rev() {
            *op = VertexOp::ALL[digit(VertexOp::ALL.len())];
        }
        let mut rows = vec![0u8; VERTICES];
        for vertex in (1..VERTICES).rev() {
            let choices = choices(vertex);
            for &from in &choices[digit(choices.len())] {
                rows[from] |= 1 << vertex;
            }
        }
        Cell::new(rows, ops.to_vec()).ok().map(Self)
    }

    fn inputs(&self, vertex: usize) -> Vec<usize> {
        (0..vertex).filter(|&from| self.0.edge(from, vertex)).collect()
    }

    /// The same cell with other inputs of `vertex`; `None` if it is invalid.
    fn with_inputs(&self, vertex: usize, inputs: &[usize]) -> Option<Self> {
        let mut rows = vec![0u8; VERTICES];
        for to in 1..VERTICES {
            let own = self.inputs(to);
            for &from in if to == vertex { inputs } else { &own } {
                rows[from] |= 1 << to;
            }
        }
        let ops = (1..VERTICES - 1).filter_map(|vertex| self.0.op(vertex)).collect();
        Cell::new(rows, ops).ok().map(Self)
    }

    /// Every cell that differs in one operation or in the inputs of one vertex.
    pub fn mutations(&self) -> Vec<Mutation> {
        let mut mutations: Vec<Mutation> = self.0.op_mutations().map(|(_, it)| it).collect();
        for vertex in 1..VERTICES {
            let old = self.inputs(vertex);
            for new in choices(vertex).into_iter().filter(|new| *new != old) {
                let Some(cell) = self.with_inputs(vertex, &new) else { continue };
                let decision = format!("inputs of vertex {vertex}");
                mutations.push(Mutation::new(cell, decision, list(&old), list(&new)));
            }
        }
        mutations
    }
}

fn list(vertices: &[usize]) -> String {
    vertices.iter().map(usize::to_string).collect::<Vec<_>>().join("+")
}

/// The sets of inputs that a vertex can have.
fn choices(vertex: usize) -> Vec<Vec<usize>> {
    match INPUTS[vertex - 1] {
        1 => (0..vertex).map(|from| vec![from]).collect(),
        _ => (0..vertex).flat_map(|b| (0..b).map(move |a| vec![a, b])).collect(),
    }
}

impl fmt::Display for SubSpaceCell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for SubSpaceCell {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let cell = Self(text.parse()?);
        let counts: Vec<usize> =
            (1..cell.0.vertices()).map(|vertex| cell.inputs(vertex).len()).collect();
        match counts == INPUTS {
            true => Ok(cell),
            false => Err(Error::new(format!(
                "`{text}` is not in sub-space 3 of NAS-Bench-1shot1: its vertices have {counts:?} \
                 inputs, not {INPUTS:?}; the form is {EXAMPLE}"
            ))),
        }
    }
}

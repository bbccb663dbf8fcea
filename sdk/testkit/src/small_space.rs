//! A search space of 81 architectures whose networks are scored in milliseconds.

use osee_model::{
    graph::{ConvSpec, Graph, GraphBuilder, NodeId, Op, Shape},
    settings::Settings,
    space::{Mutation, SpaceInfo},
};
use osee_sdk::{Error, Result, SearchSpace, abi::kinds::lent::LentSpace};
use std::{fmt, str::FromStr};

const OPERATIONS: [&str; 3] = ["none", "conv1", "conv3"];
const LENGTH: usize = 4;
const SIZE: u64 = (OPERATIONS.len() as u64).pow(LENGTH as u32);

/// Four operations in a row, each one of three: `conv3>none>conv1>conv3`.
pub struct SmallSpace;

/// An architecture of [`SmallSpace`]: an index into the operations for each place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chain([usize; LENGTH]);

impl fmt::Display for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.map(|op| OPERATIONS[op]).join(">"))
    }
}

impl FromStr for Chain {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let position = |name| OPERATIONS.iter().position(|known| *known == name);
        let operations: Option<Vec<usize>> = text.split('>').map(position).collect();
        match operations.map(<[usize; LENGTH]>::try_from) {
            Some(Ok(operations)) => Ok(Self(operations)),
            _ => Err(Error::new(format!(
                "`{text}` is not of the form conv3>none>conv1>conv3, four of {}",
                OPERATIONS.join(", ")
            ))),
        }
    }
}

impl SearchSpace for SmallSpace {
    type Arch = Chain;

    fn info() -> SpaceInfo {
        SpaceInfo::new("small", "1")
            .summary("four operations of three, one after the other")
            .citation("osee's test kit")
            .example("conv3>none>conv1>conv3")
            .size(SIZE)
    }

    fn new() -> Self {
        Self
    }

    /// The first operation is the most significant digit of the index.
    fn architecture(&self, index: u64) -> Result<Chain> {
        if index >= SIZE {
            let last = SIZE - 1;
            return Err(Error::new(format!("there are architectures 0 to {last}, not {index}")));
        }
        let mut rest = index as usize;
        let mut operations = [0; LENGTH];
        for op in operations.iter_mut().rev() {
            *op = rest % OPERATIONS.len();
            rest /= OPERATIONS.len();
        }
        Ok(Chain(operations))
    }

    /// Leaves out each `none`, which may stand anywhere.
    fn canonical(&self, arch: &Chain) -> String {
        let operations = arch.0.into_iter().filter(|op| *op != 0);
        operations.map(|op| OPERATIONS[op]).collect::<Vec<_>>().join(">")
    }

    fn mutations(&self, arch: &Chain) -> Vec<Mutation> {
        let mut mutations = Vec::new();
        for (place, from) in arch.0.into_iter().enumerate() {
            for to in (0..OPERATIONS.len()).filter(|to| *to != from) {
                let mut changed = *arch;
                changed.0[place] = to;
                let [from, to] = [from, to].map(|op| OPERATIONS[op]);
                mutations.push(Mutation::new(changed, format!("place {place}"), from, to));
            }
        }
        mutations
    }

    fn graph(&self, arch: &Chain, _: &Settings) -> Result<Graph> {
        let mut g = GraphBuilder::new(Shape::square(3, 8));
        let mut x = g.conv("stem", g.input(), ConvSpec::same(4, 3));
        for half in 0..2 {
            x = g.cell(&format!("half{half}"), |g| {
                (2 * half..2 * half + 2).fold(x, |x, place| operation(g, x, place, arch.0[place]))
            });
        }
        let x = g.global_avg_pool(x);
        let x = g.linear("classifier", x, 10);
        Ok(g.finish(x)?)
    }
}

/// The operation at one place of the chain.
fn operation(g: &mut GraphBuilder, x: NodeId, place: usize, op: usize) -> NodeId {
    match OPERATIONS[op] {
        "none" => g.op(Op::Identity, &[x]),
        name => {
            let kernel = if name == "conv3" { 3 } else { 1 };
            let x = g.relu(x);
            let x = g.conv(&format!("{name}.{place}"), x, ConvSpec::same(4, kernel));
            g.batch_norm(&format!("bn{place}"), x, false)
        }
    }
}

/// The space as a one-shot estimator borrows it; call `view()` for native calls.
pub fn small_space() -> LentSpace {
    LentSpace::here::<SmallSpace>()
}

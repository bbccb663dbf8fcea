//! A search space of nine architectures, for tests of one-shot estimators.

use super::lent_space;
use crate::{Error, Result, SearchSpace, abi::one_shot::LentSpace};
use osee_model::{
    graph::{ConvSpec, Graph, GraphBuilder, Op, Shape},
    settings::Settings,
    space::{Mutation, SpaceInfo, TruthColumns},
};
use std::{fmt, str::FromStr};

const OPERATIONS: [&str; 3] = ["none", "conv1", "conv3"];

/// Two operations, one after the other: `conv3>none`.
pub struct SmallSpace;

/// An architecture of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pair([usize; 2]);

impl fmt::Display for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}>{}", OPERATIONS[self.0[0]], OPERATIONS[self.0[1]])
    }
}

impl FromStr for Pair {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let wrong = || Error::new(format!("`{text}` is not of the form conv1>none"));
        let (first, second) = text.split_once('>').ok_or_else(wrong)?;
        let position = |name| OPERATIONS.iter().position(|known| *known == name);
        Ok(Self([position(first).ok_or_else(wrong)?, position(second).ok_or_else(wrong)?]))
    }
}

impl SearchSpace for SmallSpace {
    type Arch = Pair;

    fn info() -> SpaceInfo {
        SpaceInfo {
            id: "small".to_owned(),
            version: "1".to_owned(),
            summary: "two operations of three, one after the other".to_owned(),
            citation: String::new(),
            example: "conv3>none".to_owned(),
            size: Some(9),
            settings: Vec::new(),
            truth: TruthColumns::new("arch", "accuracy"),
        }
    }

    fn new() -> Self {
        Self
    }

    fn architecture(&self, index: u64) -> Result<Pair> {
        match index {
            0..9 => Ok(Pair([index as usize / 3, index as usize % 3])),
            _ => Err(Error::new(format!("there are architectures 0 to 8, not {index}"))),
        }
    }

    /// A `none` may stand before or after.
    fn canonical(&self, arch: &Pair) -> String {
        let operations = arch.0.into_iter().filter(|op| *op != 0);
        operations.map(|op| OPERATIONS[op]).collect::<Vec<_>>().join(">")
    }

    fn mutations(&self, arch: &Pair) -> Vec<Mutation> {
        let mut mutations = Vec::new();
        for place in 0..2 {
            for op in (0..3).filter(|op| *op != arch.0[place]) {
                let mut changed = *arch;
                changed.0[place] = op;
                mutations.push(Mutation {
                    arch: changed.to_string(),
                    decision: format!("place {place}"),
                    from: OPERATIONS[arch.0[place]].to_owned(),
                    to: OPERATIONS[op].to_owned(),
                });
            }
        }
        mutations
    }

    fn graph(&self, arch: &Pair, _: &Settings) -> Result<Graph> {
        let mut g = GraphBuilder::new(Shape::square(3, 8));
        let mut x = g.conv("stem", g.input(), ConvSpec::same(4, 3));
        for (place, op) in arch.0.into_iter().enumerate() {
            x = match OPERATIONS[op] {
                "none" => g.op(Op::Identity, &[x]),
                name => {
                    let kernel = if name == "conv3" { 3 } else { 1 };
                    let x = g.relu(x);
                    let x = g.conv(&format!("conv{place}"), x, ConvSpec::same(4, kernel));
                    g.batch_norm(&format!("bn{place}"), x, false)
                }
            };
        }
        let x = g.global_avg_pool(x);
        let x = g.linear("classifier", x, 10);
        Ok(g.finish(x)?)
    }
}

/// The space as a one-shot estimator is lent it; `view()` for native calls.
///
/// # Errors
/// Never; the tables of the boundary say so.
pub fn small_space() -> Result<LentSpace> {
    lent_space::<SmallSpace>()
}

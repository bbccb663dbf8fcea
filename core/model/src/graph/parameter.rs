//! Named parameters, which may be slices of larger shared ones.

use super::{GraphError, shape::list};
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// Index of a parameter in its graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ParamId(u32);

impl ParamId {
    pub(crate) fn new(index: usize) -> Self {
        Self(u32::try_from(index).expect("a graph has fewer than 2^32 parameters"))
    }

    /// Position in [`Graph::parameters`](super::Graph::parameters).
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// What a parameter is for; decides how it is initialised and which
/// estimators look at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ParamRole {
    /// Kernel of a convolution, `[out, in / groups, k, k]`.
    ConvWeight,
    /// Matrix of a linear layer, `[out, in]`.
    LinearWeight,
    /// Bias of a convolution or linear layer, `[out]`, whose weight has
    /// `fan_in` inputs per output.
    Bias {
        /// Inputs per output of the weight beside it.
        fan_in: usize,
    },
    /// Scale of a batch normalisation, `[channels]`.
    NormScale,
    /// Shift of a batch normalisation, `[channels]`.
    NormShift,
}

impl ParamRole {
    /// Whether this is the weight of a convolution or a linear layer: the
    /// parameters that the reference implementations look at.
    pub fn is_weight(self) -> bool {
        matches!(self, Self::ConvWeight | Self::LinearWeight)
    }
}

/// Which indices of one dimension of a stored parameter a graph uses.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Select {
    /// Consecutive ones.
    Range(Range<usize>),
    /// The `count` whose slices of the first dimension of another parameter,
    /// `of`, have the largest L1 norm, in ascending order. They are known only
    /// when weights are.
    LargestL1 {
        /// Name of the parameter that is looked at, in its stored shape; the
        /// graph must use it.
        of: String,
        /// How many.
        count: usize,
    },
}

impl Select {
    /// The first `count`.
    pub fn first(count: usize) -> Self {
        Self::Range(0..count)
    }

    /// How many indices are used.
    pub fn count(&self) -> usize {
        match self {
            Self::Range(range) => range.len(),
            Self::LargestL1 { count, .. } => *count,
        }
    }

    fn fits(&self, stored: usize) -> bool {
        match self {
            Self::Range(range) => range.start < range.end && range.end <= stored,
            Self::LargestL1 { count, .. } => (1..=stored).contains(count),
        }
    }
}

/// A named parameter as one graph uses it.
///
/// Graphs that use the same name share the parameter; `stored` is then its
/// full shape in the supernet and `part` the part that this graph uses.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Parameter {
    /// Name, unique per stored parameter, such as `stem_conv.weight`.
    pub name: String,
    /// What it is for.
    pub role: ParamRole,
    /// Shape of the stored parameter.
    pub stored: Vec<usize>,
    /// What is used of every dimension; empty when all of it is used.
    #[serde(default)]
    pub part: Vec<Select>,
    /// Channel groups of a convolution that is stored as one group: of the
    /// selected `[out, in, k, k]`, the diagonal blocks `[out, in / groups, k, k]`.
    #[serde(default = "one")]
    pub blocks: usize,
}

fn one() -> usize {
    1
}

impl Parameter {
    /// A parameter that is used whole.
    pub fn whole(name: impl Into<String>, role: ParamRole, shape: &[usize]) -> Self {
        Self { name: name.into(), role, stored: shape.to_vec(), part: Vec::new(), blocks: 1 }
    }

    /// The part of a larger stored parameter: some channels of an elastic
    /// width, the middle taps of an elastic kernel.
    ///
    /// # Errors
    /// [`GraphError::Slice`] when a selection reaches outside `stored` or is
    /// empty.
    pub fn part(
        name: impl Into<String>,
        role: ParamRole,
        stored: &[usize],
        part: &[Select],
    ) -> Result<Self, GraphError> {
        let parameter = Self { part: part.to_vec(), ..Self::whole(name, role, stored) };
        parameter.check()?;
        Ok(parameter)
    }

    /// Shape as the graph uses it.
    pub fn shape(&self) -> Vec<usize> {
        let mut shape = match self.part.is_empty() {
            true => self.stored.clone(),
            false => self.part.iter().map(Select::count).collect(),
        };
        if let [_, inputs, ..] = shape.as_mut_slice() {
            *inputs /= self.blocks.max(1);
        }
        shape
    }

    /// Number of scalars as the graph uses it.
    pub fn numel(&self) -> usize {
        self.shape().iter().product()
    }

    pub(super) fn check(&self) -> Result<(), GraphError> {
        let parts = self.part.iter().zip(&self.stored);
        let fits = self.part.is_empty()
            || (self.part.len() == self.stored.len() && { parts }.all(|(p, &d)| p.fits(d)));
        // The blocks of a 4-dimensional parameter divide both its channels.
        let whole = Self { blocks: 1, ..self.clone() }.shape();
        let divides = self.blocks == 1
            || self.blocks > 1
                && whole.len() == 4
                && whole[..2].iter().all(|n| n.is_multiple_of(self.blocks));
        if fits && divides {
            return Ok(());
        }
        Err(GraphError::Slice {
            name: self.name.clone(),
            slice: format!("{:?} in {} blocks", self.part, self.blocks),
            stored: list(&self.stored),
        })
    }
}

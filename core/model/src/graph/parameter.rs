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

/// The role of a parameter, which decides how it is initialised and which estimators use it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ParamRole {
    /// Kernel of a convolution, `[out, in / groups, k, k]`.
    ConvWeight,
    /// Matrix of a linear layer, `[out, in]`.
    LinearWeight,
    /// Bias of a convolution or linear layer, `[out]`.
    Bias {
        /// Number of inputs per output of the weight that the bias belongs to.
        fan_in: usize,
    },
    /// Scale of a batch normalisation, `[channels]`.
    NormScale,
    /// Shift of a batch normalisation, `[channels]`.
    NormShift,
}

impl ParamRole {
    /// True for the weight of a convolution or a linear layer. The reference implementations use
    /// only these parameters.
    pub fn is_weight(self) -> bool {
        matches!(self, Self::ConvWeight | Self::LinearWeight)
    }
}

/// Indices that a graph uses of one dimension of a stored parameter.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Select {
    /// Consecutive indices.
    Range(Range<usize>),
    /// The `count` indices whose slices along the first dimension of the parameter `of` have the
    /// largest L1 norm, in ascending order. They are known only once weights are.
    LargestL1 {
        /// Name of the parameter whose norms are compared, in its stored shape; the graph must use
        /// it.
        of: String,
        /// Number of indices that are used.
        count: usize,
    },
}

impl Select {
    /// The first `count` indices.
    pub fn first(count: usize) -> Self {
        Self::Range(0..count)
    }

    /// Number of indices that are used.
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
/// Graphs that use the same name share the parameter: `stored` is its full shape in the supernet,
/// and `part` is the part that this graph uses.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Parameter {
    /// Name, unique per stored parameter, such as `stem_conv.weight`.
    pub name: String,
    /// Role, which must fit the number of dimensions.
    pub role: ParamRole,
    /// Shape of the stored parameter.
    pub stored: Vec<usize>,
    /// Indices used of every dimension; empty if all are used.
    #[serde(default)]
    pub part: Vec<Select>,
    /// Channel groups of a convolution that is stored as one group: the graph uses the diagonal
    /// blocks `[out, in / groups, k, k]` of the selected `[out, in, k, k]`.
    #[serde(default = "one")]
    pub blocks: usize,
}

fn one() -> usize {
    1
}

impl Parameter {
    /// A parameter that is used completely.
    pub fn whole(name: impl Into<String>, role: ParamRole, shape: &[usize]) -> Self {
        Self { name: name.into(), role, stored: shape.to_vec(), part: Vec::new(), blocks: 1 }
    }

    /// A part of a larger stored parameter, such as some channels of an elastic width or the middle
    /// taps of an elastic kernel.
    ///
    /// # Errors
    /// [`GraphError::Slice`] if a selection is empty or reaches outside `stored`.
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

    /// Shape of the part that the graph uses.
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

    /// Number of scalars in the part that the graph uses.
    pub fn numel(&self) -> usize {
        self.shape().iter().product()
    }

    pub(super) fn check(&self) -> Result<(), GraphError> {
        let parts = self.part.iter().zip(&self.stored);
        let fits = self.part.is_empty()
            || (self.part.len() == self.stored.len() && { parts }.all(|(p, &d)| p.fits(d)));
        // The number of blocks must divide both channel dimensions of a 4-dimensional parameter.
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

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

/// A named parameter as one graph uses it.
///
/// Graphs that use the same name share the parameter; `stored` is then its
/// full shape in the supernet and `slice` the part that this graph uses.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Parameter {
    /// Name, unique per stored parameter, such as `stem_conv.weight`.
    pub name: String,
    /// What it is for.
    pub role: ParamRole,
    /// Shape of the stored parameter.
    pub stored: Vec<usize>,
    /// Range used of every dimension; empty when all of it is used.
    #[serde(default)]
    pub slice: Vec<Range<usize>>,
}

impl Parameter {
    /// A parameter that is used whole.
    pub fn whole(name: impl Into<String>, role: ParamRole, shape: &[usize]) -> Self {
        Self { name: name.into(), role, stored: shape.to_vec(), slice: Vec::new() }
    }

    /// The part of a larger stored parameter: the first channels of an
    /// elastic width, the middle taps of an elastic kernel.
    ///
    /// # Errors
    /// [`GraphError::Slice`] when a range reaches outside `stored` or is empty.
    pub fn sliced(
        name: impl Into<String>,
        role: ParamRole,
        stored: &[usize],
        slice: &[Range<usize>],
    ) -> Result<Self, GraphError> {
        let parameter =
            Self { name: name.into(), role, stored: stored.to_vec(), slice: slice.to_vec() };
        parameter.check()?;
        Ok(parameter)
    }

    /// Shape as the graph uses it.
    pub fn shape(&self) -> Vec<usize> {
        if self.slice.is_empty() {
            self.stored.clone()
        } else {
            self.slice.iter().map(|range| range.len()).collect()
        }
    }

    /// Number of scalars as the graph uses it.
    pub fn numel(&self) -> usize {
        self.shape().iter().product()
    }

    pub(super) fn check(&self) -> Result<(), GraphError> {
        let fits = self.slice.is_empty()
            || (self.slice.len() == self.stored.len()
                && self
                    .slice
                    .iter()
                    .zip(&self.stored)
                    .all(|(r, &d)| r.start < r.end && r.end <= d));
        if fits {
            return Ok(());
        }
        Err(GraphError::Slice {
            name: self.name.clone(),
            slice: format!("{:?}", self.slice),
            stored: list(&self.stored),
        })
    }
}

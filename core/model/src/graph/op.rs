//! The operations that the paper's five search spaces need.

use super::ParamId;
use serde::{Deserialize, Serialize};

/// Index of a node in its graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct NodeId(u32);

impl NodeId {
    pub(crate) fn new(index: usize) -> Self {
        Self(u32::try_from(index).expect("a graph has fewer than 2^32 nodes"))
    }

    /// Position in [`Graph::nodes`](super::Graph::nodes).
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// The value that a pooling window yields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum PoolKind {
    /// The largest value; padding is never the largest.
    Max,
    /// The mean of the window.
    Average {
        /// True if padding counts in the divisor.
        count_include_pad: bool,
    },
}

/// The shape and rule of a pooling window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Pool {
    /// Maximum or average.
    pub kind: PoolKind,
    /// Side of the square window in pixels.
    pub kernel: usize,
    /// Stride in pixels.
    pub stride: usize,
    /// Padding on each side in pixels.
    pub padding: usize,
    /// True to also compute an output where the window overhangs the edge.
    pub ceil_mode: bool,
}

/// One operation on `[batch, channels, height, width]` or `[batch, features]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Op {
    /// The network's input. Node 0 is the input, and no other node is.
    Input,
    /// Cross-correlation with weight `[out, in / groups, kernel, kernel]`.
    Conv2d {
        /// Kernel, `[out, in / groups, kernel, kernel]`.
        weight: ParamId,
        /// Bias `[out]`, added per output channel.
        bias: Option<ParamId>,
        /// Stride in pixels.
        stride: usize,
        /// Zero padding on each side in pixels.
        padding: usize,
        /// Distance between kernel taps in pixels.
        dilation: usize,
        /// Number of independent channel groups.
        groups: usize,
    },
    /// Batch normalisation over batch and pixels, with the batch's own statistics.
    BatchNorm {
        /// Scale and shift, `[channels]` each; `None` without affine.
        affine: Option<[ParamId; 2]>,
        /// Added to the variance before its square root is taken.
        eps: f64,
    },
    /// max(x, 0).
    Relu,
    /// Local pooling.
    Pool(Pool),
    /// Mean over height and width: `[c, h, w]` to `[c]`.
    GlobalAvgPool,
    /// Matrix product with weight `[out, in]`, from `[in]` to `[out]`.
    Linear {
        /// Matrix, `[out, in]`.
        weight: ParamId,
        /// Bias `[out]`.
        bias: Option<ParamId>,
    },
    /// Sum of one or more values of equal shape.
    Add,
    /// Concatenation along channels.
    Concat,
    /// The input, unchanged.
    Identity,
    /// Zeros in the input's shape, subsampled by `stride`.
    Zero {
        /// Stride in pixels.
        stride: usize,
    },
    /// Channels `start..start + length` of the input.
    ChannelSlice {
        /// First channel that is kept.
        start: usize,
        /// Number of channels that are kept.
        length: usize,
    },
    /// Drops the first `offset` rows and columns, as the second branch of a factorised reduction
    /// does.
    Crop {
        /// Number of rows and columns dropped at the top left, in pixels.
        offset: usize,
    },
    /// Dropout while a supernet is trained; the identity when a network is scored.
    Dropout {
        /// Probability that an element is set to zero.
        probability: f64,
    },
}

impl Op {
    /// Name of the operation, for messages and drawings.
    pub fn name(&self) -> &'static str {
        match self {
            Op::Input => "input",
            Op::Conv2d { .. } => "conv2d",
            Op::BatchNorm { .. } => "batch_norm",
            Op::Relu => "relu",
            Op::Pool(Pool { kind: PoolKind::Max, .. }) => "max_pool",
            Op::Pool(Pool { kind: PoolKind::Average { .. }, .. }) => "avg_pool",
            Op::GlobalAvgPool => "global_avg_pool",
            Op::Linear { .. } => "linear",
            Op::Add => "add",
            Op::Concat => "concat",
            Op::Identity => "identity",
            Op::Zero { .. } => "zero",
            Op::ChannelSlice { .. } => "channel_slice",
            Op::Crop { .. } => "crop",
            Op::Dropout { .. } => "dropout",
        }
    }

    /// True for a convolution, batch normalisation, ReLU, local pooling or linear layer.
    pub fn is_leaf(&self) -> bool {
        use Op::{BatchNorm, Conv2d, Linear, Pool, Relu};
        matches!(self, Conv2d { .. } | BatchNorm { .. } | Relu | Pool(_) | Linear { .. })
    }

    /// The parameters that the operation names, weight first.
    pub fn parameters(&self) -> impl Iterator<Item = ParamId> {
        let (first, second) = match *self {
            Op::Conv2d { weight, bias, .. } | Op::Linear { weight, bias } => (Some(weight), bias),
            Op::BatchNorm { affine: Some([scale, shift]), .. } => (Some(scale), Some(shift)),
            _ => (None, None),
        };
        first.into_iter().chain(second)
    }
}

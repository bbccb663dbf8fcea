//! The operations that the five search spaces of the study need.

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

/// Which value a pooling window yields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum PoolKind {
    /// The largest value; padding never wins.
    Max,
    /// The mean.
    Average {
        /// Whether padding counts in the divisor.
        count_include_pad: bool,
    },
}

/// A pooling window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Pool {
    /// Max or average.
    pub kind: PoolKind,
    /// Side of the square window, pixels.
    pub kernel: usize,
    /// Step, pixels.
    pub stride: usize,
    /// Zero padding on each side, pixels.
    pub padding: usize,
    /// Whether an output is also made where the window overhangs the edge.
    pub ceil_mode: bool,
}

/// One operation on `[batch, channels, height, width]` or `[batch, features]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Op {
    /// The network's input; always node 0, and only node 0.
    Input,
    /// Cross-correlation; weight `[out, in / groups, kernel, kernel]`.
    Conv2d {
        /// The kernel.
        weight: ParamId,
        /// Added per output channel, `[out]`.
        bias: Option<ParamId>,
        /// Step, pixels.
        stride: usize,
        /// Zero padding on each side, pixels.
        padding: usize,
        /// Distance between kernel taps, pixels.
        dilation: usize,
        /// Number of independent channel groups.
        groups: usize,
    },
    /// Batch normalisation over batch and pixels, on the batch's own statistics.
    BatchNorm {
        /// Scale and shift, `[channels]` each; `None` without affine.
        affine: Option<[ParamId; 2]>,
        /// Added to the variance.
        eps: f64,
    },
    /// max(x, 0).
    Relu,
    /// Local pooling.
    Pool(Pool),
    /// Mean over height and width: `[c, h, w]` to `[c]`.
    GlobalAvgPool,
    /// Matrix product with weight `[out, in]` on `[in]`.
    Linear {
        /// The matrix.
        weight: ParamId,
        /// Added per output, `[out]`.
        bias: Option<ParamId>,
    },
    /// Sum of one or more equal shapes.
    Add,
    /// Concatenation along channels.
    Concat,
    /// The input itself.
    Identity,
    /// Zeros of the input's shape, subsampled by `stride`.
    Zero {
        /// Step, pixels.
        stride: usize,
    },
    /// Channels `start..start + length` of the input.
    ChannelSlice {
        /// First channel kept.
        start: usize,
        /// Number of channels kept.
        length: usize,
    },
    /// Drops the first `offset` rows and columns (factorised reduction's
    /// second branch).
    Crop {
        /// Rows and columns dropped at the top left, pixels.
        offset: usize,
    },
    /// Dropout in supernet training; the identity when estimators look.
    Dropout {
        /// Probability of a zero.
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

    /// Every parameter the operation names, weight first.
    pub fn parameters(&self) -> impl Iterator<Item = ParamId> {
        let (first, second) = match *self {
            Op::Conv2d { weight, bias, .. } | Op::Linear { weight, bias } => (Some(weight), bias),
            Op::BatchNorm { affine: Some([scale, shift]), .. } => (Some(scale), Some(shift)),
            _ => (None, None),
        };
        first.into_iter().chain(second)
    }
}

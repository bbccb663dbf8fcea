//! The measurements that an estimator can ask of a network, by name.

use crate::Variation;
use serde::{Deserialize, Serialize};

/// How batch normalisation behaves in a [`Measurement::SynapticFlow`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum BatchNormMode {
    /// Batch normalisation is replaced by the identity.
    Bypassed,
    /// Batch normalisation is kept, with the statistics of the batch.
    Kept,
}

/// The scalar whose gradient [`Measurement::ReluActivations`] takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Objective {
    /// Mean cross-entropy of the batch.
    Loss,
    /// Sum of the globally pooled features of all images.
    PooledFeatures,
}

/// The factors by which [`Measurement::CellGradients`] sums the outputs of a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Signs {
    /// 1 or -1 with equal probability.
    Random,
    /// 1 where the sum of the indices (image, channel, row and column) is even, else -1.
    Checkerboard,
}

/// The functions of one image whose gradients a [`Measurement::TangentKernel`] compares, and the
/// parameters for which they are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Tangent {
    /// The sum of an image's logits; weights of convolutions and linear layers, and scales of
    /// batch normalisations.
    SumOfLogits,
    /// The logit of an image's label; weights and biases of convolutions and linear layers.
    LabelLogit,
}

/// One pass, or part of one. The host runs it at most once per network and batch,
/// however many estimators ask for it. In all of them, batch normalisation uses the
/// statistics of the batch unless a [`Variation`] says otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Measurement {
    /// Images `[batch, channels, height, width]` and labels `[batch]`, i64.
    Batch,
    /// Every parameter of the graph, in graph order, in the shape in which it is used.
    Parameters,
    /// The parameters themselves, as leaves that require grad: the output of the network
    /// on other images depends on them.
    Leaves,
    /// Output of the forward pass, `[batch, classes]`.
    Logits,
    /// Mean cross-entropy of the batch, a scalar.
    Loss,
    /// Gradient of the loss with respect to every parameter, in graph order; zeros where
    /// the parameter cannot reach the output.
    LossGradients,
    /// Output of every live convolution and linear layer, each followed by the gradient
    /// of the loss with respect to it.
    LayerActivations,
    /// Gradient of the sum of all logits with respect to the images.
    InputGradient,
    /// `[batch, batch]`, f64: for each pair of images the number of ReLU units, over all
    /// ReLU calls, on which both are positive or both are not.
    ReluKernel,
    /// The parameters, then the gradient of the summed output with respect to each, both
    /// in graph order and f64. All parameters are replaced by their absolute values, and
    /// the input is one image of ones.
    SynapticFlow(BatchNormMode),
    /// w'Hg, an f64 scalar, where w are the convolution and linear weights, g the gradient
    /// and H the Hessian of the loss with respect to w.
    WeightHessianGradient,
    /// The map `[batch, channels, height, width]` that the last global pooling takes.
    Features,
    /// For each batch normalisation, in graph order, the unbiased variance of its input per
    /// channel, `[channels]`.
    NormVariances,
    /// The output of the stem, which is the node before the first cell, then of each cell.
    CellOutputs,
    /// For each cell: factors of the shape of its output, then the gradient of the sum of factors
    /// times output with respect to the output of the cell before it, or of the stem.
    CellGradients(Signs),
    /// The output of each convolution, batch normalisation, ReLU, local pooling and linear layer,
    /// in graph order, whether or not it can reach the network's output.
    LeafOutputs,
    /// For each ReLU call in graph order, its input and the gradient of the objective with respect
    /// to that input, by way of that call alone.
    ReluActivations(Objective),
    /// Two numbers, i64: how many different columns the sign matrix has, and how many columns. It
    /// has a row for each image and a column for each ReLU unit on a map, 1 where the unit is
    /// positive. At most 128 images.
    ReluColumns,
    /// For each convolution and linear weight in graph order, the sum over images of the sign of
    /// the loss gradient, where each image passes alone through the network: batch normalisation
    /// uses the statistics of one image.
    GradientSigns,
    /// Inner products of the gradients of each two images, `[batch, batch]`, f64. Batch
    /// normalisation couples the images, so it takes a backward pass for each.
    TangentKernel(Tangent),
    /// Derivatives `[batch, classes, n]`, f32, of each image's logits with respect to the first
    /// entry of each of the first n parameters in graph order: 128, or all if there are fewer. It
    /// needs [`NormStatistics::Initial`](crate::NormStatistics::Initial).
    FirstEntryJacobian,
    /// How many of the images differ in the signs of their ReLUs, an i64 scalar, in the same
    /// network with as few channels as its operations allow. With given weights it has the first
    /// channels of each, and else weights drawn by the same law. With noise, 3,000 maps of 3 x 3
    /// pixels stand for the output of the stem (Chen et al., TE-NAS, ICLR 2021).
    LinearRegions,
    /// A measurement of the network as it is under a variation.
    Varied(Variation, Box<Measurement>),
    /// Seed of the asking estimator's random numbers, an i64 scalar. It is derived from
    /// the study's seed, the space, the architecture, the estimator and the batch. See
    /// [`Network::rng`](crate::Network::rng).
    Seed,
}

impl Measurement {
    /// A short name, used in timings.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Batch => "batch",
            Self::Parameters => "parameters",
            Self::Leaves => "leaves",
            Self::Logits => "logits",
            Self::Loss => "loss",
            Self::LossGradients => "loss_gradients",
            Self::LayerActivations => "layer_activations",
            Self::InputGradient => "input_gradient",
            Self::ReluKernel => "relu_kernel",
            Self::SynapticFlow(BatchNormMode::Bypassed) => "synaptic_flow",
            Self::SynapticFlow(BatchNormMode::Kept) => "synaptic_flow_bn",
            Self::WeightHessianGradient => "weight_hessian_gradient",
            Self::Features => "features",
            Self::NormVariances => "norm_variances",
            Self::CellOutputs => "cell_outputs",
            Self::CellGradients(_) => "cell_gradients",
            Self::LeafOutputs => "leaf_outputs",
            Self::ReluActivations(_) => "relu_activations",
            Self::ReluColumns => "relu_columns",
            Self::GradientSigns => "gradient_signs",
            Self::TangentKernel(_) => "tangent_kernel",
            Self::FirstEntryJacobian => "first_entry_jacobian",
            Self::LinearRegions => "linear_regions",
            Self::Varied(_, what) => what.name(),
            Self::Seed => "seed",
        }
    }
}

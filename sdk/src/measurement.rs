//! The measurements that an estimator can ask of a network, by name.

use serde::{Deserialize, Serialize};

/// How batch normalisation behaves in a [`Measurement::SynapticFlow`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum BatchNormMode {
    /// Batch normalisation is replaced by the identity.
    Bypassed,
    /// Batch normalisation is kept, with the statistics of the batch.
    Kept,
}

/// One pass, or part of one. The host runs it at most once per network and batch,
/// however many estimators ask for it. In all of them, batch normalisation uses the
/// statistics of the batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
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
    /// Seed of the asking estimator's random numbers, an i64 scalar. It is derived from
    /// the study's seed, the space, the architecture, the estimator and the batch. See
    /// [`Network::rng`](crate::Network::rng).
    Seed,
}

impl Measurement {
    /// A short name, used in timings.
    pub fn name(self) -> &'static str {
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
            Self::Seed => "seed",
        }
    }
}

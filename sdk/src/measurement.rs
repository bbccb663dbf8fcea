//! What an estimator can ask of a network, by name.

use serde::{Deserialize, Serialize};

/// How batch normalisations act in a [`Measurement::SynapticFlow`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum BatchNormMode {
    /// Replaced by the identity.
    Bypassed,
    /// On the batch's statistics.
    Kept,
}

/// One pass, or part of one, that the host runs at most once per network and
/// batch however many estimators ask for it. All on the batch's own
/// statistics in batch normalisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Measurement {
    /// Images `[batch, channels, height, width]` and labels `[batch]`, i64.
    Batch,
    /// Every parameter of the graph, in its order, in the shape it is used.
    Parameters,
    /// The parameters themselves, which require grad: what the output of the
    /// network on other images depends on.
    Leaves,
    /// Output of the forward pass, `[batch, classes]`.
    Logits,
    /// Mean cross-entropy, a scalar.
    Loss,
    /// Gradient of the loss for every parameter of the graph, in its order;
    /// zeros where it cannot reach the output.
    LossGradients,
    /// Output of every live convolution and linear layer, each followed by
    /// the gradient of the loss there.
    LayerActivations,
    /// Gradient of the sum of all logits for the images.
    InputGradient,
    /// `[batch, batch]`, f64: for each pair of images the number of ReLU
    /// units, over all ReLU calls, on which both are positive or both not.
    ReluKernel,
    /// Gradient of the summed output for every parameter (in graph order,
    /// after the parameters themselves), all parameters replaced by their
    /// absolute values, the input by ones, in f64, on one image.
    SynapticFlow(BatchNormMode),
    /// w'Hg, a scalar in f64: g the loss gradient at the convolution and
    /// linear weights w, H the loss Hessian there.
    WeightHessianGradient,
    /// Seed of the random numbers of the estimator that asks, a scalar, i64:
    /// named by the study's seed, the space, the architecture, the estimator
    /// and the batch. See [`Network::rng`](crate::Network::rng).
    Seed,
}

impl Measurement {
    /// Short name for timings.
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

//! The author's view of a network: what the host measured of it.

use crate::{
    BatchNormMode, Error, Measurement, Result,
    abi::{graph, kinds::network::NetworkHandle},
};
use osee_model::{
    graph::{Graph, Op, Parameter},
    seed::{Stream, stream},
};
use std::{cell::OnceCell, rc::Rc};
use tch::Tensor;

/// A batch of images with labels.
#[derive(Debug)]
pub struct Batch {
    /// `[batch, channels, height, width]`, normalised.
    pub images: Tensor,
    /// `[batch]`, i64.
    pub labels: Tensor,
}

/// A parameter's value with its description.
#[derive(Debug)]
pub struct NamedTensor<'a> {
    /// Name, role, shape.
    pub parameter: &'a Parameter,
    /// The value.
    pub value: Tensor,
}

/// The weight of a convolution or linear layer and a gradient for it.
#[derive(Debug)]
pub struct LayerGradient<'a> {
    /// Name, role, shape.
    pub parameter: &'a Parameter,
    /// The weight.
    pub weight: Tensor,
    /// Gradient, of the weight's shape.
    pub gradient: Tensor,
}

/// Output of a convolution or linear layer and the loss gradient there.
#[derive(Debug)]
pub struct Activation<'a> {
    /// The layer's weight.
    pub parameter: &'a Parameter,
    /// `[batch, channels, height, width]` or `[batch, features]`.
    pub value: Tensor,
    /// Of the same shape.
    pub gradient: Tensor,
}

/// One instantiated network with one batch. Measurements are made on demand
/// and at most once, whichever estimators ask.
#[derive(Debug)]
pub struct Network {
    handle: NetworkHandle,
    graph: OnceCell<Rc<Graph>>,
}

impl Network {
    /// Takes the host's object.
    #[doc(hidden)]
    pub fn new(handle: NetworkHandle) -> Self {
        Self { handle, graph: OnceCell::new() }
    }

    /// The network as data; read when it is first asked for.
    ///
    /// # Errors
    /// When it has operations that this sdk does not know.
    pub fn graph(&self) -> Result<&Graph> {
        if let Some(graph) = self.graph.get() {
            return Ok(graph);
        }
        let graph = graph::read(self.handle.graph_document())?;
        Ok(self.graph.get_or_init(|| graph))
    }

    /// The batch.
    ///
    /// # Errors
    /// When the host cannot supply it.
    pub fn batch(&self) -> Result<Batch> {
        let [images, labels] = self.exactly(Measurement::Batch)?;
        Ok(Batch { images, labels })
    }

    /// Every parameter in the graph's order.
    ///
    /// # Errors
    /// When the host cannot make it.
    pub fn parameters(&self) -> Result<Vec<NamedTensor<'_>>> {
        self.described(Measurement::Parameters)
    }

    /// Every parameter in the graph's order, requiring grad: what
    /// [`forward`](Self::forward) depends on, for an estimator's own autograd.
    ///
    /// # Errors
    /// When the host cannot make it.
    pub fn trainable(&self) -> Result<Vec<NamedTensor<'_>>> {
        self.described(Measurement::Leaves)
    }

    /// Logits of the batch, `[batch, classes]`; without autograd.
    ///
    /// # Errors
    /// When the forward pass fails.
    pub fn logits(&self) -> Result<Tensor> {
        self.exactly(Measurement::Logits).map(|[logits]| logits)
    }

    /// Mean cross-entropy of the batch.
    ///
    /// # Errors
    /// When the forward pass fails.
    pub fn loss(&self) -> Result<f64> {
        self.scalar(Measurement::Loss)
    }

    /// Loss gradient of every convolution and linear weight; zeros where the
    /// layer cannot reach the output.
    ///
    /// # Errors
    /// When the pass fails.
    pub fn weight_gradients(&self) -> Result<Vec<LayerGradient<'_>>> {
        let weights = self.measure(Measurement::Parameters)?;
        let gradients = self.measure(Measurement::LossGradients)?;
        self.layers(weights, gradients)
    }

    /// Every live convolution's and linear layer's output with its loss
    /// gradient.
    ///
    /// # Errors
    /// When the pass fails.
    pub fn activations(&self) -> Result<Vec<Activation<'_>>> {
        let tensors = self.measure(Measurement::LayerActivations)?;
        let graph = self.graph()?;
        let live = graph.live();
        let weights = graph.iter().filter_map(|(id, node)| match node.op {
            Op::Conv2d { weight, .. } | Op::Linear { weight, .. } if live[id.index()] => {
                Some(graph.parameter(weight))
            }
            _ => None,
        });
        let mut tensors = tensors.into_iter();
        let mut activations = Vec::new();
        for parameter in weights {
            let (Some(value), Some(gradient)) = (tensors.next(), tensors.next()) else {
                return Err(Error::new("the host sent fewer activations than layers"));
            };
            activations.push(Activation { parameter, value, gradient });
        }
        Ok(activations)
    }

    /// Gradient of the sum of all logits for the images, of the images' shape.
    ///
    /// # Errors
    /// When the pass fails.
    pub fn input_gradient(&self) -> Result<Tensor> {
        self.exactly(Measurement::InputGradient).map(|[gradient]| gradient)
    }

    /// For each pair of images, on how many ReLU units both are positive or
    /// both are not: `[batch, batch]`, f64 (Mellor et al. 2021).
    ///
    /// # Errors
    /// When the forward pass fails.
    pub fn relu_kernel(&self) -> Result<Tensor> {
        self.exactly(Measurement::ReluKernel).map(|[kernel]| kernel)
    }

    /// Absolute weights and gradients of the summed output of the network of
    /// absolute parameters on an image of ones, in f64 (Tanaka et al. 2020).
    ///
    /// # Errors
    /// When the pass fails.
    pub fn synaptic_flow(&self, batch_norm: BatchNormMode) -> Result<Vec<LayerGradient<'_>>> {
        let mut weights = self.measure(Measurement::SynapticFlow(batch_norm))?;
        let gradients = weights.split_off(self.graph()?.parameters.len().min(weights.len()));
        self.layers(weights, gradients)
    }

    /// w'Hg for the convolution and linear weights w, their loss gradient g
    /// and the loss Hessian H.
    ///
    /// # Errors
    /// When the pass fails.
    pub fn weight_hessian_gradient(&self) -> Result<f64> {
        self.scalar(Measurement::WeightHessianGradient)
    }

    /// The network on other images, with autograd: `[n, c, h, w]` to
    /// `[n, classes]`. For estimators that need a pass of their own, such as
    /// w'Hw:
    ///
    /// ```no_run
    /// # use osee_sdk::{prelude::*, differentiable_gradients, gradients};
    /// # fn score(network: &Network) -> Result<f64> {
    /// let batch = network.batch()?;
    /// let loss = network.forward(&batch.images)?.cross_entropy_for_logits(&batch.labels);
    /// let leaves = network.trainable()?;
    /// let weights: Vec<&Tensor> = leaves
    ///     .iter()
    ///     .filter(|leaf| leaf.parameter.role.is_weight())
    ///     .map(|leaf| &leaf.value)
    ///     .collect();
    /// let first = differentiable_gradients(&loss, &weights)?;
    /// let product: Tensor = first.iter().zip(&weights).map(|(g, w)| (g * w.detach()).sum(g.kind())).sum();
    /// let second = gradients(&product, &weights)?;
    /// let sums = second.iter().zip(&weights).map(|(h, w)| (h * *w).sum(Kind::Double));
    /// Ok(sums.map(|sum| sum.double_value(&[])).sum())
    /// # }
    /// ```
    ///
    /// # Errors
    /// When the images do not fit the network.
    pub fn forward(&self, images: &Tensor) -> Result<Tensor> {
        self.handle.forward(images)
    }

    /// The estimator's own random numbers for this network: a stream named by
    /// the study's seed, the space, the architecture, the estimator and the
    /// batch, so that scores depend neither on what was scored before nor on
    /// the number of workers. Every call begins the same stream again;
    /// [`model::seed`](osee_model::seed) has functions that draw from it.
    ///
    /// ```no_run
    /// # use osee_sdk::{model::seed, prelude::*};
    /// # fn score(network: &Network) -> Result<f64> {
    /// let mut random = network.rng()?;
    /// let noise: Vec<f64> = (0..10).map(|_| seed::unit(&mut random)).collect();
    /// let noise = Tensor::from_slice(&noise);
    /// # Ok(noise.sum(Kind::Double).double_value(&[]))
    /// # }
    /// ```
    ///
    /// # Errors
    /// When the host cannot name it.
    pub fn rng(&self) -> Result<Stream> {
        let [seed] = self.exactly(Measurement::Seed)?;
        // The bits of an unsigned number.
        Ok(stream(seed.f_int64_value(&[])? as u64, &["estimator"]))
    }

    /// Whether the time limit has passed or the user asked to stop. Estimators
    /// that take more than a second or two ask in their loops and return early:
    /// what they return then, a score or an error, is not kept, and their worker
    /// need not be killed. From the first `true` on there is only `true`.
    pub fn cancelled(&self) -> bool {
        self.handle.cancelled()
    }

    /// A tensor for each parameter, with its description.
    fn described(&self, what: Measurement) -> Result<Vec<NamedTensor<'_>>> {
        let values = self.measure(what)?;
        let described = self.graph()?.parameters.iter().zip(values);
        Ok(described.map(|(parameter, value)| NamedTensor { parameter, value }).collect())
    }

    fn layers(
        &self,
        weights: Vec<Tensor>,
        gradients: Vec<Tensor>,
    ) -> Result<Vec<LayerGradient<'_>>> {
        let described = self.graph()?.parameters.iter().zip(weights).zip(gradients);
        Ok(described
            .filter(|((parameter, _), _)| parameter.role.is_weight())
            .map(|((parameter, weight), gradient)| LayerGradient { parameter, weight, gradient })
            .collect())
    }

    fn scalar(&self, what: Measurement) -> Result<f64> {
        let [value] = self.exactly(what)?;
        Ok(value.f_double_value(&[])?)
    }

    fn exactly<const N: usize>(&self, what: Measurement) -> Result<[Tensor; N]> {
        self.measure(what)?.try_into().map_err(|got: Vec<Tensor>| {
            Error::new(format!("{} came as {} tensors, not {N}", what.name(), got.len()))
        })
    }

    fn measure(&self, what: Measurement) -> Result<Vec<Tensor>> {
        self.handle.measure(what)
    }
}

/// Gradients of `output`, summed, for `inputs`; zeros where it does not depend
/// on one. Refuses what would crash
/// libtorch: an output that does not require grad.
///
/// # Errors
/// When `output` does not depend on anything that requires grad, or autograd
/// fails.
pub fn gradients(output: &Tensor, inputs: &[&Tensor]) -> Result<Vec<Tensor>> {
    backward(output, inputs, false)
}

/// The same, to be differentiated again.
///
/// # Errors
/// As [`gradients`].
pub fn differentiable_gradients(output: &Tensor, inputs: &[&Tensor]) -> Result<Vec<Tensor>> {
    backward(output, inputs, true)
}

fn backward(output: &Tensor, inputs: &[&Tensor], again: bool) -> Result<Vec<Tensor>> {
    if !output.requires_grad() {
        return Err(Error::new("the output does not require grad, so it has no gradient"));
    }
    let gradients = Tensor::f_run_backward(&[output], inputs, true, again)?;
    let zero = |(gradient, input): (Tensor, &&Tensor)| match gradient.defined() {
        true => gradient,
        false => input.zeros_like(),
    };
    Ok(gradients.into_iter().zip(inputs).map(zero).collect())
}

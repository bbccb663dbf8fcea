//! The author's view of a network and the host's measurements of it.

use crate::{BatchNormMode, Error, Measurement, Objective, Result, Signs, Tangent, Variation};
use osee_model::{
    graph::{Graph, Op, Parameter},
    seed::{Stream, stream},
};
use std::{cell::OnceCell, fmt, rc::Rc};
use tch::Tensor;

/// A batch of images with their labels.
#[derive(Debug)]
pub struct Batch {
    /// Normalised images, `[batch, channels, height, width]`.
    pub images: Tensor,
    /// Class indices, `[batch]`, i64.
    pub labels: Tensor,
}

/// A parameter of the graph and a tensor for it.
#[derive(Debug)]
pub struct NamedTensor<'a> {
    /// Name, role and shape of the parameter.
    pub parameter: &'a Parameter,
    /// The value, in the shape in which the parameter is used.
    pub value: Tensor,
}

/// The weight of a convolution or linear layer and the gradient with respect to it.
#[derive(Debug)]
pub struct LayerGradient<'a> {
    /// Name, role and shape of the weight.
    pub parameter: &'a Parameter,
    /// The value of the weight.
    pub weight: Tensor,
    /// The gradient, of the shape of `weight`.
    pub gradient: Tensor,
}

/// The output of a convolution or linear layer and the loss gradient with respect to it.
#[derive(Debug)]
pub struct Activation<'a> {
    /// The weight of the layer.
    pub parameter: &'a Parameter,
    /// The output, `[batch, channels, height, width]` or `[batch, features]`.
    pub value: Tensor,
    /// The gradient, of the shape of `value`.
    pub gradient: Tensor,
}

/// Answers what an estimator asks of its [`Network`].
pub trait Lender: fmt::Debug {
    /// The network as data.
    ///
    /// # Errors
    /// When the graph has operations that this sdk does not know.
    fn graph(&self) -> Result<Rc<Graph>>;
    /// The tensors of a measurement; [`Measurement`] says which they are.
    ///
    /// # Errors
    /// When the pass fails.
    fn measure(&self, what: Measurement) -> Result<Vec<Tensor>>;
    /// The logits, `[n, classes]`, of the network on other images.
    ///
    /// # Errors
    /// When the images do not fit the network.
    fn forward(&self, images: &Tensor) -> Result<Tensor>;
    /// True if the score is no longer wanted.
    fn cancelled(&self) -> bool;
}

/// One instantiated network with one batch. Measurements are computed on demand, and
/// at most once for all estimators.
#[derive(Debug)]
pub struct Network {
    lender: Rc<dyn Lender>,
    graph: OnceCell<Rc<Graph>>,
}

impl Network {
    /// Wraps the network that the host lends.
    #[doc(hidden)]
    pub fn new(lender: impl Lender + 'static) -> Self {
        Self { lender: Rc::new(lender), graph: OnceCell::new() }
    }

    /// The same network under other weights, other images or another batch normalisation. Its
    /// passes are shared by all estimators that ask for an equal variation.
    ///
    /// ```no_run
    /// # use osee_sdk::prelude::*;
    /// # fn score(network: &Network) -> Result<f64> {
    /// let noise = Variation::default().images(Images::Noise(0));
    /// network.varied(noise).loss()
    /// # }
    /// ```
    #[must_use]
    pub fn varied(&self, variation: Variation) -> Self {
        if variation == Variation::default() {
            return Self { lender: Rc::clone(&self.lender), graph: self.graph.clone() };
        }
        let lender = Varied { lender: Rc::clone(&self.lender), variation };
        Self { lender: Rc::new(lender), graph: self.graph.clone() }
    }

    /// The network as data, decoded on the first call.
    ///
    /// # Errors
    /// When the graph has operations that this sdk does not know.
    pub fn graph(&self) -> Result<&Graph> {
        if let Some(graph) = self.graph.get() {
            return Ok(graph);
        }
        let graph = self.lender.graph()?;
        Ok(self.graph.get_or_init(|| graph))
    }

    /// The batch of images and labels.
    ///
    /// # Errors
    /// When the host cannot supply it.
    pub fn batch(&self) -> Result<Batch> {
        let [images, labels] = self.exactly(Measurement::Batch)?;
        Ok(Batch { images, labels })
    }

    /// Every parameter, in graph order; without autograd.
    ///
    /// # Errors
    /// When the host cannot make them.
    pub fn parameters(&self) -> Result<Vec<NamedTensor<'_>>> {
        self.described(Measurement::Parameters)
    }

    /// Every parameter, in graph order, as leaves that require grad. The output of
    /// [`forward`](Self::forward) depends on them, for an estimator's own autograd.
    ///
    /// # Errors
    /// When the host cannot make them.
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

    /// Loss gradient with respect to every convolution and linear weight; zeros where the
    /// layer cannot reach the output.
    ///
    /// # Errors
    /// When the backward pass fails.
    pub fn weight_gradients(&self) -> Result<Vec<LayerGradient<'_>>> {
        let weights = self.measure(Measurement::Parameters)?;
        let gradients = self.measure(Measurement::LossGradients)?;
        self.layers(weights, gradients)
    }

    /// The output of every live convolution and linear layer, with the loss gradient with
    /// respect to it.
    ///
    /// # Errors
    /// When the backward pass fails.
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

    /// Gradient of the sum of all logits with respect to the images, of their shape.
    ///
    /// # Errors
    /// When the backward pass fails.
    pub fn input_gradient(&self) -> Result<Tensor> {
        self.exactly(Measurement::InputGradient).map(|[gradient]| gradient)
    }

    /// For each pair of images, the number of ReLU units on which both are positive or
    /// both are not: `[batch, batch]`, f64 (Mellor et al. 2021).
    ///
    /// # Errors
    /// When the forward pass fails.
    pub fn relu_kernel(&self) -> Result<Tensor> {
        self.exactly(Measurement::ReluKernel).map(|[kernel]| kernel)
    }

    /// Synaptic flow (Tanaka et al. 2020): the absolute convolution and linear weights, and
    /// the gradients of the summed output, in f64. All parameters are replaced by their
    /// absolute values, and the input is one image of ones.
    ///
    /// # Errors
    /// When the backward pass fails.
    pub fn synaptic_flow(&self, batch_norm: BatchNormMode) -> Result<Vec<LayerGradient<'_>>> {
        let mut weights = self.measure(Measurement::SynapticFlow(batch_norm))?;
        let gradients = weights.split_off(self.graph()?.parameters.len().min(weights.len()));
        self.layers(weights, gradients)
    }

    /// w'Hg, where w are the convolution and linear weights, g the gradient and H the
    /// Hessian of the loss with respect to w.
    ///
    /// # Errors
    /// When the pass fails.
    pub fn weight_hessian_gradient(&self) -> Result<f64> {
        self.scalar(Measurement::WeightHessianGradient)
    }

    /// The map that the last global pooling takes, `[batch, channels, height, width]`.
    ///
    /// # Errors
    /// When the network has no global pooling, or the forward pass fails.
    pub fn features(&self) -> Result<Tensor> {
        self.exactly(Measurement::Features).map(|[features]| features)
    }

    /// For each batch normalisation, in graph order, the unbiased variance of its input per
    /// channel, `[channels]`.
    ///
    /// # Errors
    /// When the forward pass fails.
    pub fn norm_variances(&self) -> Result<Vec<Tensor>> {
        self.measure(Measurement::NormVariances)
    }

    /// The output of the stem, then of each of the graph's cells.
    ///
    /// # Errors
    /// When the graph has no cells, or the forward pass fails.
    pub fn cell_outputs(&self) -> Result<Vec<Tensor>> {
        self.measure(Measurement::CellOutputs)
    }

    /// For each cell, from the first: factors of the shape of its output, and the gradient of the
    /// sum of factors times output with respect to the output of the cell before it, or of the
    /// stem.
    ///
    /// # Errors
    /// When the graph has no cells, or a pass fails.
    pub fn cell_gradients(&self, signs: Signs) -> Result<Vec<[Tensor; 2]>> {
        self.pairs(Measurement::CellGradients(signs))
    }

    /// The output of each convolution, batch normalisation, ReLU, local pooling and linear layer,
    /// with its operation, in graph order.
    ///
    /// # Errors
    /// When the forward pass fails.
    pub fn leaf_outputs(&self) -> Result<Vec<(&Op, Tensor)>> {
        let outputs = self.measure(Measurement::LeafOutputs)?;
        let leaves = self.graph()?.nodes.iter().map(|node| &node.op).filter(|op| op.is_leaf());
        Ok(leaves.zip(outputs).collect())
    }

    /// For each ReLU call in graph order, its input and the gradient of the objective with respect
    /// to that input, by way of that call alone; zeros where the call cannot reach the output.
    ///
    /// # Errors
    /// When a pass fails.
    pub fn relu_activations(&self, objective: Objective) -> Result<Vec<[Tensor; 2]>> {
        self.pairs(Measurement::ReluActivations(objective))
    }

    /// How many different columns the matrix of ReLU signs has, and how many columns: it has a row
    /// for each image and a column for each ReLU unit on a map.
    ///
    /// # Errors
    /// When there are more than 128 images, or the forward pass fails.
    pub fn relu_columns(&self) -> Result<[u64; 2]> {
        let [counts] = self.exactly(Measurement::ReluColumns)?;
        // Counts are at least 0.
        Ok([0, 1].map(|i| counts.int64_value(&[i]) as u64))
    }

    /// For each convolution and linear weight, the sum over images of the sign of the loss
    /// gradient, where each image passes alone through the network.
    ///
    /// # Errors
    /// When a batch normalisation has one pixel per image, or a pass fails.
    pub fn gradient_signs(&self) -> Result<Vec<NamedTensor<'_>>> {
        let signs = self.measure(Measurement::GradientSigns)?;
        let weights = self.graph()?.parameters.iter().filter(|it| it.role.is_weight());
        Ok(weights.zip(signs).map(|(parameter, value)| NamedTensor { parameter, value }).collect())
    }

    /// Inner products of the gradients of each two images, `[batch, batch]`, f64.
    ///
    /// # Errors
    /// When a pass fails.
    pub fn tangent_kernel(&self, tangent: Tangent) -> Result<Tensor> {
        self.exactly(Measurement::TangentKernel(tangent)).map(|[kernel]| kernel)
    }

    /// Derivatives `[batch, classes, n]` of each image's logits with respect to the first entry of
    /// each of the first n parameters: 128, or all if there are fewer.
    ///
    /// # Errors
    /// When batch normalisation couples the images, or a pass fails.
    pub fn first_entry_jacobian(&self) -> Result<Tensor> {
        self.exactly(Measurement::FirstEntryJacobian).map(|[jacobian]| jacobian)
    }

    /// How many images differ in the signs of their ReLUs, in a copy of the network with as few
    /// channels as its operations allow; see [`Measurement::LinearRegions`].
    ///
    /// # Errors
    /// When the channels of the network have no common divisor, or the forward pass fails.
    pub fn linear_regions(&self) -> Result<u64> {
        let [count] = self.exactly(Measurement::LinearRegions)?;
        // A count is at least 0.
        Ok(count.f_int64_value(&[])? as u64)
    }

    /// The logits of the network on other images, with autograd: `[n, c, h, w]` to
    /// `[n, classes]`. It is for estimators that need a pass of their own, such as
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
        self.lender.forward(images)
    }

    /// The estimator's own random numbers for this network. The stream is derived from
    /// the study's seed, the space, the architecture, the estimator and the batch, so
    /// scores depend neither on what was scored before nor on the number of workers. Every
    /// call starts the same stream from its beginning;
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
    /// When the host cannot supply the seed.
    pub fn rng(&self) -> Result<Stream> {
        let [seed] = self.exactly(Measurement::Seed)?;
        // The i64 carries the bits of a u64.
        Ok(stream(seed.f_int64_value(&[])? as u64, &["estimator"]))
    }

    /// True if the time limit has passed or the user asked to stop. An estimator that takes
    /// more than a second or two should check this in its loops and return early. What it
    /// then returns, a score or an error, is discarded, and its worker need not be killed.
    /// Once this is true, it stays true.
    pub fn cancelled(&self) -> bool {
        self.lender.cancelled()
    }

    fn pairs(&self, what: Measurement) -> Result<Vec<[Tensor; 2]>> {
        let mut tensors = self.measure(what)?.into_iter();
        let mut pairs = Vec::with_capacity(tensors.len() / 2);
        while let (Some(first), Some(second)) = (tensors.next(), tensors.next()) {
            pairs.push([first, second]);
        }
        Ok(pairs)
    }

    /// One tensor per parameter, paired with its description.
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
        let name = what.name();
        self.measure(what)?.try_into().map_err(|got: Vec<Tensor>| {
            Error::new(format!("{name} came as {} tensors, not {N}", got.len()))
        })
    }

    fn measure(&self, what: Measurement) -> Result<Vec<Tensor>> {
        self.lender.measure(what)
    }
}

/// A network under a variation.
#[derive(Debug)]
struct Varied {
    lender: Rc<dyn Lender>,
    variation: Variation,
}

impl Lender for Varied {
    fn graph(&self) -> Result<Rc<Graph>> {
        self.lender.graph()
    }

    fn measure(&self, what: Measurement) -> Result<Vec<Tensor>> {
        match what {
            Measurement::Seed => self.lender.measure(what),
            what => self.lender.measure(Measurement::Varied(self.variation, Box::new(what))),
        }
    }

    fn forward(&self, _: &Tensor) -> Result<Tensor> {
        Err(Error::new("a varied network has no pass on other images than its own"))
    }

    fn cancelled(&self) -> bool {
        self.lender.cancelled()
    }
}

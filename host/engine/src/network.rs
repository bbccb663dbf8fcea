//! One instantiated network with one batch, and its measurements.

use super::{
    Batch, Layout,
    clock::Moment,
    executor::{BatchNorm, Executor, Values},
    guard::GradOn,
    hessian,
    layout::{self, apart, joined},
    program::Program,
    relu_kernel,
};
use osee_model::graph::Op;
use osee_sdk::{
    BatchNormMode, Error, Measurement, Result,
    abi::{
        graph::LentGraph,
        kinds::network::{HostNetwork, NetworkHandle},
    },
};
use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tch::{Device, Kind, Tensor};

/// The forward pass that measurements share, with its autograd graph.
struct Pass {
    values: Values,
    logits: Tensor,
}

/// A measurement that was run, with its time.
struct Timed {
    what: Measurement,
    start: Moment,
    end: Moment,
    /// Number of passes before it began; those since then are its own and have entries of their
    /// own.
    inner: usize,
}

/// One network on one batch, with its memoised measurements.
pub struct Network {
    graph: LentGraph,
    program: Program,
    layout: Layout,
    /// All parameters in one vector, in graph order.
    weights: Tensor,
    /// Views of `weights`, which require grad.
    parameters: Vec<Tensor>,
    batch: Batch,
    pass: RefCell<Option<Rc<RefCell<Pass>>>>,
    measured: RefCell<HashMap<Measurement, Result<Vec<Tensor>>>>,
    /// torch's version counters of measured tensors, taken when they were made.
    versions: RefCell<HashMap<Measurement, Vec<i64>>>,
    /// True once estimators should return early.
    stop: RefCell<Arc<AtomicBool>>,
    /// True if an estimator was told to return early.
    cancelled: Cell<bool>,
    passes: RefCell<Vec<Timed>>,
    /// Measurements that the current call asked for, memoised or not.
    used: RefCell<Vec<Measurement>>,
    /// Loss gradients at outputs of layers and normalisations, by node.
    at_outputs: RefCell<Vec<Option<Tensor>>>,
}

impl Network {
    /// Instantiates `graph` with a copy of `parameters` (f32, in graph order and in the shapes used)
    /// on the device of `batch`.
    ///
    /// # Errors
    /// When the parameters or images do not fit the graph.
    pub fn new(
        graph: impl Into<LentGraph>,
        parameters: &[Tensor],
        batch: Batch,
        layout: Layout,
    ) -> Result<Rc<Self>> {
        let graph = graph.into();
        if parameters.len() != graph.parameters.len() {
            return Err(Error::new(format!(
                "the graph has {} parameters, {} were given",
                graph.parameters.len(),
                parameters.len()
            )));
        }
        for (described, value) in graph.parameters.iter().zip(parameters) {
            if value.size().iter().map(|&n| n as usize).ne(described.shape()) {
                return Err(Error::new(format!(
                    "parameter `{}` has shape {:?}, the graph uses {:?}",
                    described.name,
                    value.size(),
                    described.shape()
                )));
            }
        }
        let image = &batch.images.size()[1..];
        let wanted = graph.input_shape();
        if image.iter().product::<i64>() != wanted.numel() as i64
            || image[0] != wanted.channels() as i64
        {
            return Err(Error::new(format!(
                "the network takes images of {wanted}, the data has {image:?}"
            )));
        }
        let (weights, parameters) = placed(parameters, layout, batch.images.device())?;
        let images = layout.apply(&batch.images).detach().set_requires_grad(true);
        Ok(Rc::new(Self {
            program: Program::new(&graph),
            graph,
            layout,
            weights,
            parameters,
            batch: batch.with_images(images),
            pass: RefCell::default(),
            measured: RefCell::default(),
            versions: RefCell::default(),
            stop: RefCell::default(),
            cancelled: Cell::default(),
            passes: RefCell::default(),
            used: RefCell::default(),
            at_outputs: RefCell::default(),
        }))
    }

    /// The handle to lend to an estimator for one call; `seed` is that of the estimator's
    /// own random numbers.
    pub fn handle(self: &Rc<Self>, seed: u64) -> NetworkHandle {
        NetworkHandle::lend(Lent { network: Rc::clone(self), seed })
    }

    /// The tensors of a measurement. Results are memoised, and so are
    /// failures.
    ///
    /// # Errors
    /// When the pass fails.
    pub fn measure(&self, what: Measurement) -> Result<Vec<Tensor>> {
        self.used.borrow_mut().push(what);
        if let Some(known) = self.measured.borrow().get(&what) {
            return share(known);
        }
        let device = self.batch.images.device();
        let (start, inner) = (Moment::now(device), self.passes.borrow().len());
        let result = self.run(what);
        self.passes.borrow_mut().push(Timed { what, start, end: Moment::now(device), inner });
        let shared = share(&result);
        self.remember(what, result);
        shared
    }

    fn remember(&self, what: Measurement, result: Result<Vec<Tensor>>) {
        if let Ok(tensors) = &result {
            let versions = tensors.iter().map(Tensor::internal_version).collect();
            self.versions.borrow_mut().insert(what, versions);
        }
        self.measured.borrow_mut().insert(what, result);
    }

    /// The time of each measurement that was run, in order, without those that it asked for.
    pub fn costs(&self) -> Vec<(Measurement, Duration)> {
        let mut costs: Vec<(Measurement, Duration)> = Vec::new();
        for pass in self.passes.borrow().iter() {
            let nested: Duration = costs[pass.inner..].iter().map(|(_, cost)| *cost).sum();
            costs.push((pass.what, pass.start.until(&pass.end).saturating_sub(nested)));
        }
        costs
    }

    /// Tells estimators to return early once `stop` is true.
    pub fn stopped_by(&self, stop: Arc<AtomicBool>) {
        self.stop.replace(stop);
    }

    /// True if an estimator was told to return early, so that what it returns is not a
    /// score.
    pub fn was_cancelled(&self) -> bool {
        self.cancelled.get()
    }

    /// The name of a measurement whose tensors were written to after they were made,
    /// according to torch's version counters; `None` if there is none.
    pub fn altered(&self) -> Option<&'static str> {
        if !self.parameters.iter().all(Tensor::requires_grad) {
            return Some(Measurement::Leaves.name());
        }
        let versions = self.versions.borrow();
        let written = |(what, tensors): &(&Measurement, &Result<Vec<Tensor>>)| {
            tensors.as_ref().is_ok_and(|tensors| {
                tensors.iter().map(Tensor::internal_version).ne(versions[*what].iter().copied())
            })
        };
        self.measured.borrow().iter().find(written).map(|(what, _)| what.name())
    }

    /// Forgets which measurements were asked for.
    pub fn begin_requests(&self) {
        self.used.borrow_mut().clear();
    }

    /// Full cost of every measurement asked for since
    /// [`begin_requests`](Self::begin_requests), including those that it needed, as
    /// if nothing had been memoised.
    pub fn requested_cost(&self) -> Duration {
        let mut needed = self.used.borrow().clone();
        let mut i = 0;
        while i < needed.len() {
            needed.extend(needs(needed[i]));
            i += 1;
        }
        needed.sort_by_key(|what| what.name());
        needed.dedup();
        let costs = self.costs().into_iter();
        costs.filter(|(what, _)| needed.contains(what)).map(|(_, cost)| cost).sum()
    }

    /// Time of all measurements so far.
    pub fn total_cost(&self) -> Duration {
        self.costs().into_iter().map(|(_, cost)| cost).sum()
    }

    fn executor(&self) -> Executor<'_> {
        Executor::new(&self.graph, &self.program, &self.parameters)
    }

    fn pass(&self) -> Result<Rc<RefCell<Pass>>> {
        if let Some(pass) = &*self.pass.borrow() {
            return Ok(Rc::clone(pass));
        }
        let executor = self.executor();
        let values = executor.forward(&self.batch.images)?;
        let logits = executor.output(&values);
        let pass = Rc::new(RefCell::new(Pass { values, logits }));
        *self.pass.borrow_mut() = Some(Rc::clone(&pass));
        Ok(pass)
    }

    fn run(&self, what: Measurement) -> Result<Vec<Tensor>> {
        match what {
            Measurement::Batch => {
                Ok(vec![self.batch.images.detach(), self.batch.labels().shallow_clone()])
            }
            Measurement::Parameters => Ok(self.parameters.iter().map(Tensor::detach).collect()),
            Measurement::Leaves => Ok(self.parameters.iter().map(Tensor::shallow_clone).collect()),
            // Detached, because a backward pass by an estimator would free what
            // the shared passes need.
            Measurement::Logits => Ok(vec![self.pass()?.borrow().logits.detach()]),
            Measurement::Loss => {
                let [logits] = self.one(Measurement::Logits)?;
                Ok(vec![self.batch.cross_entropy(&logits)?])
            }
            Measurement::LossGradients => self.loss_gradients(),
            Measurement::LayerActivations => {
                // The backward pass for the gradients leaves the activations as well.
                self.measure(Measurement::LossGradients)?;
                match self.measured.borrow().get(&Measurement::LayerActivations) {
                    Some(known) => share(known),
                    None => Err(Error::new("the backward pass left no activations")),
                }
            }
            Measurement::InputGradient => {
                self.measure(Measurement::Logits)?;
                let sum = self.pass()?.borrow().logits.f_sum(None::<Kind>)?;
                gradients_or_zeros(&sum, &[&self.batch.images])
            }
            Measurement::ReluKernel => {
                self.measure(Measurement::Logits)?;
                let pass = self.pass()?;
                let mut pass = pass.borrow_mut();
                Ok(vec![relu_kernel::measure(&self.executor(), &mut pass.values)?])
            }
            Measurement::SynapticFlow(mode) => self.synaptic_flow(mode),
            Measurement::WeightHessianGradient => {
                let gradients = self.measure(Measurement::LossGradients)?;
                let pass = self.pass()?;
                let pass = pass.borrow();
                let shared = hessian::Shared {
                    values: &pass.values,
                    gradients: &gradients,
                    at_outputs: &self.at_outputs.borrow(),
                };
                let product = hessian::measure(&self.executor(), &shared)?;
                Ok(vec![Tensor::from(product)])
            }
            other => Err(Error::new(format!(
                "this host does not know the measurement `{}`",
                other.name()
            ))),
        }
    }

    fn one(&self, what: Measurement) -> Result<[Tensor; 1]> {
        self.measure(what)?
            .try_into()
            .map_err(|_| Error::new(format!("{} is one tensor", what.name())))
    }

    /// One backward pass for every live parameter which also yields the gradients at the
    /// output of every live layer and normalisation.
    fn loss_gradients(&self) -> Result<Vec<Tensor>> {
        self.measure(Measurement::Logits)?;
        let pass = self.pass()?;
        let pass = pass.borrow();
        let loss = self.batch.cross_entropy(&pass.logits)?;
        let mut parameters: Vec<usize> = Vec::new();
        let mut nodes: Vec<usize> = Vec::new();
        for step in self.program.steps.iter().filter(|step| step.live) {
            let op = &self.graph.nodes[step.node].op;
            parameters.extend(op.parameters().map(|id| id.index()));
            if is_layer(op) || matches!(op, Op::BatchNorm { .. }) {
                nodes.push(step.node);
            }
        }
        parameters.sort_unstable();
        parameters.dedup();
        let outputs = |node: &usize| pass.values.outputs[*node].as_ref().expect("live steps ran");
        let mut inputs: Vec<&Tensor> = parameters.iter().map(|&id| &self.parameters[id]).collect();
        inputs.extend(nodes.iter().map(outputs));
        let mut gradients = gradients_or_zeros(&loss, &inputs)?;
        let of_outputs = gradients.split_off(parameters.len());
        let mut at_outputs: Vec<Option<Tensor>> = self.graph.nodes.iter().map(|_| None).collect();
        let mut activations = Vec::new();
        for (node, gradient) in nodes.iter().zip(of_outputs) {
            if is_layer(&self.graph.nodes[*node].op) {
                activations.extend([outputs(node).detach(), gradient.shallow_clone()]);
            }
            at_outputs[*node] = Some(gradient);
        }
        *self.at_outputs.borrow_mut() = at_outputs;
        self.remember(Measurement::LayerActivations, Ok(activations));
        let mut known: Vec<Option<Tensor>> = self.parameters.iter().map(|_| None).collect();
        for (id, gradient) in parameters.into_iter().zip(gradients) {
            known[id] = Some(gradient);
        }
        let all = known.into_iter().zip(&self.parameters);
        Ok(all.map(|(known, like)| known.unwrap_or_else(|| like.detach().zeros_like())).collect())
    }

    fn synaptic_flow(&self, mode: BatchNormMode) -> Result<Vec<Tensor>> {
        let absolute = self.weights.f_abs()?.f_to_kind(Kind::Double)?;
        let parameters = leaves(self.layout, &absolute, &self.parameters)?;
        let executor = Executor {
            parameters: &parameters,
            batch_norm: match mode {
                BatchNormMode::Bypassed => BatchNorm::Bypassed,
                BatchNormMode::Kept => BatchNorm::Batch,
            },
            ..self.executor()
        };
        let mut size = self.batch.images.size();
        size[0] = 1;
        let ones = Tensor::ones(size, (Kind::Double, self.batch.images.device()));
        let values = executor.forward(&layout::fastest(&ones))?;
        let sum = executor.output(&values).f_sum(None::<Kind>)?;
        let gradients = gradients_or_zeros(&sum, &parameters.iter().collect::<Vec<_>>())?;
        Ok(parameters.iter().map(Tensor::detach).chain(gradients).collect())
    }
}

/// Copies of the parameters on a device, as one vector and as views of it that require
/// grad. One transfer takes them there.
fn placed(parameters: &[Tensor], layout: Layout, device: Device) -> Result<(Tensor, Vec<Tensor>)> {
    let detached: Vec<Tensor> = parameters.iter().map(Tensor::detach).collect();
    let vector = joined(layout, &detached)?.f_to_device(device)?;
    let parameters = leaves(layout, &vector, parameters)?;
    Ok((vector, parameters))
}

/// Views of a vector, of the sizes of `like`, that require grad.
fn leaves(layout: Layout, vector: &Tensor, like: &[Tensor]) -> Result<Vec<Tensor>> {
    let sizes: Vec<Vec<i64>> = like.iter().map(Tensor::size).collect();
    let parts = apart(layout, vector, &sizes)?;
    Ok(parts.into_iter().map(|part| part.detach().set_requires_grad(true)).collect())
}

fn is_layer(op: &Op) -> bool {
    matches!(op, Op::Conv2d { .. } | Op::Linear { .. })
}

/// Gradients of a scalar; zeros for inputs on which it does not depend.
fn gradients_or_zeros(output: &Tensor, inputs: &[&Tensor]) -> Result<Vec<Tensor>> {
    let gradients: Vec<Option<Tensor>> = match output.requires_grad() {
        false => inputs.iter().map(|_| None).collect(),
        true => {
            let gradients = Tensor::f_run_backward(&[output], inputs, true, false)?;
            gradients.into_iter().map(|it| it.defined().then_some(it)).collect()
        }
    };
    // All zeros are parts of one vector.
    let missing = gradients.iter().zip(inputs).filter(|(gradient, _)| gradient.is_none());
    let Some(largest) = missing.map(|(_, input)| input.numel() as i64).max() else {
        return Ok(gradients.into_iter().flatten().collect());
    };
    let zeros = Tensor::f_zeros([largest], (inputs[0].kind(), inputs[0].device()))?;
    let zero = |like: &Tensor| -> Result<Tensor> {
        Ok(zeros.f_narrow(0, 0, like.numel() as i64)?.f_view(like.size().as_slice())?)
    };
    let known = gradients.into_iter().zip(inputs);
    known.map(|(known, input)| known.map_or_else(|| zero(input), Ok)).collect()
}

/// The measurements that a measurement asks for itself.
fn needs(what: Measurement) -> Vec<Measurement> {
    match what {
        Measurement::Loss
        | Measurement::LossGradients
        | Measurement::InputGradient
        | Measurement::ReluKernel => {
            vec![Measurement::Logits]
        }
        Measurement::LayerActivations | Measurement::WeightHessianGradient => {
            vec![Measurement::LossGradients]
        }
        _ => Vec::new(),
    }
}

fn share(result: &Result<Vec<Tensor>>) -> Result<Vec<Tensor>> {
    match result {
        Ok(tensors) => Ok(tensors.iter().map(Tensor::shallow_clone).collect()),
        Err(error) => Err(error.clone()),
    }
}

struct Lent {
    network: Rc<Network>,
    seed: u64,
}

impl HostNetwork for Lent {
    fn graph_document(&self) -> &[u8] {
        self.network.graph.document()
    }

    fn measure(&self, what: Measurement) -> Result<Vec<Tensor>> {
        if what == Measurement::Seed {
            // The seed is not the network's: each estimator has its own. The bits are kept.
            return Ok(vec![Tensor::from(self.seed as i64)]);
        }
        // A plugin may call this from inside its own no_grad.
        let _grad = GradOn::new();
        self.network.measure(what)
    }

    fn forward(&self, images: &Tensor) -> Result<Tensor> {
        self.network.executor().logits(images)
    }

    fn cancelled(&self) -> bool {
        let stop = self.network.stop.borrow().load(Ordering::Relaxed);
        self.network.cancelled.set(stop || self.network.cancelled.get());
        stop
    }
}

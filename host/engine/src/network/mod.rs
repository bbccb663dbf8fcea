//! One instantiated network with one batch, and its measurements.

mod cells;
mod costs;
mod first_entries;
mod gradient_signs;
mod lent;
mod maps;
mod passes;
mod regions;
mod relus;
mod tangent;
mod variants;

pub use variants::Origin;

use super::{
    Batch, Layout,
    executor::{BatchNorm, Executor, Statistics, Values},
    layout::{apart, joined},
    program::Program,
};
use costs::Timed;
use lent::Lent;
use osee_sdk::{
    Error, Measurement, Result, Variation,
    abi::{graph::LentGraph, kinds::network::NetworkHandle},
};
use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    rc::Rc,
    sync::{Arc, atomic::AtomicBool},
};
use tch::{Device, Tensor};
use variants::Variants;

/// The forward pass that measurements share, with its autograd graph.
struct Pass {
    values: Values,
    logits: Tensor,
}

/// One network on one batch, with its memoised measurements.
pub struct Network {
    graph: LentGraph,
    program: Rc<Program>,
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
    /// Names the random numbers of its variants.
    origin: Origin,
    /// How it differs from the network that a study scores.
    variation: Variation,
    /// Statistics by which batch normalisations normalise in place of the batch's; none if empty.
    statistics: Vec<Option<Statistics>>,
    variants: RefCell<Variants>,
    /// Measurements that the current call asked for, memoised or not.
    used: RefCell<Vec<Measurement>>,
    /// Loss gradients at outputs of layers and normalisations, by node.
    at_outputs: RefCell<Vec<Option<Tensor>>>,
}

impl Network {
    /// Instantiates `graph` with a copy of `parameters` (f32, in graph order and in the shapes used)
    /// on the device of `batch`. `origin` names the random numbers of its variants.
    ///
    /// # Errors
    /// When the parameters or images do not fit the graph.
    pub fn new(
        graph: impl Into<LentGraph>,
        parameters: &[Tensor],
        batch: Batch,
        layout: Layout,
        origin: Origin,
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
        let program = Rc::new(Program::new(&graph));
        let placed = placed(parameters, layout, batch.images.device())?;
        Ok(Rc::new(Self::assemble(graph, program, placed, batch, layout, origin)))
    }

    /// A network of parts that fit, with its parameters as [`placed`] has them.
    fn assemble(
        graph: LentGraph,
        program: Rc<Program>,
        (weights, parameters): (Tensor, Vec<Tensor>),
        batch: Batch,
        layout: Layout,
        origin: Origin,
    ) -> Self {
        let images = layout.apply(&batch.images).detach().set_requires_grad(true);
        Self {
            program,
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
            origin,
            variation: Variation::default(),
            statistics: Vec::new(),
            variants: RefCell::default(),
        }
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
        self.used.borrow_mut().push(what.clone());
        if let Measurement::Varied(variation, what) = what {
            return self.measure_varied(variation, *what);
        }
        if let Some(known) = self.measured.borrow().get(&what) {
            return share(known);
        }
        let result = self.timed(&what, || self.run(&what));
        let shared = share(&result);
        self.remember(what, result);
        shared
    }

    fn remember(&self, what: Measurement, result: Result<Vec<Tensor>>) {
        if let Ok(tensors) = &result {
            let versions = tensors.iter().map(Tensor::internal_version).collect();
            self.versions.borrow_mut().insert(what.clone(), versions);
        }
        self.measured.borrow_mut().insert(what, result);
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
        let own = self.measured.borrow().iter().find(written).map(|(what, _)| what.name());
        own.or_else(|| self.variants.borrow().altered())
    }

    fn executor(&self) -> Executor<'_> {
        let executor = Executor::new(&self.graph, &self.program, &self.parameters);
        match self.statistics.as_slice() {
            [] => executor,
            seen => Executor { batch_norm: BatchNorm::Seen(seen), ..executor },
        }
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

fn share(result: &Result<Vec<Tensor>>) -> Result<Vec<Tensor>> {
    match result {
        Ok(tensors) => Ok(tensors.iter().map(Tensor::shallow_clone).collect()),
        Err(error) => Err(error.clone()),
    }
}

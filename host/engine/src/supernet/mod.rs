//! A supernet: every parameter that the graphs of a space name, shared by all
//! architectures that name it with one stored shape; and its training.
//!
//! Invariants: a parameter's first value depends on (seed, space, name, stored
//! shape), not on which architecture is seen first; a step's random numbers
//! depend on (seed, step). So a training resumed from a checkpoint continues
//! as if it had never stopped.

mod checkpoint;
mod optimiser;

pub use checkpoint::CheckpointError;
pub use optimiser::Sgd;

use super::{
    Batch,
    cuda::Tf32,
    executor::Executor,
    guard::GradOn,
    layout::fastest,
    parameters::{Initialiser, parts},
    program::Program,
};
use osee_model::{
    evaluation::BatchResult,
    graph::{Graph, Parameter},
    protocol::Init,
    recipe::Precision,
    seed::{Stream, stream},
};
use osee_sdk::{Error, Result, numbers};
use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
};
use tch::{Device, Kind, Tensor};

/// One stored parameter with its optimiser state.
#[derive(Debug)]
struct Slot {
    value: Tensor,
    /// SGD's momentum buffer; `None` before the first step.
    momentum: Option<Tensor>,
}

/// Results of a training step, averaged over its architectures.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Seen {
    /// Mean cross-entropy, in nats.
    pub loss: f64,
    /// Share of images whose highest logit is that of their label.
    pub accuracy: f64,
    /// Norm of the averaged gradient of all parameters, before clipping.
    pub gradient_norm: f64,
}

/// Shared parameters in training.
#[derive(Debug)]
pub struct Supernet {
    space: String,
    seed: u64,
    init: Init,
    device: Device,
    precision: Precision,
    /// The parameters, by name and stored shape.
    slots: BTreeMap<String, Slot>,
    /// Number of steps taken.
    step: u64,
}

impl Supernet {
    /// An untrained supernet. Parameters are drawn when an architecture first
    /// needs them.
    pub fn new(space: &str, seed: u64, init: Init, device: Device) -> Self {
        Self {
            space: space.to_owned(),
            seed,
            init,
            device,
            precision: Precision::F32,
            slots: BTreeMap::new(),
            step: 0,
        }
    }

    /// The same supernet, which computes with these numbers from now on.
    #[must_use]
    pub fn computing_in(self, precision: Precision) -> Self {
        Self { precision, ..self }
    }

    /// Number of steps taken.
    pub fn steps(&self) -> u64 {
        self.step
    }

    /// The parameters that `graph` uses, in graph order and in the shapes used. They
    /// share memory with the supernet and require grad.
    pub fn parameters(&mut self, graph: &Graph) -> Vec<Tensor> {
        let stored: Vec<Tensor> =
            graph.parameters.iter().map(|it| self.stored(it).shallow_clone()).collect();
        parts(graph, &stored)
    }

    fn stored(&mut self, parameter: &Parameter) -> &Tensor {
        let (seed, init, space, device) = (self.seed, self.init, &self.space, self.device);
        let slot = self.slots.entry(key(parameter)).or_insert_with(|| {
            let value = Initialiser::supernet(parameter, init, seed, space).to_device(device);
            Slot { value: fastest(&value).set_requires_grad(true), momentum: None }
        });
        &slot.value
    }

    /// Trains one step on the sub-networks `graphs`. The gradient of each parameter is
    /// its mean over those of them that use it (the paper divides by that number, not by the
    /// number of sub-networks).
    ///
    /// # Errors
    /// When the batch does not fit the graphs, or torch fails.
    pub fn train(&mut self, graphs: &[Graph], batch: &Batch, sgd: &Sgd) -> Result<Seen> {
        let each: Vec<(&Graph, &Batch)> = graphs.iter().map(|graph| (graph, batch)).collect();
        self.train_each(&each, sgd)
    }

    /// Like [`train`](Self::train), with a batch for each sub-network: the same images, in
    /// the size of its input.
    ///
    /// # Errors
    /// When a batch does not fit its graph, or torch fails.
    pub fn train_each(&mut self, each: &[(&Graph, &Batch)], sgd: &Sgd) -> Result<Seen> {
        if each.is_empty() {
            return Err(Error::new("a training step needs at least one architecture"));
        }
        let _grad = GradOn::new();
        let _tf32 = Tf32::allow(self.precision);
        let random = RefCell::new(stream(self.seed, &["train", "step", &self.step.to_string()]));
        let mut sums: BTreeMap<String, (Tensor, u32)> = BTreeMap::new();
        let mut seen = Vec::new();
        for (graph, batch) in each {
            seen.extend(self.backward(graph, batch, Some(&random), &mut sums)?);
        }
        let gradients = means(sums)?;
        seen.push(self.square_norm(&gradients)?);
        let seen = numbers(&seen)?;
        let (fits, square_norm) = (&seen[..seen.len() - 1], seen[seen.len() - 1]);
        let gradient_norm = square_norm.sqrt();
        self.apply(gradients, gradient_norm, sgd)?;
        self.step += 1;
        let mean =
            |of: usize| fits.chunks(2).fold(0.0, |sum, fit| sum + fit[of] / each.len() as f64);
        Ok(Seen { loss: mean(0), accuracy: mean(1), gradient_norm })
    }

    /// Gradients of one sub-network's loss, without dropout: one for each convolution and
    /// linear weight that it uses, by name and stored shape and in
    /// that shape, from the input to the output. No step is taken.
    ///
    /// # Errors
    /// When the batch does not fit the graph, or torch fails.
    pub fn gradients(&mut self, graph: &Graph, batch: &Batch) -> Result<Vec<(String, Tensor)>> {
        let _grad = GradOn::new();
        let mut sums = BTreeMap::new();
        let _ = self.backward(graph, batch, None, &mut sums)?;
        let weights = graph.parameters.iter().filter(|it| it.role.is_weight());
        let found = weights.filter_map(|it| sums.remove_entry(&key(it)));
        Ok(found.map(|(key, (gradient, _))| (key, gradient)).collect())
    }

    /// Adds one sub-network's gradients to `sums`, with dropout drawn from
    /// `random` if it is given. Returns the loss and the accuracy, still on the device.
    fn backward(
        &mut self,
        graph: &Graph,
        batch: &Batch,
        random: Option<&RefCell<Stream>>,
        sums: &mut BTreeMap<String, (Tensor, u32)>,
    ) -> Result<[Tensor; 2]> {
        let program = match random {
            Some(_) => Program::training(graph),
            None => Program::new(graph),
        };
        let used = program.parameters(graph);
        let parameters = self.parameters(graph);
        let random = random.map_or(&[][..], std::slice::from_ref);
        let bf16 = self.precision == Precision::Bf16;
        let executor = Executor { random, bf16, ..Executor::new(graph, &program, &parameters) };
        let logits = executor.logits(&batch.images)?;
        let loss = batch.cross_entropy(&logits)?;
        let seen = [loss.detach().f_to_kind(Kind::Double)?, batch.accuracy(&logits)?];
        // Two parameters of one graph may be parts of one stored parameter.
        let keys: BTreeSet<String> = used.iter().map(|&i| key(&graph.parameters[i])).collect();
        let leaves: Vec<&Tensor> = keys.iter().map(|key| &self.slots[key].value).collect();
        if !loss.requires_grad() {
            return Ok(seen);
        }
        let gradients = Tensor::f_run_backward(&[&loss], &leaves, false, false)?;
        for (key, gradient) in keys.into_iter().zip(gradients) {
            if !gradient.defined() {
                continue;
            }
            match sums.get_mut(&key) {
                Some((sum, uses)) => {
                    let _ = sum.f_add_(&gradient)?;
                    *uses += 1;
                }
                None => {
                    sums.insert(key, (gradient, 1));
                }
            }
        }
        Ok(seen)
    }

    /// The squared norm of all gradients together, f64, on the device.
    fn square_norm(&self, gradients: &[(String, Tensor)]) -> Result<Tensor> {
        let _no_grad = tch::no_grad_guard();
        let squares: Vec<Tensor> = gradients
            .iter()
            .map(|(_, gradient)| gradient.f_square()?.f_sum(Kind::Double))
            .collect::<std::result::Result<_, _>>()?;
        Ok(match squares.is_empty() {
            true => Tensor::zeros([], (Kind::Double, self.device)),
            false => Tensor::f_stack(&squares, 0)?.f_sum(Kind::Double)?,
        })
    }

    /// Clips the gradients, which have this norm together, and steps.
    fn apply(&mut self, gradients: Vec<(String, Tensor)>, norm: f64, sgd: &Sgd) -> Result<()> {
        let _no_grad = tch::no_grad_guard();
        for (key, mut gradient) in gradients {
            if let Some(scale) = sgd.clip(norm) {
                gradient = gradient.f_mul_scalar_(scale)?;
            }
            if let Some(slot) = self.slots.get_mut(&key) {
                sgd.step(&mut slot.value, gradient, &mut slot.momentum)?;
            }
        }
        Ok(())
    }

    /// Evaluates a sub-network on each batch, by that batch's own statistics and without
    /// dropout, as the paper does.
    ///
    /// # Errors
    /// When a batch does not fit the graph, or torch fails.
    pub fn evaluate(&mut self, graph: &Graph, batches: &[Batch]) -> Result<Vec<BatchResult>> {
        let _no_grad = tch::no_grad_guard();
        let program = Program::new(graph);
        let parameters = self.parameters(graph);
        let _tf32 = Tf32::allow(self.precision);
        let bf16 = self.precision == Precision::Bf16;
        let executor = Executor { bf16, ..Executor::new(graph, &program, &parameters) };
        let mut fits = Vec::with_capacity(2 * batches.len());
        for batch in batches {
            let logits = executor.logits(&batch.images)?;
            fits.extend([batch.cross_entropy(&logits)?, batch.accuracy(&logits)?]);
        }
        let fits = numbers(&fits)?;
        let one = |(batch, fit): (&Batch, &[f64])| {
            let images = batch.images.size()[0];
            let correct = (fit[1] * images as f64).round() as u32;
            BatchResult { images: images as u32, loss: fit[0], correct }
        };
        Ok(batches.iter().zip(fits.chunks(2)).map(one).collect())
    }
}

/// The key of a parameter: its name and stored shape.
fn key(parameter: &Parameter) -> String {
    let shape: Vec<String> = parameter.stored.iter().map(usize::to_string).collect();
    format!("{}:{}", parameter.name, shape.join("x"))
}

/// The mean of each gradient over its uses, by key.
fn means(sums: BTreeMap<String, (Tensor, u32)>) -> Result<Vec<(String, Tensor)>> {
    let _no_grad = tch::no_grad_guard();
    let mean = |(key, (mut sum, uses)): (String, (Tensor, u32))| {
        if uses > 1 {
            sum = sum.f_div_scalar_(i64::from(uses))?;
        }
        Ok((key, sum))
    };
    sums.into_iter().map(mean).collect()
}

#[cfg(test)]
mod tests;

//! One network with weights of its own, in training: for the truth of a
//! benchmark.
//!
//! All weights are views of one vector, and so is their momentum: a step of
//! SGD is five operations however many layers there are.

use super::{
    Batch,
    executor::{BatchNorm, Executor, Statistics},
    guard::GradOn,
    network::cross_entropy,
    program::Program,
    supernet::{Sgd, accuracy},
};
use osee_core::{benchmark::Fit, graph::Graph, seed::Stream};
use osee_sdk::Result;
use std::cell::RefCell;
use tch::{Device, Kind, Tensor};

/// A network in training.
pub struct Standalone {
    graph: Graph,
    training: Program,
    evaluation: Program,
    /// All weights that can reach the output.
    weights: Tensor,
    momentum: Option<Tensor>,
    /// By parameter of the graph; those that nothing depends on stay as they
    /// were.
    parameters: Vec<Tensor>,
    /// Positions in `parameters` of what `weights` holds, in its order.
    trained: Vec<usize>,
}

impl Standalone {
    /// The network of `graph` with these parameters, in its order.
    ///
    /// # Errors
    /// When torch fails.
    pub fn new(graph: Graph, initial: &[Tensor], device: Device) -> Result<Self> {
        let training = Program::training(&graph);
        let trained: Vec<usize> = training.parameters(&graph).into_iter().collect();
        let flat: Vec<Tensor> =
            trained.iter().map(|&i| innermost(&initial[i])).collect::<Result<_>>()?;
        let weights = match flat.is_empty() {
            true => Tensor::zeros([0], (Kind::Float, device)),
            false => Tensor::f_cat(&flat, 0)?.f_to_device(device)?,
        };
        let mut parameters: Vec<Tensor> = initial
            .iter()
            .map(|it| it.f_to_device(device))
            .collect::<std::result::Result<_, _>>()?;
        let mut start = 0;
        for &i in &trained {
            let size = parameters[i].size();
            let count = size.iter().product();
            let part = weights.f_narrow(0, start, count)?;
            parameters[i] = outermost(&part, &size)?.f_detach()?.set_requires_grad(true);
            start += count;
        }
        let evaluation = Program::new(&graph);
        Ok(Self { graph, training, evaluation, weights, momentum: None, parameters, trained })
    }

    /// One step of SGD.
    ///
    /// # Errors
    /// When the batch does not fit the network, or torch fails.
    pub fn step(&mut self, batch: &Batch, sgd: &Sgd, random: &RefCell<Stream>) -> Result<Fit> {
        let (fit, gradients) = {
            let _grad = GradOn::new();
            let executor = Executor {
                random: Some(random),
                ..Executor::new(&self.graph, &self.training, &self.parameters)
            };
            let logits = executor.logits(&batch.images)?;
            let loss = cross_entropy(&logits, &batch.labels)?;
            let fit = Fit {
                loss: loss.f_double_value(&[])?,
                accuracy: accuracy(&logits, &batch.labels)?,
            };
            if !loss.requires_grad() {
                return Ok(fit);
            }
            let leaves: Vec<&Tensor> = self.trained.iter().map(|&i| &self.parameters[i]).collect();
            (fit, Tensor::f_run_backward(&[&loss], &leaves, false, false)?)
        };
        let _no_grad = tch::no_grad_guard();
        let parts: Vec<Tensor> = gradients.iter().map(innermost).collect::<Result<_>>()?;
        let mut gradient = Tensor::f_cat(&parts, 0)?;
        if sgd.max_norm > 0.0
            && let Some(scale) = sgd.clip(gradient.f_norm()?.f_double_value(&[])?)
        {
            gradient = gradient.f_mul_scalar_(scale)?;
        }
        sgd.step(&mut self.weights, gradient, &mut self.momentum)?;
        Ok(fit)
    }

    /// What batch normalisations see of `images` under the weights of now,
    /// without dropout.
    ///
    /// # Errors
    /// When the images do not fit the network, or torch fails.
    pub fn statistics(&self, images: &Tensor) -> Result<Vec<Option<Statistics>>> {
        let _no_grad = tch::no_grad_guard();
        let executor = Executor::new(&self.graph, &self.evaluation, &self.parameters);
        Ok(executor.forward(images)?.statistics)
    }

    /// The network on images it was not trained on, normalised by
    /// [`statistics`](Self::statistics).
    ///
    /// # Errors
    /// When a batch does not fit the network, or torch fails.
    pub fn evaluate(&self, batch: &Batch, seen: &[Option<Statistics>]) -> Result<Fit> {
        let _no_grad = tch::no_grad_guard();
        let executor = Executor {
            batch_norm: BatchNorm::Seen(seen),
            ..Executor::new(&self.graph, &self.evaluation, &self.parameters)
        };
        let logits = executor.logits(&batch.images)?;
        let loss = cross_entropy(&logits, &batch.labels)?.f_double_value(&[])?;
        Ok(Fit { loss, accuracy: accuracy(&logits, &batch.labels)? })
    }
}

/// As a vector, channels innermost, as convolutions on CPU want their weights;
/// no copy of what lies in memory so.
fn innermost(tensor: &Tensor) -> Result<Tensor> {
    Ok(match tensor.dim() {
        4 => tensor.f_permute([0, 2, 3, 1])?.f_reshape([-1])?,
        _ => tensor.f_reshape([-1])?,
    })
}

/// A vector that [`innermost`] made as a view of this size.
fn outermost(vector: &Tensor, size: &[i64]) -> Result<Tensor> {
    Ok(match *size {
        [out, inputs, height, width] => {
            vector.f_view([out, height, width, inputs])?.f_permute([0, 3, 1, 2])?
        }
        _ => vector.f_view(size)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{parameters::Initialiser, supernet::Supernet};
    use osee_core::{
        graph::{ConvSpec, GraphBuilder, Parameter, Shape},
        protocol::Init,
        seed::stream,
    };

    const SGD: Sgd = Sgd { learning_rate: 0.1, momentum: 0.9, weight_decay: 0.01, max_norm: 2.0 };

    fn graph() -> Graph {
        let mut g = GraphBuilder::new(Shape::square(3, 8));
        let x = g.conv("stem", g.input(), ConvSpec::same(4, 3));
        let x = g.batch_norm("stem_bn", x, true);
        let y = g.relu(x);
        let y = g.conv("conv", y, ConvSpec::same(4, 3));
        let y = g.batch_norm("bn", y, true);
        let dead = g.conv("dead", x, ConvSpec::same(4, 1));
        let _ = g.relu(dead);
        let x = g.add(&[x, y]);
        let x = g.global_avg_pool(x);
        let x = g.linear("head", x, 10);
        g.finish(x).unwrap()
    }

    fn batch(seed: i64) -> Batch {
        tch::manual_seed(seed);
        let images = Tensor::randn([16, 3, 8, 8], (Kind::Float, Device::Cpu));
        let labels = Tensor::randint(10, [16], (Kind::Int64, Device::Cpu));
        Batch { images, labels }
    }

    fn standalone() -> Standalone {
        let graph = graph();
        let draw = |it: &Parameter| Initialiser::supernet(it, Init::Pytorch, 3, "test");
        let initial: Vec<Tensor> = graph.parameters.iter().map(draw).collect();
        Standalone::new(graph, &initial, Device::Cpu).unwrap()
    }

    #[test]
    fn it_learns_what_a_supernet_with_one_sub_network_learns() {
        let mut alone = standalone();
        let mut supernet = Supernet::new("test", 3, Init::Pytorch, Device::Cpu);
        let random = RefCell::new(stream(3, &["test"]));
        for i in 0..6 {
            let batch = batch(i);
            let ours = alone.step(&batch, &SGD, &random).unwrap();
            let theirs = supernet.train(&[graph()], &batch, &SGD).unwrap();
            assert!((ours.loss - theirs.loss).abs() < 1e-4, "{} {}", ours.loss, theirs.loss);
        }
    }

    #[test]
    fn on_the_batch_it_has_seen_it_does_what_training_does() {
        let mut network = standalone();
        let random = RefCell::new(stream(3, &["test"]));
        let batch = batch(0);
        let before = network.weights.copy();
        let seen = network.statistics(&batch.images).unwrap();
        let judged = network.evaluate(&batch, &seen).unwrap();
        let trained = network.step(&batch, &SGD, &random).unwrap();
        assert!((judged.loss - trained.loss).abs() < 1e-5, "{judged:?} {trained:?}");
        assert_eq!(judged.accuracy, trained.accuracy);
        assert!((&network.weights - before).abs().max().double_value(&[]) > 1e-3);
        let other = network.evaluate(&self::batch(1), &seen).unwrap();
        assert!(other.loss.is_finite() && other.loss != judged.loss);
    }
}

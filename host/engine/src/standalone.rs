//! Networks of one architecture, trained side by side with weights of their own, for the
//! truth of a benchmark.
//!
//! There is one network per seed, and each is a group of every convolution, so three seeds
//! make no more calls than one. All weights are views of one vector, and so is their
//! momentum: a step of SGD is five operations however many layers there are.

use super::{
    Batch,
    executor::{BatchNorm, Executor, Statistics},
    guard::GradOn,
    layout::{Layout, fastest},
    program::Program,
    supernet::Sgd,
};
use osee_model::{evaluation::Fit, graph::Graph, seed::Stream};
use osee_sdk::Result;
use std::cell::RefCell;
use tch::{Device, Kind, Reduction, Tensor};

/// Copies of a network in training.
pub struct Standalone {
    graph: Graph,
    copies: usize,
    training: Program,
    evaluation: Program,
    layout: Layout,
    /// All weights that can reach the output, parameter by parameter.
    weights: Tensor,
    /// For each entry of `weights`, the copy it belongs to.
    owners: Tensor,
    momentum: Option<Tensor>,
    /// By parameter of the graph, those of all copies in one: output channels are ordered
    /// copy by copy. Parameters that cannot reach the output are never changed.
    parameters: Vec<Tensor>,
    /// Positions in `parameters` of those that `weights` holds, in its order.
    trained: Vec<usize>,
}

impl Standalone {
    /// Makes a network of `graph` for each entry of `initial`, which has parameters in graph
    /// order.
    ///
    /// # Errors
    /// When torch fails.
    pub fn new(graph: Graph, initial: &[Vec<Tensor>], device: Device) -> Result<Self> {
        let layout = Layout::fastest(device, Kind::Float);
        let training = Program::training(&graph);
        let trained: Vec<usize> = training.parameters(&graph).into_iter().collect();
        let of_all = |i: usize| -> Result<Tensor> {
            let copies: Vec<&Tensor> = initial.iter().map(|parameters| &parameters[i]).collect();
            Ok(Tensor::f_cat(&copies, 0)?.f_to_device(device)?)
        };
        let mut parameters: Vec<Tensor> =
            (0..graph.parameters.len()).map(of_all).collect::<Result<_>>()?;
        let flat: Vec<Tensor> =
            trained.iter().map(|&i| layout.flat(&parameters[i])).collect::<Result<_>>()?;
        let weights = match flat.is_empty() {
            true => Tensor::zeros([0], (Kind::Float, device)),
            false => Tensor::f_cat(&flat, 0)?,
        };
        let mut owners = Vec::new();
        let mut start = 0;
        for &i in &trained {
            let size = parameters[i].size();
            let count: i64 = size.iter().product();
            let part = weights.f_narrow(0, start, count)?;
            parameters[i] = layout.shaped(&part, &size)?.f_detach()?.set_requires_grad(true);
            start += count;
            let each = count as usize / initial.len();
            owners.extend((0..initial.len() as i64).flat_map(|copy| vec![copy; each]));
        }
        Ok(Self {
            copies: initial.len(),
            evaluation: Program::new(&graph),
            graph,
            layout,
            training,
            weights,
            owners: Tensor::from_slice(&owners).f_to_device(device)?,
            momentum: None,
            parameters,
            trained,
        })
    }

    /// Takes one step of SGD for each copy, each with its own batch and dropout; batches
    /// have the same size. Returns the fit of each copy before the step.
    ///
    /// # Errors
    /// When a batch does not fit the network, or torch fails.
    pub fn step(
        &mut self,
        batches: &[Batch],
        sgd: &Sgd,
        random: &[RefCell<Stream>],
    ) -> Result<Vec<Fit>> {
        let images: Vec<&Tensor> = batches.iter().map(|batch| &batch.images).collect();
        let labels: Vec<&Tensor> = batches.iter().map(Batch::labels).collect();
        let (fits, gradients) = {
            let _grad = GradOn::new();
            let executor = Executor { random, ..self.executor(&self.training, BatchNorm::Batch) };
            let logits = executor.logits(&Tensor::f_cat(&images, 1)?)?;
            for batch in batches {
                batch.check_labels(self.classes(&logits))?;
            }
            let (losses, fits) = self.fits(&logits, &Tensor::f_stack(&labels, 1)?)?;
            let loss = losses.f_sum(Kind::Float)?;
            if !loss.requires_grad() {
                return Ok(fits);
            }
            let leaves: Vec<&Tensor> = self.trained.iter().map(|&i| &self.parameters[i]).collect();
            (fits, Tensor::f_run_backward(&[&loss], &leaves, false, false)?)
        };
        let _no_grad = tch::no_grad_guard();
        let parts: Vec<Tensor> =
            gradients.iter().map(|it| self.layout.flat(it)).collect::<Result<_>>()?;
        let mut gradient = Tensor::f_cat(&parts, 0)?;
        if sgd.max_norm > 0.0 {
            gradient = self.clip(gradient, sgd.max_norm)?;
        }
        sgd.step(&mut self.weights, gradient, &mut self.momentum)?;
        Ok(fits)
    }

    /// The statistics of `images` at each batch normalisation, under the present weights and
    /// without dropout.
    ///
    /// # Errors
    /// When the images do not fit the network, or torch fails.
    pub fn statistics(&self, images: &Tensor) -> Result<Vec<Option<Statistics>>> {
        let _no_grad = tch::no_grad_guard();
        let executor = self.executor(&self.evaluation, BatchNorm::Batch);
        Ok(executor.forward(&self.for_all(images)?)?.statistics)
    }

    /// The fit of each copy on images it was not trained on, normalised by `seen`, which
    /// [`statistics`](Self::statistics) gives.
    ///
    /// # Errors
    /// When a batch does not fit the network, or torch fails.
    pub fn evaluate(&self, batch: &Batch, seen: &[Option<Statistics>]) -> Result<Vec<Fit>> {
        let _no_grad = tch::no_grad_guard();
        let executor = self.executor(&self.evaluation, BatchNorm::Seen(seen));
        let logits = executor.output(&executor.forward(&self.for_all(&batch.images)?)?);
        batch.check_labels(self.classes(&logits))?;
        let labels = vec![batch.labels(); self.copies];
        Ok(self.fits(&logits, &Tensor::f_stack(&labels, 1)?)?.1)
    }

    fn executor<'a>(&'a self, program: &'a Program, batch_norm: BatchNorm<'a>) -> Executor<'a> {
        let executor = Executor::new(&self.graph, program, &self.parameters);
        Executor { batch_norm, copies: self.copies, ..executor }
    }

    /// The same images once for each copy.
    fn for_all(&self, images: &Tensor) -> Result<Tensor> {
        Ok(fastest(&images.f_repeat([1, self.copies as i64, 1, 1])?))
    }

    /// The mean loss of each copy, `[copies]`, and the fits as numbers, from logits
    /// `[n, copies x classes]` and labels `[n, copies]`.
    fn fits(&self, logits: &Tensor, labels: &Tensor) -> Result<(Tensor, Vec<Fit>)> {
        let copies = self.copies as i64;
        let logits = logits.f_reshape([labels.numel() as i64, -1])?;
        let labels = labels.f_reshape([-1])?;
        let none: Option<&Tensor> = None;
        let losses = logits.f_cross_entropy_loss(&labels, none, Reduction::None, -100, 0.0)?;
        let losses =
            losses.f_view([-1, copies])?.f_mean_dim([0i64].as_slice(), false, Kind::Float)?;
        let right = logits.f_argmax(1, false)?.f_eq_tensor(&labels)?.f_view([-1, copies])?;
        let right = right.f_mean_dim([0i64].as_slice(), false, Kind::Double)?;
        let both = Tensor::f_cat(&[losses.detach().f_to_kind(Kind::Double)?, right], 0)?;
        let both = Vec::<f64>::try_from(&both)?;
        let fits = both[..self.copies].iter().zip(&both[self.copies..]);
        Ok((losses, fits.map(|(&loss, &accuracy)| Fit { loss, accuracy }).collect()))
    }

    fn classes(&self, logits: &Tensor) -> i64 {
        logits.size()[1] / self.copies as i64
    }

    /// Scales the gradient of each copy whose norm is larger to `max_norm`.
    fn clip(&self, gradient: Tensor, max_norm: f64) -> Result<Tensor> {
        let square = gradient.f_square()?;
        let squares = match gradient.device() {
            Device::Cpu => {
                let mut sums = Tensor::zeros([self.copies as i64], (Kind::Float, Device::Cpu));
                sums.f_index_add_(0, &self.owners, &square)?
            }
            // There, additions to one place come in any order, and runs would differ.
            device => {
                let copies = Tensor::f_arange(self.copies as i64, (Kind::Int64, device))?;
                let owned = copies.f_unsqueeze(1)?.f_eq_tensor(&self.owners)?;
                owned.f_to_kind(Kind::Float)?.f_mv(&square)?
            }
        };
        let norms = squares.f_sqrt()?.f_add_scalar(1e-6)?;
        let scales = norms.f_reciprocal()?.f_mul_scalar(max_norm)?.f_clamp_max(1.0)?;
        Ok(gradient.f_mul(&scales.f_index_select(0, &self.owners)?)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{parameters::Initialiser, supernet::Supernet, test_device::device};
    use osee_model::{
        graph::{ConvSpec, GraphBuilder, Op, Parameter, Shape},
        protocol::Init,
        seed::stream,
    };

    const SGD: Sgd = Sgd { learning_rate: 0.1, momentum: 0.9, weight_decay: 0.01, max_norm: 2.0 };

    fn graph(dropout: f64) -> Graph {
        let mut g = GraphBuilder::new(Shape::square(3, 8));
        let x = g.conv("stem", g.input(), ConvSpec::same(4, 3));
        let x = g.batch_norm("stem_bn", x, true);
        let y = g.relu(x);
        let y = g.conv("conv", y, ConvSpec::same(4, 3));
        let y = g.batch_norm("bn", y, true);
        let dead = g.conv("dead", x, ConvSpec::same(4, 1));
        let _ = g.relu(dead);
        let x = g.add(&[x, y]);
        let y = g.op(Op::ChannelSlice { start: 1, length: 2 }, &[y]);
        let x = g.concat(&[x, y]);
        let x = g.global_avg_pool(x);
        let x = if dropout > 0.0 { g.op(Op::Dropout { probability: dropout }, &[x]) } else { x };
        let x = g.linear("head", x, 10);
        g.finish(x).unwrap()
    }

    fn batch(seed: i64) -> Batch {
        let device = device();
        tch::manual_seed(seed);
        let images = Tensor::randn([16, 3, 8, 8], (Kind::Float, Device::Cpu));
        let labels = Tensor::randint(10, [16], (Kind::Int64, Device::Cpu));
        Batch::new(images, labels).unwrap().on(device)
    }

    fn initial(graph: &Graph, seed: u64) -> Vec<Tensor> {
        let draw = |it: &Parameter| Initialiser::supernet(it, Init::Pytorch, seed, "test");
        graph.parameters.iter().map(draw).collect()
    }

    fn standalone(seeds: &[u64], dropout: f64) -> Standalone {
        let graph = graph(dropout);
        let initial: Vec<Vec<Tensor>> = seeds.iter().map(|&seed| initial(&graph, seed)).collect();
        Standalone::new(graph, &initial, device()).unwrap()
    }

    fn random(seeds: &[u64]) -> Vec<RefCell<Stream>> {
        seeds.iter().map(|&seed| RefCell::new(stream(seed, &["test"]))).collect()
    }

    #[test]
    fn it_learns_what_a_supernet_with_one_sub_network_learns() {
        let mut alone = standalone(&[3], 0.0);
        let mut supernet = Supernet::new("test", 3, Init::Pytorch, device());
        for i in 0..6 {
            let batch = batch(i);
            let ours = alone.step(&[batch.share()], &SGD, &[]).unwrap();
            let theirs = supernet.train(&[graph(0.0)], &batch, &SGD).unwrap();
            assert!((ours[0].loss - theirs.loss).abs() < 1e-4, "{ours:?} {}", theirs.loss);
        }
    }

    #[test]
    fn side_by_side_each_learns_what_it_learns_alone() {
        let seeds = [3, 4, 9];
        let mut together = standalone(&seeds, 0.2);
        let mut alone = seeds.map(|seed| standalone(&[seed], 0.2));
        let dropouts = random(&seeds);
        let own_dropouts = seeds.map(|seed| random(&[seed]));
        for i in 0..4 {
            let batches = [3 * i, 3 * i + 1, 3 * i + 2].map(batch);
            let fits = together.step(&batches, &SGD, &dropouts).unwrap();
            let seen = together.statistics(&batches[0].images).unwrap();
            let judged = together.evaluate(&batches[1], &seen).unwrap();
            for (copy, alone) in alone.iter_mut().enumerate() {
                let own = [batches[copy].share()];
                let fit = alone.step(&own, &SGD, &own_dropouts[copy]).unwrap()[0];
                assert!((fit.loss - fits[copy].loss).abs() < 1e-4, "{i} {fit:?} {fits:?}");
                let seen = alone.statistics(&batches[0].images).unwrap();
                let fit = alone.evaluate(&batches[1], &seen).unwrap()[0];
                assert!((fit.loss - judged[copy].loss).abs() < 1e-4, "{i} {fit:?} {judged:?}");
                assert!((fit.accuracy - judged[copy].accuracy).abs() < 1e-9);
            }
        }
    }

    #[test]
    fn on_the_batch_it_has_seen_it_does_what_training_does() {
        let mut network = standalone(&[3], 0.0);
        let batch = batch(0);
        let before = network.weights.copy();
        let seen = network.statistics(&batch.images).unwrap();
        let judged = network.evaluate(&batch, &seen).unwrap()[0];
        let trained = network.step(&[batch], &SGD, &[]).unwrap()[0];
        assert!((judged.loss - trained.loss).abs() < 1e-5, "{judged:?} {trained:?}");
        assert_eq!(judged.accuracy, trained.accuracy);
        assert!((&network.weights - before).abs().max().double_value(&[]) > 1e-3);
        let other = network.evaluate(&self::batch(1), &seen).unwrap()[0];
        assert!(other.loss.is_finite() && other.loss != judged.loss);
    }
}

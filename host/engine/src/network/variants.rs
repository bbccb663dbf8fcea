//! A network under other weights, other images or another batch normalisation.

use super::{Network, Statistics, placed};
use crate::{Batch, clock::Moment, parameters::Initialiser};
use osee_model::{
    graph::Op,
    seed::{derived, stream},
};
use osee_sdk::{Error, Images, Measurement, NormStatistics, Result, Variation, Weights};
use rand_distr::{Distribution, StandardNormal};
use std::{collections::VecDeque, rc::Rc, time::Duration};
use tch::Tensor;

/// What names the random numbers of a network: they depend on nothing else.
#[derive(Debug, Clone, Default)]
pub struct Origin {
    /// The seed of the study.
    pub seed: u64,
    /// Id of the search space.
    pub space: String,
    /// The architecture in the notation of its space.
    pub arch: String,
    /// Number of the batch among those of one score.
    pub batch: usize,
}

impl Origin {
    /// The seed of one purpose.
    pub(super) fn seed(&self, purpose: &str, number: u32) -> u64 {
        let Self { seed, space, arch, batch } = self;
        derived(*seed, &[purpose, space, arch, &batch.to_string(), &number.to_string()])
    }
}

/// The varied networks that are kept. Each holds the tensors of its passes, so they are few:
/// estimators that share variations stand side by side.
#[derive(Default)]
pub(super) struct Variants {
    kept: VecDeque<(Variation, Rc<Network>)>,
    /// Costs of those that are no longer kept.
    gone: Vec<(Measurement, Duration)>,
}

/// Number of varied networks that are kept.
const KEPT: usize = 2;

impl Variants {
    /// Time of each measurement of varied networks.
    pub(super) fn costs(&self) -> Vec<(Measurement, Duration)> {
        let kept = self.kept.iter().flat_map(|(variation, network)| varied(*variation, network));
        self.gone.iter().cloned().chain(kept).collect()
    }

    fn take(&mut self, variation: Variation) -> Option<Rc<Network>> {
        let at = self.kept.iter().position(|(known, _)| *known == variation)?;
        self.kept.remove(at).map(|(_, network)| network)
    }

    fn keep(&mut self, variation: Variation, network: &Rc<Network>) {
        if self.kept.len() == KEPT
            && let Some((old, network)) = self.kept.pop_front()
        {
            self.gone.extend(varied(old, &network));
        }
        self.kept.push_back((variation, Rc::clone(network)));
    }

    /// The name of a measurement that was written to.
    pub(super) fn altered(&self) -> Option<&'static str> {
        self.kept.iter().find_map(|(_, network)| network.altered())
    }
}

fn varied(variation: Variation, network: &Network) -> Vec<(Measurement, Duration)> {
    let costs = network.costs().into_iter();
    costs.map(|(what, cost)| (Measurement::Varied(variation, Box::new(what)), cost)).collect()
}

impl Network {
    /// A measurement under a variation.
    pub(super) fn measure_varied(
        &self,
        variation: Variation,
        what: Measurement,
    ) -> Result<Vec<Tensor>> {
        let known = self.variants.borrow_mut().take(variation);
        let network = match known {
            Some(known) => known,
            None => self.vary(variation)?,
        };
        self.variants.borrow_mut().keep(variation, &network);
        network.measure(what)
    }

    fn vary(&self, variation: Variation) -> Result<Rc<Self>> {
        if self.variation != Variation::default() {
            return Err(Error::new("a variation of a variation is not known"));
        }
        let start = Moment::now(self.batch.images.device());
        let parameters = match variation.weights {
            Weights::Given => {
                let leaves = self.parameters.iter().map(Tensor::shallow_clone).collect();
                (self.weights.shallow_clone(), leaves)
            }
            Weights::Drawn { init, repeat } => {
                let Origin { space, arch, .. } = &self.origin;
                let seed = self.origin.seed("redraw", repeat);
                let drawn = Initialiser::standalone(&self.graph, init, seed, space, arch);
                placed(&drawn, self.layout, self.batch.images.device())?
            }
        };
        let mut batch = self.pick(variation.images)?;
        if let Some(other) = variation.perturbed_by {
            let step = self.pick(other)?.images * Variation::STEP;
            batch = batch.with_images(batch.images.f_add(&step)?);
        }
        let mut network = Self::assemble(
            self.graph.clone(),
            Rc::clone(&self.program),
            parameters,
            batch,
            self.layout,
            self.origin.clone(),
        );
        network.variation = variation;
        if variation.norm == NormStatistics::Initial {
            network.statistics = network.initial_statistics()?;
        }
        network.made_since(start);
        Ok(Rc::new(network))
    }

    fn pick(&self, images: Images) -> Result<Batch> {
        let batch = &self.batch;
        let count = batch.images.size()[0];
        Ok(match images {
            Images::Batch => batch.with_images(batch.images.detach()),
            Images::Reversed => batch.reversed()?,
            Images::First(first) => batch.slice(0, count.min(i64::from(first)))?,
            Images::Part { index, of } => {
                let part = count / i64::from(of.max(1));
                if part == 0 || index >= of {
                    return Err(Error::undefined(format!(
                        "a batch of {count} images has no part {index} of {of}"
                    )));
                }
                batch.slice(i64::from(index) * part, part)?
            }
            Images::Noise(number) => {
                let size = batch.images.size();
                let noise = normal(&size, self.origin.seed("noise images", number))?;
                batch.with_images(noise.f_to_device(batch.images.device())?)
            }
        })
    }

    /// Mean 0 and variance 1 for each batch normalisation.
    fn initial_statistics(&self) -> Result<Vec<Option<Statistics>>> {
        let like = &self.weights;
        self.graph
            .nodes
            .iter()
            .map(|node| match node.op {
                Op::BatchNorm { eps, .. } => {
                    let channels = [node.shape.channels() as i64];
                    let options = (like.kind(), like.device());
                    let mean = Tensor::f_zeros(channels, options)?;
                    let inverse_deviation =
                        Tensor::f_full(channels, 1.0 / (1.0 + eps).sqrt(), options)?;
                    Ok(Some(Statistics { mean, inverse_deviation }))
                }
                _ => Ok(None),
            })
            .collect()
    }
}

/// Numbers of N(0, 1), f32, on the CPU.
pub(super) fn normal(size: &[i64], seed: u64) -> Result<Tensor> {
    let count = size.iter().product::<i64>() as usize;
    let mut stream = stream(seed, &["normal"]);
    let values: Vec<f32> = StandardNormal.sample_iter(&mut stream).take(count).collect();
    Ok(Tensor::f_from_slice(&values)?.f_view(size)?)
}

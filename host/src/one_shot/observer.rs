//! Observes some of an epoch's architectures while their supernet trains: forgetting
//! and gradients (sections 5.3 and 6 of the paper).
//!
//! Invariant: observing changes nothing; the weights are the same with and without it,
//! bit for bit.

use super::TrainingError;
use osee_core::analysis::{LayerGradients, Observation, gradient_similarity};
use osee_engine::{Batch, supernet::Supernet};
use osee_model::graph::Graph;
use std::collections::BTreeMap;
use tch::{Device, Kind};

/// Observes one epoch.
pub struct Observer {
    epoch: u32,
    /// Steps to observe, ascending.
    wanted: Vec<usize>,
    seen: Vec<Seen>,
}

struct Seen {
    arch: String,
    graph: Graph,
    batch: Batch,
    after_step: f64,
}

/// Position of a layer between input and output, and the gradients there.
#[derive(Default)]
struct Layer {
    place: f64,
    gradients: Vec<Vec<f32>>,
}

impl Observer {
    /// Observes `count` steps, evenly spread, of an epoch of `steps`.
    pub fn new(epoch: u32, count: usize, steps: usize) -> Self {
        let count = count.min(steps);
        Self { epoch, wanted: (0..count).map(|i| i * steps / count).collect(), seen: Vec::new() }
    }

    /// True if this step is to be observed.
    pub fn wants(&self, step: usize) -> bool {
        self.wanted.binary_search(&step).is_ok()
    }

    /// Observes the architecture of the step that has just been taken.
    ///
    /// # Errors
    /// If it cannot be evaluated.
    pub fn after_step(
        &mut self,
        arch: &str,
        graph: &Graph,
        batch: Batch,
        supernet: &mut Supernet,
    ) -> Result<(), TrainingError> {
        let after_step = accuracy(supernet, graph, &batch)?;
        self.seen.push(Seen { arch: arch.to_owned(), graph: graph.clone(), batch, after_step });
        Ok(())
    }

    /// Observes the same architectures again at the end of the epoch.
    ///
    /// # Errors
    /// If one cannot be evaluated.
    pub fn after_epoch(self, supernet: &mut Supernet) -> Result<Observation, TrainingError> {
        let mut after_epoch = Vec::with_capacity(self.seen.len());
        let mut layers: BTreeMap<String, Layer> = BTreeMap::new();
        for seen in &self.seen {
            after_epoch.push(accuracy(supernet, &seen.graph, &seen.batch)?);
            let gradients = supernet.gradients(&seen.graph, &seen.batch)?;
            let count = gradients.len() as f64;
            for (at, (name, gradient)) in gradients.into_iter().enumerate() {
                let layer = layers.entry(name).or_default();
                layer.place = layer.place.max(at as f64 / count);
                let flat = gradient.to_device(Device::Cpu).to_kind(Kind::Float).reshape([-1]);
                layer.gradients.push(Vec::try_from(flat).map_err(osee_sdk::Error::from)?);
            }
        }
        let mut layers: Vec<(String, Layer)> =
            layers.into_iter().filter(|(_, layer)| layer.gradients.len() > 1).collect();
        layers.sort_by(|(_, a), (_, b)| a.place.total_cmp(&b.place));
        let layers: Vec<LayerGradients<'_>> = layers
            .iter()
            .map(|(layer, it)| LayerGradients { layer, gradients: &it.gradients })
            .collect();
        Ok(Observation {
            epoch: self.epoch,
            similarity: gradient_similarity(&layers)?,
            after_step: self.seen.iter().map(|it| it.after_step).collect(),
            architectures: self.seen.into_iter().map(|it| it.arch).collect(),
            after_epoch,
        })
    }
}

fn accuracy(supernet: &mut Supernet, graph: &Graph, batch: &Batch) -> Result<f64, TrainingError> {
    let seen = supernet.evaluate(graph, std::slice::from_ref(batch))?;
    Ok(seen.first().map_or(f64::NAN, |batch| batch.accuracy()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_spread_over_the_epoch() {
        let wanted = |count, steps| Observer::new(1, count, steps).wanted;
        assert_eq!(wanted(4, 10), [0, 2, 5, 7]);
        assert_eq!(wanted(9, 3), [0, 1, 2]);
        assert!(Observer::new(1, 4, 10).wants(5) && !Observer::new(1, 4, 10).wants(1));
    }
}

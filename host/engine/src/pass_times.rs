//! Measures the time of zero-shot scoring, pass by pass.

use super::{Batch, Layout, Network, Origin};
use osee_model::graph::Graph;
use osee_sdk::{BatchNormMode, Measurement, Result};
use std::time::{Duration, Instant};
use tch::Tensor;

/// Every pass that the bundled estimators ask for, in order of dependence.
pub const PASSES: [Measurement; 8] = [
    Measurement::Logits,
    Measurement::Loss,
    Measurement::LossGradients,
    Measurement::InputGradient,
    Measurement::ReluKernel,
    Measurement::WeightHessianGradient,
    Measurement::SynapticFlow(BatchNormMode::Bypassed),
    Measurement::SynapticFlow(BatchNormMode::Kept),
];

/// The mean time of each pass over `networks`, and of all passes with instantiation. The
/// first quarter of the networks is not measured, because it compiles kernels and
/// takes memory from the system.
///
/// # Errors
/// When a pass fails.
pub fn profile(
    networks: Vec<(Graph, Vec<Tensor>)>,
    batch: &Batch,
) -> Result<(Duration, Vec<(Measurement, Duration)>)> {
    let warm_up = networks.len() / 4;
    let count = (networks.len() - warm_up).max(1) as u32;
    let mut totals = PASSES.map(|what| (what, Duration::ZERO)).to_vec();
    let layout = Layout::fastest(batch.images.device(), tch::Kind::Float);
    let mut start = Instant::now();
    for (i, (graph, parameters)) in networks.into_iter().enumerate() {
        if i == warm_up {
            start = Instant::now();
            totals.iter_mut().for_each(|(_, total)| *total = Duration::ZERO);
        }
        let network = Network::new(graph, &parameters, batch.share(), layout, Origin::default())?;
        for what in PASSES {
            network.measure(what)?;
        }
        for (what, cost) in network.costs() {
            if let Some((_, total)) = totals.iter_mut().find(|(known, _)| *known == what) {
                *total += cost;
            }
        }
    }
    let mean = start.elapsed() / count;
    Ok((mean, totals.into_iter().map(|(what, total)| (what, total / count)).collect()))
}

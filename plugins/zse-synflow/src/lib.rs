//! Zero-shot estimators by synaptic flow (Tanaka et al. 2020): the network of
//! absolute parameters on an image of ones, in f64. They use no data.

use osee_sdk::prelude::*;

mod logsynflow;

pub use logsynflow::LogSynflow;

osee_sdk::export! { zero_shot: Synflow, SynflowBn, LogSynflow }

/// Sum of |w * dR/dw| over the layers' weights, where R is the summed output; or its logarithm.
fn flow(network: &Network, batch_norm: BatchNormMode, log: bool) -> Result<f64> {
    let sum = sum_over_entries(&network.synaptic_flow(batch_norm)?, |w, g| w.f_mul(g)?.f_abs())?;
    match log {
        // As in NASLib: if nothing flows, the score is 0, not the logarithm of 0.
        true if sum == 0.0 => Ok(0.0),
        true => Ok(sum.ln()),
        false => Ok(sum),
    }
}

fn info(id: &str, summary: &str) -> EstimatorInfo {
    EstimatorInfo::new(id, "1")
        .group(Group::Classic)
        .summary(summary)
        .citation("Tanaka et al., Pruning neural networks without any data, NeurIPS 2020")
        .setting(SettingSpec::new("log", false, "report the natural logarithm; ranks are the same"))
}

/// Synaptic flow without batch normalisation.
pub struct Synflow {
    log: bool,
}

impl ZeroShot for Synflow {
    fn info() -> EstimatorInfo {
        info("synflow", "sum of |w dR/dw|, batch normalisation bypassed")
    }
    fn new(settings: &Settings) -> Result<Self> {
        Ok(Self { log: settings.get("log")? })
    }
    fn score(&self, network: &Network) -> Result<f64> {
        flow(network, BatchNormMode::Bypassed, self.log)
    }
}

/// Synaptic flow with batch normalisation in place.
pub struct SynflowBn {
    log: bool,
}

impl ZeroShot for SynflowBn {
    fn info() -> EstimatorInfo {
        info("synflow_bn", "sum of |w dR/dw|, batch normalisation kept")
    }
    fn new(settings: &Settings) -> Result<Self> {
        Ok(Self { log: settings.get("log")? })
    }
    fn score(&self, network: &Network) -> Result<f64> {
        flow(network, BatchNormMode::Kept, self.log)
    }
}

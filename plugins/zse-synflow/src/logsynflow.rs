//! Synaptic flow with the logarithm of its gradients.

use osee_sdk::{model::protocol::Init, prelude::*};

const DRAWS: Draws = Draws { init: Some(Init::KaimingFanOut), noise: false, repeats: 3 };

/// Scores by the sum of |w log(g + 1)|.
pub struct LogSynflow {
    draws: Vec<Variation>,
}

impl ZeroShot for LogSynflow {
    fn info() -> EstimatorInfo {
        EstimatorInfo::new("logsynflow", "1")
            .group(Group::Fast)
            .summary("sum of |w log(dR/dw + 1)|, batch normalisation bypassed")
            .citation("Cavagnero et al., FreeREA: Training-Free Evolution-Based Architecture Search, WACV 2023")
            .settings(DRAWS.settings())
    }
    fn new(settings: &Settings) -> Result<Self> {
        Ok(Self { draws: DRAWS.variations(settings)? })
    }
    fn score(&self, network: &Network) -> Result<f64> {
        mean_over_draws(network, &self.draws, |draw| {
            let network = network.varied(draw);
            let flow = network.synaptic_flow(BatchNormMode::Bypassed)?;
            sum_over_entries(&flow, |w, g| g.f_log1p()?.f_mul(w)?.f_abs())
        })
    }
}

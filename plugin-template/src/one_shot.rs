//! A one-shot estimator: the host trains a supernet on what `sample` draws.

use osee_sdk::model::seed::below;
use osee_sdk::prelude::*;

osee_sdk::export! { one_shot: {{project-name | upper_camel_case}} }

pub struct {{project-name | upper_camel_case}};

impl OneShot for {{project-name | upper_camel_case}} {
    fn info() -> EstimatorInfo {
        EstimatorInfo::new("{{crate_name}}", "1")
            .summary("loss of sub-networks of a supernet trained on random architectures")
            .citation("this work")
    }

    fn new(_: &Settings) -> Result<Self> {
        Ok(Self)
    }

    /// Each step of an epoch trains one architecture, drawn uniformly.
    fn sample(&self, epoch: &Epoch, space: &Space) -> Result<Sampled> {
        let mut random = epoch.random("architectures");
        let mut step = || loop {
            let arch = space.architecture(below(&mut random, space.size()? as usize) as u64)?;
            if space.trainable(&arch)? {
                return Ok(vec![arch]);
            }
        };
        Ok(Sampled::new((0..epoch.steps).map(|_| step()).collect::<Result<_>>()?))
    }

    fn score(&self, batches: &[BatchResult]) -> Result<f64> {
        Ok(-batches.iter().map(|batch| batch.loss).sum::<f64>() / batches.len() as f64)
    }
}

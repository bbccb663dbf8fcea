//! One-shot estimators: the study's supernet with its samplers and variants,
//! each a setting, and a supernet trained together with a controller.

mod controller;
mod judge;
mod pruning;
mod sampler;

pub use controller::Controller;

use judge::Judge;
use osee_sdk::prelude::*;
use pruning::Pruning;
use sampler::Sampler;

osee_sdk::export! { one_shot: OneShotEstimator, Controller }

const CITATION: &str = "Ning et al., Evaluating efficient performance estimators of neural \
                        architectures, NeurIPS 2021, sections 4.1 and 6";

/// A supernet trained on random architectures.
pub struct OneShotEstimator {
    sampler: Sampler,
    pruning: Option<Pruning>,
    judge: Judge,
}

impl OneShot for OneShotEstimator {
    fn info() -> EstimatorInfo {
        let info = EstimatorInfo::new("one_shot", "1", EstimatorKind::OneShot)
            .summary("loss or accuracy of sub-networks of a trained supernet")
            .citation(CITATION);
        Judge::declare(Pruning::declare(Sampler::declare(info)))
    }

    fn new(settings: &Settings) -> Result<Self> {
        Ok(Self {
            sampler: Sampler::new(settings)?,
            pruning: Pruning::new(settings)?,
            judge: Judge::new(settings)?,
        })
    }

    fn evaluation(&self) -> Evaluation {
        self.judge.evaluation()
    }

    fn survey(&self, epoch: &Epoch, space: &Space) -> Result<Vec<String>> {
        match &self.pruning {
            Some(pruning) if pruning.begins(epoch) => self.sampler.all(space),
            _ => Ok(Vec::new()),
        }
    }

    fn sample(&self, epoch: &Epoch, space: &Space) -> Result<Sampled> {
        let mut random = epoch.random("architectures");
        let Some(kept) = self.pruning.as_ref().map(|it| it.kept(epoch)).transpose()?.flatten()
        else {
            let step = |_| self.sampler.step(&mut random, space);
            return Ok(Sampled::new((0..epoch.steps).map(step).collect::<Result<_>>()?));
        };
        let step = |_| self.sampler.step_among(&mut random, &kept);
        Ok(Sampled::new((0..epoch.steps).map(step).collect()).remembering(&kept))
    }

    fn score(&self, batches: &[BatchResult]) -> Result<f64> {
        self.judge.score(batches)
    }
}

/// NAS-Bench-201 from its library: two plugins cannot be linked into one test.
#[cfg(test)]
fn nb201() -> Space {
    let test = std::env::current_exe().unwrap();
    let library = test.with_file_name("libspace_nb201.so");
    let lent = osee_sdk::testkit::lent_space_of_library(&library, "nb201").unwrap();
    lent.view().unwrap()
}

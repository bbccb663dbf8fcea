//! Estimators on the neural tangent kernel.

use osee_sdk::{model::protocol::Init, prelude::*, tch::Device};

const DRAWS: Draws = Draws { init: Some(Init::KaimingFanOut), noise: false, repeats: 3 };

/// Scores by the condition number of the neural tangent kernel.
pub struct NtkCond {
    draws: Vec<Variation>,
}

impl ZeroShot for NtkCond {
    fn info() -> EstimatorInfo {
        EstimatorInfo::new("ntk_cond", "1")
            .group(Group::Slow)
            .direction(Direction::LowerIsBetter)
            .summary("largest over smallest eigenvalue of the neural tangent kernel of the batch")
            .citation(
                "Chen et al., Neural Architecture Search on ImageNet in Four GPU Hours, ICLR 2021",
            )
            .settings(DRAWS.settings())
    }
    fn new(settings: &Settings) -> Result<Self> {
        Ok(Self { draws: DRAWS.variations(settings)? })
    }
    fn score(&self, network: &Network) -> Result<f64> {
        mean_over_draws(network, &self.draws, |draw| {
            let kernel = network.varied(draw).tangent_kernel(Tangent::SumOfLogits)?;
            condition(&kernel.f_to_device(Device::Cpu)?)
        })
    }
}

fn condition(kernel: &Tensor) -> Result<f64> {
    if !bool::try_from(kernel.f_isfinite()?.f_all()?)? {
        return Err(Error::undefined("a gradient is not finite"));
    }
    let eigenvalues = Vec::<f64>::try_from(kernel.f_linalg_eigvalsh("L")?)?;
    match (eigenvalues.first(), eigenvalues.last()) {
        (Some(smallest), Some(largest)) if *smallest > f64::EPSILON * largest => {
            Ok(largest / smallest)
        }
        _ => Err(Error::undefined("the kernel is singular, so it has no condition number")),
    }
}

/// Scores by the trace of the kernel of label logits.
pub struct HnasTrace;

impl ZeroShot for HnasTrace {
    fn info() -> EstimatorInfo {
        EstimatorInfo::new("hnas_trace", "1")
            .group(Group::Slow)
            .summary("root of the mean squared gradient norm of images' label logits")
            .citation(
                "Shu et al., Unifying and Boosting Gradient-Based Training-Free NAS, NeurIPS 2022",
            )
            .settings(Draws::NOTHING.settings())
    }
    fn new(_: &Settings) -> Result<Self> {
        Ok(Self)
    }
    fn score(&self, network: &Network) -> Result<f64> {
        let kernel = network.tangent_kernel(Tangent::LabelLogit)?;
        let mean = kernel.f_diagonal(0, 0, 1)?.f_mean(Kind::Double)?.f_double_value(&[])?;
        Ok(mean.sqrt())
    }
}

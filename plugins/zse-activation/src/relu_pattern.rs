//! Estimators on which ReLUs fire for which image.

use osee_sdk::{model::protocol::Init, prelude::*, tch::Device};

/// Scores by how differently the images' ReLUs fire.
pub struct ReluLogdet;

impl ZeroShot for ReluLogdet {
    fn info() -> EstimatorInfo {
        EstimatorInfo::new("relu_logdet", "1")
            .group(Group::Classic)
            .summary("log|det K|, K the images' agreement in ReLU signs (naswot)")
            .citation("Mellor et al., Neural Architecture Search without Training, ICML 2021")
    }
    fn new(_: &Settings) -> Result<Self> {
        Ok(Self)
    }
    fn score(&self, network: &Network) -> Result<f64> {
        // So small a matrix is decomposed faster on the CPU.
        let kernel = network.relu_kernel()?.f_to_device(Device::Cpu)?;
        let (_, log_determinant) = kernel.f_slogdet()?;
        let score = log_determinant.f_double_value(&[])?;
        if score.is_finite() {
            Ok(score)
        } else {
            Err(Error::undefined("two images have the same ReLU pattern, so K is singular"))
        }
    }
}

const SWAP: Draws = Draws { init: Some(Init::StandardNormal), noise: false, repeats: 1 };

const SWAP_PAPER: &str =
    "Peng et al., SWAP-NAS: Sample-Wise Activation Patterns for Ultra-Fast NAS, ICLR 2024";

fn swap_info(id: &str, summary: &str) -> EstimatorInfo {
    EstimatorInfo::new(id, "1")
        .group(Group::Fast)
        .summary(summary)
        .citation(SWAP_PAPER)
        .settings(SWAP.settings())
        .setting(
            SettingSpec::new("images", 16, "images of the batch, of which the first are taken")
                .in_range(1..=128),
        )
}

/// Scores by the number of different patterns that units have over the images.
pub struct Swap {
    draws: Vec<Variation>,
}

impl Swap {
    fn with(settings: &Settings) -> Result<Self> {
        let images = Images::First(settings.get::<i64>("images")? as u32);
        let draws = SWAP.variations(settings)?.into_iter().map(|draw| draw.images(images));
        Ok(Self { draws: draws.collect() })
    }

    fn patterns(&self, network: &Network) -> Result<f64> {
        mean_over_draws(network, &self.draws, |draw| {
            let [different, _] = network.varied(draw).relu_columns()?;
            Ok(different as f64)
        })
    }
}

impl ZeroShot for Swap {
    fn info() -> EstimatorInfo {
        swap_info("swap", "number of different sign patterns of ReLU units over the images")
    }
    fn new(settings: &Settings) -> Result<Self> {
        Self::with(settings)
    }
    fn score(&self, network: &Network) -> Result<f64> {
        self.patterns(network)
    }
}

/// Scores as `swap`, times a bell curve of the number of parameters.
pub struct SwapReg {
    swap: Swap,
    mu: f64,
    sigma: f64,
}

impl ZeroShot for SwapReg {
    fn info() -> EstimatorInfo {
        swap_info("swap_reg", "swap * exp(-(p - mu)^2 / sigma), p the parameters in thousands")
            .setting(SettingSpec::new("mu", 1000.0, "thousands of parameters that are best"))
            .setting(
                SettingSpec::new("sigma", 1e6, "how far from mu is how bad, in squared thousands")
                    .above(0.0),
            )
    }
    fn new(settings: &Settings) -> Result<Self> {
        let (mu, sigma) = (settings.get("mu")?, settings.get("sigma")?);
        Ok(Self { swap: Swap::with(settings)?, mu, sigma })
    }
    fn score(&self, network: &Network) -> Result<f64> {
        let thousands = network.graph()?.cost().params as f64 / 1e3;
        let bell = (-(thousands - self.mu).powi(2) / self.sigma).exp();
        Ok(self.swap.patterns(network)? * bell)
    }
}

const REGIONS: Draws = Draws { init: Some(Init::KaimingFanIn), noise: true, repeats: 1 };

/// Scores by the number of linear regions that random inputs meet.
pub struct LinearRegions {
    draws: Vec<Variation>,
}

impl ZeroShot for LinearRegions {
    fn info() -> EstimatorInfo {
        EstimatorInfo::new("linear_regions", "1")
            .group(Group::Fast)
            .summary("different ReLU patterns of 3,000 random inputs in the narrowest copy of the network")
            .citation("Chen et al., Neural Architecture Search on ImageNet in Four GPU Hours, ICLR 2021")
            .settings(REGIONS.settings())
    }
    fn new(settings: &Settings) -> Result<Self> {
        Ok(Self { draws: REGIONS.variations(settings)? })
    }
    fn score(&self, network: &Network) -> Result<f64> {
        mean_over_draws(network, &self.draws, |draw| {
            Ok(network.varied(draw).linear_regions()? as f64)
        })
    }
}

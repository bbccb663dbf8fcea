//! VKDNW: how evenly the Fisher information of a few parameters is spread.

use osee_sdk::{model::protocol::Init, prelude::*, tch::Device};

const DRAWS: Draws = Draws { init: Some(Init::KaimingFanIn), noise: true, repeats: 1 };

const PAPER: &str = "Tybl & Neumann, Training-free Neural Architecture Search through Variance of \
                     Knowledge of Deep Network Weights, CVPR 2025";

/// The number of parameter tensors, which decides most of `vkdnw`.
pub struct VkdnwDim;

impl Baseline for VkdnwDim {
    fn info() -> EstimatorInfo {
        EstimatorInfo::new("vkdnw_dim", "1")
            .group(Group::Fast)
            .summary("number of parameter tensors")
            .citation(PAPER)
    }
    fn new(_: &Settings) -> Result<Self> {
        Ok(Self)
    }
    fn score(&self, graph: &Graph) -> Result<f64> {
        Ok(graph.parameters.len() as f64)
    }
}

fn info(id: &str, summary: &str) -> EstimatorInfo {
    EstimatorInfo::new(id, "1")
        .group(Group::Slow)
        .summary(summary)
        .citation(PAPER)
        .settings(DRAWS.settings())
}

/// Scores as the authors' code does.
pub struct Vkdnw {
    draws: Vec<Variation>,
}

impl ZeroShot for Vkdnw {
    fn info() -> EstimatorInfo {
        let summary = "parameter tensors + entropy of J'L'LJ's spectrum, as in the authors' code";
        info("vkdnw", summary)
    }
    fn new(settings: &Settings) -> Result<Self> {
        Ok(Self { draws: DRAWS.variations(settings)? })
    }
    fn score(&self, network: &Network) -> Result<f64> {
        mean(network, &self.draws, |factor| factor)
    }
}

/// Scores as the paper says.
pub struct VkdnwPaper {
    draws: Vec<Variation>,
}

impl ZeroShot for VkdnwPaper {
    fn info() -> EstimatorInfo {
        let summary = "parameter tensors + entropy of the Fisher information's spectrum, J'LL'J";
        info("vkdnw_paper", summary)
    }
    fn new(settings: &Settings) -> Result<Self> {
        Ok(Self { draws: DRAWS.variations(settings)? })
    }
    fn score(&self, network: &Network) -> Result<f64> {
        mean(network, &self.draws, |factor| factor.transpose(1, 2))
    }
}

/// Mean over draws of the number of parameter tensors plus the entropy, where `turned` is applied
/// to the factor L of each image's covariance of classes.
fn mean(network: &Network, draws: &[Variation], turned: impl Fn(Tensor) -> Tensor) -> Result<f64> {
    let entropy = mean_over_draws(network, draws, |draw| {
        let network = network.varied(draw.norm(NormStatistics::Initial));
        let double = |tensor: Tensor| tensor.f_to_device(Device::Cpu)?.f_to_kind(Kind::Double);
        let logits = double(network.logits()?)?;
        let jacobian = double(network.first_entry_jacobian()?)?;
        let products = turned(factors(&logits)?).f_bmm(&jacobian)?;
        let [images, parameters] = [products.size()[0], products.size()[2]];
        let rows = products.f_reshape([-1, parameters])?;
        let fisher = rows.f_transpose(0, 1)?.f_mm(&rows)?.f_div_scalar(images as f64)?;
        entropy(&fisher)
    })?;
    Ok(network.graph()?.parameters.len() as f64 + entropy)
}

/// Lower triangular L with LL' = diag(p) - pp' for each image, `[n, classes, classes]`, where p is
/// the smoothed softmax (Tanabe & Sagae 1992): with q_j the sum of p after class j, L has
/// sqrt(p_j q_j / q_{j-1}) on its diagonal and -p_i sqrt(p_j / (q_{j-1} q_j)) below.
fn factors(logits: &Tensor) -> Result<Tensor> {
    const SMOOTHING: f64 = 0.05;
    let classes = logits.size()[1];
    let softmax = logits.f_softmax(1, Kind::Double)?;
    let p = softmax * (1.0 - SMOOTHING) + SMOOTHING / classes as f64;
    let sum = p.f_cumsum(1, Kind::Double)?;
    let after = sum.f_rsub_scalar(1.0)?.f_clamp_min(0.0)?;
    let before = &after + &p;
    let diagonal = p.f_mul(&after)?.f_div(&before)?.f_sqrt()?;
    // The last class has nothing after it and nothing below it.
    let below = p.f_div(&before.f_mul(&after)?)?.f_sqrt()?.f_nan_to_num(0.0, 0.0, 0.0)?;
    let lower = -p.f_unsqueeze(2)?.f_mul(&below.f_unsqueeze(1)?)?.f_tril(-1)?;
    Ok(lower.f_add(&diagonal.f_diag_embed(0, -2, -1)?)?)
}

/// Entropy of the deciles of the spectrum, each as a share of their sum.
fn entropy(fisher: &Tensor) -> Result<f64> {
    if !bool::try_from(fisher.f_isfinite()?.f_all()?)? {
        return Err(Error::undefined("a derivative is not finite"));
    }
    let spectrum = fisher.f_linalg_eigvalsh("L")?.f_abs()?;
    let levels: Vec<f64> = (1..10).map(|tenth| f64::from(tenth) / 10.0).collect();
    let deciles = spectrum.f_quantile(&Tensor::from_slice(&levels), 0, false, "linear")?;
    let sum = deciles.f_sum(Kind::Double)?.f_double_value(&[])?;
    let share = deciles.f_div_scalar(sum + 1e-10)?;
    let terms = share.f_mul(&share.f_add_scalar(1e-10)?.f_log()?)?;
    Ok(-terms.f_sum(Kind::Double)?.f_double_value(&[])?)
}

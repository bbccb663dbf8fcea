//! GradSign: how far the gradients of single images agree in sign.

use osee_sdk::prelude::*;

const PAPER: &str =
    "Zhang & Jia, GradSign: Model Performance Inference with Theoretical Insights, ICLR 2022";

fn info(id: &str, summary: &str) -> EstimatorInfo {
    EstimatorInfo::new(id, "1")
        .group(Group::Fast)
        .summary(summary)
        .citation(PAPER)
        .settings(Draws::NOTHING.settings())
}

/// The sum over weights of |sum over images of sign(g)|, and the number of weights.
fn agreement(network: &Network) -> Result<[f64; 2]> {
    let signs = network.gradient_signs()?;
    let count: usize = signs.iter().map(|it| it.value.numel()).sum();
    let sum = sum_over(&signs, |it| it.value.f_abs()?.f_sum(Kind::Double))?;
    Ok([sum, count as f64])
}

/// Scores by the sum, as both published evaluations do.
pub struct GradSignSum;

impl ZeroShot for GradSignSum {
    fn info() -> EstimatorInfo {
        info("gradsign_sum", "sum over weights of |sum over images of sign(g)|, images one by one")
    }
    fn new(_: &Settings) -> Result<Self> {
        Ok(Self)
    }
    fn score(&self, network: &Network) -> Result<f64> {
        agreement(network).map(|[sum, _]| sum)
    }
}

/// Scores by the mean over weights.
pub struct GradSignMean;

impl ZeroShot for GradSignMean {
    fn info() -> EstimatorInfo {
        info(
            "gradsign_mean",
            "mean over weights of |sum over images of sign(g)|, images one by one",
        )
    }
    fn new(_: &Settings) -> Result<Self> {
        Ok(Self)
    }
    fn score(&self, network: &Network) -> Result<f64> {
        agreement(network).map(|[sum, count]| sum / count)
    }
}

//! MeCo: smallest eigenvalues of correlations between the channels of one image.

use osee_sdk::{
    model::seed::{self, Stream},
    prelude::*,
    tch::Device,
};

const PAPER: &str = "Jiang et al., MeCo: Zero-Shot NAS with One Data and Single Forward Pass via \
                     Minimum Eigenvalue of Correlation, NeurIPS 2023";

fn info(id: &str, summary: &str) -> EstimatorInfo {
    EstimatorInfo::new(id, "1")
        .group(Group::Fast)
        .summary(summary)
        .citation(PAPER)
        .settings(Draws::NOTHING.settings())
}

/// The outputs of the layers that `wanted` accepts, `[channels, ..]` each, for the first image.
fn outputs(network: &Network, wanted: impl Fn(&Op) -> bool) -> Result<Vec<Tensor>> {
    let network = network.varied(Variation::default().images(Images::First(1)));
    let leaves = network.leaf_outputs()?.into_iter().filter(|(op, _)| wanted(op));
    let first = leaves.map(|(_, output)| {
        let output = output.f_select(0, 0)?;
        let channels = output.size()[0];
        Ok(output.f_reshape([channels, -1])?.f_to_device(Device::Cpu)?.f_to_kind(Kind::Double)?)
    });
    first.collect()
}

fn is_convolution(op: &Op) -> bool {
    matches!(op, Op::Conv2d { .. })
}

/// The smallest eigenvalue of the correlations between rows; a correlation that is not defined
/// counts as 0.
fn smallest_eigenvalue(rows: &Tensor) -> Result<f64> {
    if rows.size()[1] < 2 {
        return Ok(0.0);
    }
    let channels = rows.size()[0];
    let correlation = rows.f_corrcoef()?.f_reshape([channels, channels])?;
    let correlation = correlation.f_nan_to_num(0.0, 0.0, 0.0)?;
    Ok(correlation.f_linalg_eigvalsh("L")?.f_min()?.f_double_value(&[])?)
}

fn sum(rows: &[Tensor]) -> Result<f64> {
    rows.iter().map(smallest_eigenvalue).sum()
}

/// Scores by the convolutions' outputs.
pub struct MecoConv;

impl ZeroShot for MecoConv {
    fn info() -> EstimatorInfo {
        info("meco_conv", "sum over convolutions of the least eigenvalue of channels' correlations")
    }
    fn new(_: &Settings) -> Result<Self> {
        Ok(Self)
    }
    fn score(&self, network: &Network) -> Result<f64> {
        sum(&outputs(network, is_convolution)?)
    }
}

/// Scores by the outputs of all layers.
pub struct MecoLeaf;

impl ZeroShot for MecoLeaf {
    fn info() -> EstimatorInfo {
        let summary = "as meco_conv, over convolutions, norms, ReLUs, pools and linear layers";
        info("meco_leaf", summary)
    }
    fn new(_: &Settings) -> Result<Self> {
        Ok(Self)
    }
    fn score(&self, network: &Network) -> Result<f64> {
        sum(&outputs(network, |_| true)?)
    }
}

/// Number of channels that `meco_opt` compares.
const CHOSEN: usize = 8;

/// Scores by some channels of the convolutions' outputs.
pub struct MecoOpt;

impl ZeroShot for MecoOpt {
    fn info() -> EstimatorInfo {
        let summary = "as meco_conv, for 8 random channels of each, times channels / 8";
        info("meco_opt", summary)
    }
    fn new(_: &Settings) -> Result<Self> {
        Ok(Self)
    }
    fn score(&self, network: &Network) -> Result<f64> {
        let mut random = network.rng()?;
        let mut sum = 0.0;
        for rows in outputs(network, is_convolution)? {
            let channels = rows.size()[0] as usize;
            let chosen = rows.f_index_select(0, &some(&mut random, channels))?;
            let share = channels as f64 / chosen.size()[0] as f64;
            sum += smallest_eigenvalue(&chosen)? * share;
        }
        Ok(sum)
    }
}

/// Indices of at most [`CHOSEN`] of `count` channels.
fn some(random: &mut Stream, count: usize) -> Tensor {
    let order = seed::order(random, count as u64).take(CHOSEN);
    Tensor::from_slice(&order.map(|it| it as i64).collect::<Vec<_>>())
}

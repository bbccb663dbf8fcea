//! Zero-shot estimators on parameters: the weights w of all convolution and linear
//! layers, and the gradient g of the batch's mean cross-entropy with respect to them.
//! Biases and batch normalisation are left out, as in
//! the reference implementation (Abdelfattah et al. 2021).

use osee_sdk::prelude::*;

mod gradsign;
mod zico;

pub use gradsign::{GradSignMean, GradSignSum};
pub use zico::Zico;

osee_sdk::export! {
    zero_shot: GradNorm, Plain, Snip, Grasp, Fisher, L2Norm, Zico, GradSignSum, GradSignMean
}

const ZERO_COST_NAS: &str = "Abdelfattah et al., Zero-Cost Proxies for Lightweight NAS, ICLR 2021";

fn info(id: &str, summary: &str, citation: &str) -> EstimatorInfo {
    EstimatorInfo::new(id, "1").group(Group::Classic).summary(summary).citation(citation)
}

/// Sum over layers of the gradient's norm.
pub struct GradNorm;

impl ZeroShot for GradNorm {
    fn info() -> EstimatorInfo {
        info("grad_norm", "sum over layers of ||g||", ZERO_COST_NAS)
    }
    fn new(_: &Settings) -> Result<Self> {
        Ok(Self)
    }
    fn score(&self, network: &Network) -> Result<f64> {
        sum_over(network.weight_gradients()?, |layer| layer.gradient.f_norm())
    }
}

/// Sum of weight times gradient, signed.
pub struct Plain;

impl ZeroShot for Plain {
    fn info() -> EstimatorInfo {
        info("plain", "sum of g * w, signed", ZERO_COST_NAS)
    }
    fn new(_: &Settings) -> Result<Self> {
        Ok(Self)
    }
    fn score(&self, network: &Network) -> Result<f64> {
        sum_over_entries(&network.weight_gradients()?, |w, g| w.f_mul(g))
    }
}

/// Connection sensitivity: sum of |w * g|.
pub struct Snip;

impl ZeroShot for Snip {
    fn info() -> EstimatorInfo {
        let paper = "Lee et al., SNIP: Single-shot Network Pruning, ICLR 2019";
        info("snip", "sum of |g * w|", paper)
    }
    fn new(_: &Settings) -> Result<Self> {
        Ok(Self)
    }
    fn score(&self, network: &Network) -> Result<f64> {
        sum_over_entries(&network.weight_gradients()?, |w, g| w.f_mul(g)?.f_abs())
    }
}

/// Gradient signal preservation: minus w'Hg, where H is the Hessian of the loss.
pub struct Grasp;

impl ZeroShot for Grasp {
    fn info() -> EstimatorInfo {
        let paper = "Wang et al., Picking Winning Tickets by Preserving Gradient Flow, ICLR 2020";
        info("grasp", "-w'Hg, H the loss Hessian", paper)
    }
    fn new(_: &Settings) -> Result<Self> {
        Ok(Self)
    }
    fn score(&self, network: &Network) -> Result<f64> {
        Ok(-network.weight_hessian_gradient()?)
    }
}

/// Channel saliency from activations and their gradients.
pub struct Fisher;

impl ZeroShot for Fisher {
    fn info() -> EstimatorInfo {
        let paper = "Turner et al., BlockSwap: Fisher-guided Block Substitution, ICLR 2020";
        let summary = "half the mean squared channel sum of activation * gradient, \
                       times weights per channel";
        info("fisher", summary, paper)
    }
    fn new(_: &Settings) -> Result<Self> {
        Ok(Self)
    }
    fn score(&self, network: &Network) -> Result<f64> {
        let (mut sums, mut weights_per_channel) = (Vec::new(), Vec::new());
        for layer in network.activations()? {
            let product = layer.value.f_mul(&layer.gradient)?;
            let per_channel = match product.dim() {
                4 => product.f_sum_dim_intlist([2i64, 3].as_slice(), false, Kind::Float)?,
                _ => product,
            };
            let saliency =
                per_channel.f_square()?.f_mean_dim([0i64].as_slice(), false, Kind::Double)?;
            sums.push(saliency.f_sum(Kind::Double)?);
            // The reference spreads a channel's saliency over its weights before it sums.
            let shape = layer.parameter.shape();
            weights_per_channel.push(shape[1..].iter().product::<usize>() as f64);
        }
        let sums = numbers(&sums)?.into_iter();
        Ok(sums.zip(weights_per_channel).map(|(sum, weights)| 0.5 * sum * weights).sum())
    }
}

/// Sum over layers of the weight's norm at initialisation.
pub struct L2Norm;

impl ZeroShot for L2Norm {
    fn info() -> EstimatorInfo {
        info("l2_norm", "sum over layers of ||w||", ZERO_COST_NAS)
    }
    fn new(_: &Settings) -> Result<Self> {
        Ok(Self)
    }
    fn score(&self, network: &Network) -> Result<f64> {
        let parameters = network.parameters()?;
        let weights = parameters.iter().filter(|named| named.parameter.role.is_weight());
        sum_over(weights, |named| named.value.f_norm())
    }
}

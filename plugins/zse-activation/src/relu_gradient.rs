//! Estimators on the inputs of ReLUs and the gradients there.

use osee_sdk::{model::protocol::Init, prelude::*, tch::Device};

/// Scores by the weighted correlations of images at ReLUs.
pub struct WrCor;

impl ZeroShot for WrCor {
    fn info() -> EstimatorInfo {
        EstimatorInfo::new("wrcor", "1")
            .group(Group::Fast)
            .summary(
                "log|det K|, K the images' correlations at ReLUs and of gradients there, 2^cell",
            )
            .citation("Yang et al., Zero-Shot NAS with Weighted Response Correlation, 2024")
            .settings(Draws::NOTHING.settings())
    }
    fn new(_: &Settings) -> Result<Self> {
        Ok(Self)
    }
    fn score(&self, network: &Network) -> Result<f64> {
        let pairs = network.relu_activations(Objective::Loss)?;
        // Several ReLUs may take one tensor, which is correlated once.
        let mut terms: Vec<(&Tensor, f64)> = Vec::new();
        for ([input, gradient], weight) in pairs.iter().zip(weights(network.graph()?)) {
            match terms.iter_mut().find(|(known, _)| known.data_ptr() == input.data_ptr()) {
                Some((_, sum)) => *sum += weight,
                None => terms.push((input, weight)),
            }
            terms.push((gradient, weight));
        }
        let mut sum: Option<Tensor> = None;
        for (value, weight) in terms {
            let correlation = correlation(value)?;
            if !bool::try_from(correlation.f_isfinite()?.f_all()?)? {
                continue;
            }
            let term = correlation.f_abs()?.f_mul_scalar(weight)?;
            sum = Some(match sum {
                Some(sum) => sum.f_add(&term)?,
                None => term,
            });
        }
        let nothing = || Error::undefined("no ReLU tells the images apart");
        let kernel = sum.ok_or_else(nothing)?.f_to_device(Device::Cpu)?;
        // A single image has a kernel without dimensions.
        let images = pairs.first().map_or(1, |[input, _]| input.size()[0]);
        let (_, log_determinant) = kernel.f_reshape([images, images])?.f_slogdet()?;
        match log_determinant.f_double_value(&[])? {
            score if score.is_finite() => Ok(score),
            _ => Err(Error::undefined("two images are alike at all ReLUs, so K is singular")),
        }
    }
}

/// Pearson correlations between images, `[n, n]`, f64, over all units of a map or vector.
fn correlation(value: &Tensor) -> Result<Tensor> {
    // Any order of units that all images share will do; this one needs no copy.
    let rows = match value.dim() {
        4 => value.f_permute([0, 2, 3, 1])?.f_flatten(1, -1)?,
        _ => value.f_flatten(1, -1)?,
    };
    let mean = rows.f_mean_dim([1i64].as_slice(), true, None)?;
    let products = |rows: &Tensor| rows.f_mm(&rows.f_transpose(0, 1)?)?.f_to_kind(Kind::Double);
    let all = products(&rows)?;
    let exact = mean.f_to_kind(Kind::Double)?;
    let of_means = exact.f_mm(&exact.f_transpose(0, 1)?)?.f_mul_scalar(rows.size()[1] as f64)?;
    // Where means are small beside deviations, rows need not be moved.
    let small =
        of_means.f_diagonal(0, 0, 1)?.f_le_tensor(&all.f_diagonal(0, 0, 1)?.f_mul_scalar(0.5)?)?;
    let products = match bool::try_from(small.f_all()?)? {
        true => all.f_sub(&of_means)?,
        false => products(&rows.f_sub(&mean)?)?,
    };
    let norms = products.f_diagonal(0, 0, 1)?.f_sqrt()?;
    Ok(products.f_div(&norms.f_unsqueeze(0)?)?.f_div(&norms.f_unsqueeze(1)?)?.f_clamp(-1.0, 1.0)?)
}

/// 2^i for each ReLU in cell i, or after it and before the next; 1 before the first cell, and 2^n
/// after all n cells.
fn weights(graph: &Graph) -> Vec<f64> {
    let relus = graph.iter().filter(|(_, node)| node.op == Op::Relu);
    relus
        .map(|(id, _)| {
            let inside = graph.cells.iter().position(|cell| cell.first <= id && id < cell.end);
            let before = graph.cells.iter().filter(|cell| cell.end <= id).count();
            2f64.powi(inside.unwrap_or(before) as i32)
        })
        .collect()
}

const EZNAS: Draws = Draws { init: Some(Init::KaimingFanOut), noise: false, repeats: 1 };

/// Scores by the formula that evolution found.
pub struct EzNas {
    draws: Vec<Variation>,
}

impl ZeroShot for EzNas {
    fn info() -> EstimatorInfo {
        EstimatorInfo::new("eznas_a", "1")
            .group(Group::Fast)
            .summary("mean over ReLU-conv-norm layers of ||sigmoid(log|det sign(gradient)|)||")
            .citation("Akhauri et al., EZNAS: Evolving Zero-Cost Proxies for NAS, NeurIPS 2022")
            .settings(EZNAS.settings())
    }
    fn new(settings: &Settings) -> Result<Self> {
        let draws = EZNAS.variations(settings)?.into_iter();
        Ok(Self { draws: draws.map(|draw| draw.images(Images::First(16))).collect() })
    }
    fn score(&self, network: &Network) -> Result<f64> {
        let layers = layers(network.graph()?);
        if !layers.contains(&true) {
            return Err(Error::undefined(
                "no ReLU is followed by a convolution and a normalisation",
            ));
        }
        mean_over_draws(network, &self.draws, |draw| {
            let pairs = network.varied(draw).relu_activations(Objective::PooledFeatures)?;
            let chosen = pairs.iter().zip(&layers).filter(|(_, layer)| **layer);
            let values: Vec<Tensor> =
                chosen.map(|([_, gradient], _)| determinants(gradient)).collect::<Result<_>>()?;
            Ok(numbers(&values)?.iter().sum::<f64>() / values.len() as f64)
        })
    }
}

/// For each ReLU, whether a convolution takes it, and a batch normalisation that.
fn layers(graph: &Graph) -> Vec<bool> {
    let taken = |source: NodeId, wanted: fn(&Op) -> bool| {
        let mut all = graph.iter();
        let found = all.find(|(_, node)| wanted(&node.op) && node.inputs.contains(&source));
        found.map(|(id, _)| id)
    };
    let relus = graph.iter().filter(|(_, node)| node.op == Op::Relu);
    relus
        .map(|(id, _)| {
            taken(id, |op| matches!(op, Op::Conv2d { .. }))
                .and_then(|conv| taken(conv, |op| matches!(op, Op::BatchNorm { .. })))
                .is_some()
        })
        .collect()
}

/// Norm of sigmoid(log|det|) over all maps of signs; a determinant that is not a number counts as 1.
fn determinants(gradient: &Tensor) -> Result<Tensor> {
    let [.., height, width] = gradient.size()[..] else {
        return Err(Error::undefined("a ReLU is not on a map"));
    };
    if height != width {
        return Err(Error::undefined("a map is not square, so it has no determinant"));
    }
    let signs = gradient.f_sign()?.f_to_device(Device::Cpu)?.f_contiguous()?;
    let (_, logarithm) = signs.f_slogdet()?;
    let infinity = f64::INFINITY;
    let logarithm = logarithm.f_nan_to_num(0.0, infinity, -infinity)?;
    Ok(logarithm.f_sigmoid()?.f_norm()?)
}

//! Zen-score: how far features move when the input moves a little.

use osee_sdk::{model::protocol::Init, prelude::*};

const DRAWS: Draws = Draws { init: Some(Init::StandardNormal), noise: true, repeats: 1 };

/// Scores by the response of features to a small change of the images.
pub struct Zen {
    pairs: Vec<[Variation; 2]>,
}

impl ZeroShot for Zen {
    fn info() -> EstimatorInfo {
        EstimatorInfo::new("zen", "1")
            .group(Group::Fast)
            .summary("log mean |f(x) - f(x + 0.01 x')| + sum over norms of log sqrt(mean variance)")
            .citation("Lin et al., Zen-NAS: A Zero-Shot NAS for High-Performance Image Recognition, ICCV 2021")
            .settings(DRAWS.settings())
    }

    fn new(settings: &Settings) -> Result<Self> {
        let draws = DRAWS.variations(settings)?;
        let pairs = draws.into_iter().map(|draw| {
            let [first, second] = match draw.images {
                Images::Noise(repeat) => [2 * repeat, 2 * repeat + 1].map(Images::Noise),
                images => [images, Images::Reversed],
            };
            let plain = draw.images(first);
            [plain, plain.perturbed_by(second)]
        });
        Ok(Self { pairs: pairs.collect() })
    }

    fn score(&self, network: &Network) -> Result<f64> {
        mean_over_draws(network, &self.pairs, |pair| zen(&pair.map(|it| network.varied(it))))
    }
}

fn zen([plain, perturbed]: &[Network; 2]) -> Result<f64> {
    let difference = plain.features()?.f_sub(&perturbed.features()?)?.f_abs()?;
    let each = difference.f_sum_dim_intlist([1i64, 2, 3].as_slice(), false, Kind::Double)?;
    let response = each.f_mean(Kind::Double)?.f_double_value(&[])?;
    if response <= 0.0 {
        return Err(Error::undefined("the features do not depend on the images"));
    }
    // What running variances are after both passes: from 1, with momentum 0.1.
    let running = plain.norm_variances()?.into_iter().zip(perturbed.norm_variances()?);
    let means: Vec<Tensor> = running
        .map(|(first, second)| {
            let running = first.f_mul_scalar(0.09)? + second.f_mul_scalar(0.1)? + 0.81;
            Ok(running.f_mean(Kind::Double)?)
        })
        .collect::<Result<_>>()?;
    let scales: f64 = numbers(&means)?.into_iter().map(|mean| 0.5 * mean.ln()).sum();
    Ok(response.ln() + scales)
}

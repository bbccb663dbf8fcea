//! Three of the four parts of AZ-NAS; the fourth, complexity, is `flops`.

use osee_sdk::{Signs, model::protocol::Init, prelude::*, tch::Device};

const DRAWS: Draws = Draws { init: Some(Init::KaimingFanIn), noise: true, repeats: 1 };

const PAPER: &str = "Lee & Ham, AZ-NAS: Assembling Zero-Cost Proxies for NAS, CVPR 2024";

fn info(id: &str, summary: &str) -> EstimatorInfo {
    EstimatorInfo::new(id, "1")
        .group(Group::Fast)
        .summary(summary)
        .citation(PAPER)
        .settings(DRAWS.settings())
}

/// For the stem and each cell, the entropy of the normalised spectrum of its output's covariance
/// between channels.
fn entropies(network: &Network) -> Result<Vec<f64>> {
    network.cell_outputs()?.iter().map(entropy).collect()
}

fn entropy(feature: &Tensor) -> Result<f64> {
    let rows = feature.f_permute([0, 2, 3, 1])?.f_reshape([-1, feature.size()[1]])?;
    let rows = rows.f_to_kind(Kind::Double)?;
    let centred = rows.f_sub(&rows.f_mean_dim([0i64].as_slice(), true, None)?)?;
    let count = centred.size()[0] as f64;
    let covariance = centred.f_transpose(0, 1)?.f_mm(&centred)?.f_to_device(Device::Cpu)?;
    let covariance = covariance.f_div_scalar(count)?;
    if !bool::try_from(covariance.f_isfinite()?.f_all()?)? {
        return Err(Error::undefined("a cell's output is not finite"));
    }
    let spectrum = covariance.f_linalg_eigvalsh("L")?.f_clamp_min(0.0)?;
    let sum = spectrum.f_sum(Kind::Double)?.f_double_value(&[])?;
    if sum <= 0.0 {
        return Err(Error::undefined(
            "a cell's output is constant, so its spectrum has no entropy",
        ));
    }
    let share = spectrum.f_div_scalar(sum)?;
    let logarithm = share.f_add_scalar(1e-8)?.f_log()?;
    Ok(-share.f_mul(&logarithm)?.f_sum(Kind::Double)?.f_double_value(&[])?)
}

/// Scores by how much of the feature space cells use.
pub struct AzExpressivity {
    draws: Vec<Variation>,
}

impl ZeroShot for AzExpressivity {
    fn info() -> EstimatorInfo {
        info("az_expressivity", "sum over stem and cells of the entropy of features' spectra")
    }
    fn new(settings: &Settings) -> Result<Self> {
        Ok(Self { draws: DRAWS.variations(settings)? })
    }
    fn score(&self, network: &Network) -> Result<f64> {
        mean_over_draws(network, &self.draws, |draw| {
            Ok(entropies(&network.varied(draw))?.into_iter().sum())
        })
    }
}

/// Scores by how features grow richer from cell to cell.
pub struct AzProgressivity {
    draws: Vec<Variation>,
}

impl ZeroShot for AzProgressivity {
    fn info() -> EstimatorInfo {
        info("az_progressivity", "smallest growth of the entropy of features from cell to cell")
    }
    fn new(settings: &Settings) -> Result<Self> {
        Ok(Self { draws: DRAWS.variations(settings)? })
    }
    fn score(&self, network: &Network) -> Result<f64> {
        mean_over_draws(network, &self.draws, |draw| {
            let entropies = entropies(&network.varied(draw))?;
            Ok(entropies.windows(2).map(|it| it[1] - it[0]).fold(f64::INFINITY, f64::min))
        })
    }
}

const SIGNS: [(&str, Signs); 2] =
    [("random", Signs::Random), ("checkerboard", Signs::Checkerboard)];

/// Scores by how well gradients keep their size through each cell.
pub struct AzTrainability {
    draws: Vec<Variation>,
    signs: Signs,
}

impl ZeroShot for AzTrainability {
    fn info() -> EstimatorInfo {
        info(
            "az_trainability",
            "mean over cells of 2 - s - 1/s, s the spectral norm of its Jacobian",
        )
        .setting(
            SettingSpec::new(
                "signs",
                "random",
                "gradients at cells' outputs: random signs, or those of a checkerboard",
            )
            .one_of(SIGNS.map(|(word, _)| word)),
        )
    }
    fn new(settings: &Settings) -> Result<Self> {
        let signs = settings.choice("signs", &SIGNS)?;
        Ok(Self { draws: DRAWS.variations(settings)?, signs })
    }
    fn score(&self, network: &Network) -> Result<f64> {
        mean_over_draws(network, &self.draws, |draw| {
            let cells = network.varied(draw).cell_gradients(self.signs)?;
            let values: Vec<f64> = cells.iter().map(trainability).collect::<Result<_>>()?;
            Ok(values.iter().sum::<f64>() / values.len() as f64)
        })
    }
}

/// The value of one cell, at most 0: where the gradient at its input is as large as at its output.
fn trainability([output, input]: &[Tensor; 2]) -> Result<f64> {
    if input.size() == output.size() && input.f_equal(output)? {
        return Err(Error::undefined(
            "a cell passes its input on unchanged, which counts as minus infinity",
        ));
    }
    let [height, width] = [output.size()[2], output.size()[3]];
    let stride = input.size()[2] / height;
    if [input.size()[2], input.size()[3]] != [stride * height, stride * width] {
        return Err(Error::undefined(
            "a cell's output does not divide its input into equal squares",
        ));
    }
    let input = match stride {
        1 => input.shallow_clone(),
        _ => input.f_pixel_unshuffle(stride)?,
    };
    let rows = |tensor: &Tensor| tensor.f_permute([0, 2, 3, 1])?.f_reshape([-1, tensor.size()[1]]);
    let (input, output) = (rows(&input)?, rows(output)?);
    let product = input.f_transpose(0, 1)?.f_mm(&output)?.f_to_device(Device::Cpu)?;
    let product = product.f_to_kind(Kind::Double)?.f_div_scalar(output.size()[0] as f64)?;
    if !bool::try_from(product.f_isfinite()?.f_all()?)? {
        return Err(Error::undefined("a gradient is not finite"));
    }
    let square = product.f_transpose(0, 1)?.f_mm(&product)?;
    let norm = square.f_linalg_eigvalsh("L")?.f_max()?.f_double_value(&[])?.max(0.0).sqrt();
    Ok(2.0 - norm - 1.0 / (norm + 1e-6))
}

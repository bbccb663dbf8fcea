//! Weights and images that an estimator draws for itself, or not.

use crate::{Images, Network, Result, Variation, Weights};
use osee_model::{
    protocol::Init,
    settings::{SettingSpec, Settings},
};

/// What an estimator draws by its definition. Its settings `init` and `inputs` can each be `own`,
/// for what it draws, or `given`, for the network's weights, and `batch`, for the batch. So one
/// can ask of any estimator whether the weights or the images matter.
///
/// ```no_run
/// use osee_sdk::{Draws, model::protocol::Init, prelude::*};
///
/// struct LossOnNoise(Vec<Variation>);
///
/// const DRAWS: Draws = Draws { init: Some(Init::KaimingFanIn), noise: true, repeats: 4 };
///
/// impl ZeroShot for LossOnNoise {
///     fn info() -> EstimatorInfo {
///         EstimatorInfo::new("loss_on_noise", "1").settings(DRAWS.settings())
///     }
///     fn new(settings: &Settings) -> Result<Self> {
///         Ok(Self(DRAWS.variations(settings)?))
///     }
///     fn score(&self, network: &Network) -> Result<f64> {
///         mean_over_draws(network, &self.0, |draw| network.varied(draw).loss())
///     }
/// }
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Draws {
    /// The law of the weights that it draws, if it draws any.
    pub init: Option<Init>,
    /// True if it draws its images.
    pub noise: bool,
    /// How often it draws; its score is the mean.
    pub repeats: u32,
}

/// Mean of the score of each draw. It stops early where the score is no longer wanted.
///
/// # Errors
/// When a draw has no score.
pub fn mean_over_draws<T: Copy>(
    network: &Network,
    draws: &[T],
    score: impl Fn(T) -> Result<f64>,
) -> Result<f64> {
    let mut sum = 0.0;
    for draw in draws {
        if network.cancelled() {
            break;
        }
        sum += score(*draw)?;
    }
    Ok(sum / draws.len() as f64)
}

const INIT: [(&str, bool); 2] = [("own", true), ("given", false)];
const INPUTS: [(&str, bool); 2] = [("own", true), ("batch", false)];

impl Draws {
    /// An estimator that takes the network and the batch as they are.
    pub const NOTHING: Self = Self { init: None, noise: false, repeats: 1 };

    /// The settings `init` and `inputs`, and `repeats` if anything is drawn.
    pub fn settings(self) -> Vec<SettingSpec> {
        let word = |own, other| if own { "own" } else { other };
        let mut specs = vec![
            SettingSpec::new(
                "init",
                word(self.init.is_some(), "given"),
                "weights: own, drawn as its authors do if they draw any, or those given",
            )
            .one_of(INIT.map(|(word, _)| word)),
            SettingSpec::new(
                "inputs",
                word(self.noise, "batch"),
                "images: own, drawn as its authors do if they draw any, or those of the batch",
            )
            .one_of(INPUTS.map(|(word, _)| word)),
        ];
        if self.init.is_some() || self.noise {
            let help = "number of draws, of which the score is the mean; 1 with given weights";
            specs.push(
                SettingSpec::new("repeats", i64::from(self.repeats), help).in_range(1..=1000),
            );
        }
        specs
    }

    /// One variation for each draw.
    ///
    /// # Errors
    /// When a setting is missing.
    pub fn variations(self, settings: &Settings) -> Result<Vec<Variation>> {
        let own_init = settings.choice("init", &INIT)?;
        let own_inputs = settings.choice("inputs", &INPUTS)?;
        let init = self.init.filter(|_| own_init);
        let repeats = match (init, self.init.is_some() || self.noise) {
            (None, _) | (_, false) => 1,
            (Some(_), true) => settings.get::<i64>("repeats")? as u32,
        };
        let variation = |repeat| {
            let weights = init.map_or(Weights::Given, |init| Weights::Drawn { init, repeat });
            let noise = self.noise && own_inputs;
            let images = if noise { Images::Noise(repeat) } else { Images::Batch };
            Variation::default().weights(weights).images(images)
        };
        Ok((0..repeats).map(variation).collect())
    }
}

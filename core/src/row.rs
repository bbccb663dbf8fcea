//! The row of a leaderboard: an estimator, the space, and the conditions of scoring.
//!
//! Invariant: a row is one type from the plan to the report. It holds everything that its scores
//! depend on besides architecture and seed, so equal rows have equal scores.

use osee_model::{
    device::DeviceKind,
    estimator::{Direction, EstimatorKind},
    protocol::Protocol,
    recipe::Recipe,
    settings::Settings,
};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// Everything that a score depends on besides architecture and seed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RowKey {
    /// Name of the row as the study gives it; a checkpoint's is `ROW@EPOCH`.
    pub name: String,
    /// The estimator that scores, with its settings.
    pub estimator: EstimatorKey,
    /// The search space, with its settings.
    pub space: SpaceKey,
    /// The weights that are scored, and how the estimator sees them.
    pub conditions: Conditions,
    /// Identity of the images; `None` for estimators that see none.
    pub images: Option<String>,
    /// Kind of the device that scores; the CPU for estimators that see no images.
    #[serde(default, skip_serializing_if = "DeviceKind::is_cpu")]
    pub device: DeviceKind,
    /// For a point of a trend, the row whose supernet it scores after another epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint_of: Option<Checkpoint>,
}

/// An estimator with its settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EstimatorKey {
    /// Id of the estimator, such as `grad_norm`.
    pub id: String,
    /// Version of the estimator's definition.
    pub version: String,
    /// What the estimator scores.
    pub kind: EstimatorKind,
    /// Which end of its scores is good.
    pub direction: Direction,
    /// All settings with their values, defaults included.
    pub settings: Settings,
    /// SHA-256 of the plugin, in hex.
    pub plugin_sha256: String,
}

/// A search space with its settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SpaceKey {
    /// Id of the space, such as `nb201`.
    pub id: String,
    /// Version of the space's definition.
    pub version: String,
    /// All settings with their values, defaults included.
    pub settings: Settings,
    /// SHA-256 of the plugin, in hex.
    pub plugin_sha256: String,
}

/// The source of the weights that an estimator sees.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Conditions {
    /// Untrained weights, as the protocol says.
    Untrained(Protocol),
    /// Weights of sub-networks of a trained supernet.
    Supernet(Box<SupernetWeights>),
}

/// Weights of a trained supernet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SupernetWeights {
    /// Hash of everything that the weights depend on besides the seed.
    pub key: String,
    /// How the supernet is trained.
    pub recipe: Recipe,
    /// The epochs whose weights are averaged; 0 is before the first epoch.
    pub epochs: Vec<u32>,
    /// Seeds of an ensemble of supernets; only in results of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seeds: Option<Vec<u64>>,
    /// How a zero-shot estimator sees the sub-networks; `None` for one-shot estimators.
    pub protocol: Option<Protocol>,
}

/// A point of a trend: another row's supernet after one of its kept epochs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// Name of the row whose supernet is scored.
    pub row: String,
    /// The kept epoch, from 1.
    pub epoch: u32,
}

impl Checkpoint {
    /// Name of the checkpoint's own row, `ROW@EPOCH`.
    pub fn name(&self) -> String {
        format!("{}@{}", self.row, self.epoch)
    }
}

impl RowKey {
    /// The part of a study's `seeds` that the row has scores for: only the first if scores do not
    /// depend on the seed.
    pub fn seeds<'a>(&self, seeds: &'a [u64]) -> &'a [u64] {
        match self.estimator.kind {
            EstimatorKind::Baseline | EstimatorKind::Meta => &seeds[..seeds.len().min(1)],
            _ => seeds,
        }
    }

    /// True if each score depends on all architectures together, not on one alone.
    pub fn is_meta(&self) -> bool {
        self.estimator.kind == EstimatorKind::Meta
    }

    /// The trained weights that the row scores; `None` if it scores untrained ones.
    pub fn supernet(&self) -> Option<&SupernetWeights> {
        match &self.conditions {
            Conditions::Untrained(_) => None,
            Conditions::Supernet(weights) => Some(weights),
        }
    }

    /// Name of the row that this one is a checkpoint of, else its own name.
    pub fn base(&self) -> &str {
        self.checkpoint_of.as_ref().map_or(&self.name, |it| &it.row)
    }

    /// The conditions as they appear in JSON documents: the protocol, or an object with `supernet`,
    /// `recipe`, `epochs` and `protocol`.
    pub fn conditions_json(&self) -> serde_json::Value {
        match &self.conditions {
            Conditions::Untrained(protocol) => as_written(protocol),
            Conditions::Supernet(weights) => {
                let SupernetWeights { key, recipe, epochs, protocol, .. } = &**weights;
                json!({
                    "supernet": key,
                    "recipe": as_written(recipe),
                    "epochs": epochs,
                    "protocol": as_written(protocol),
                })
            }
        }
    }
}

/// The value as its JSON text says it: the float32 0.306 stays 0.306, where `json!` would give it all
/// digits of the float64 next to it.
fn as_written(value: &impl Serialize) -> serde_json::Value {
    let text = serde_json::to_string(value).expect("conditions are plain data");
    serde_json::from_str(&text).expect("it is JSON")
}

impl EstimatorKey {
    /// True if the estimator sees images. If not, its scores stay valid when the images change.
    pub fn sees_images(&self) -> bool {
        !matches!(self.kind, EstimatorKind::Baseline | EstimatorKind::Meta)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_float32_is_written_with_the_digits_that_it_has() {
        assert_eq!(as_written(&[0.306f32, 0.1]).to_string(), "[0.306,0.1]");
        assert_eq!(json!(0.306f32).to_string(), "0.3059999942779541");
    }
}

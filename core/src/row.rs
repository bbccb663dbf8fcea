//! The row of a leaderboard: who scores, on what, and under which conditions.
//!
//! Invariant: a row is one type from the plan to the report. It is everything
//! that its scores depend on besides architecture and seed, so two rows that are
//! equal have the same scores.

use osee_model::{
    estimator::{Direction, EstimatorKind},
    protocol::Protocol,
    recipe::Recipe,
    settings::Settings,
};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// Everything a score depends on besides architecture and seed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RowKey {
    /// Name of the row, as the study gives it; that of a checkpoint is
    /// `ROW@EPOCH`.
    pub name: String,
    /// Who scores.
    pub estimator: EstimatorKey,
    /// On what.
    pub space: SpaceKey,
    /// Under which conditions.
    pub conditions: Conditions,
    /// Identity of the images; `None` for estimators that see none.
    pub images: Option<String>,
    /// The row whose supernet this one scores after another epoch, if the row is
    /// a point of a trend.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint_of: Option<Checkpoint>,
}

/// An estimator with its settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EstimatorKey {
    /// Its id.
    pub id: String,
    /// Its version.
    pub version: String,
    /// What it looks at.
    pub kind: EstimatorKind,
    /// Which end is good.
    pub direction: Direction,
    /// Its settings, resolved.
    pub settings: Settings,
    /// SHA-256 of its plugin.
    pub plugin_sha256: String,
}

/// A search space with its settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SpaceKey {
    /// Its id.
    pub id: String,
    /// Its version.
    pub version: String,
    /// Its settings, resolved.
    pub settings: Settings,
    /// SHA-256 of its plugin.
    pub plugin_sha256: String,
}

/// Where the weights come from that an estimator sees.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Conditions {
    /// Networks are put before the estimator as the protocol says.
    Untrained(Protocol),
    /// They are sub-networks of a trained supernet.
    Supernet(Box<SupernetWeights>),
}

/// Weights of a trained supernet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SupernetWeights {
    /// Hash of all that they depend on besides the seed.
    pub key: String,
    /// How the supernet is trained.
    pub recipe: Recipe,
    /// The epochs whose weights are averaged; 0 is before the first.
    pub epochs: Vec<u32>,
    /// Seeds of an ensemble of supernets, in results of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seeds: Option<Vec<u64>>,
    /// How a zero-shot estimator sees the sub-networks; `None` for one-shot
    /// estimators.
    pub protocol: Option<Protocol>,
}

/// A point of a trend: a row after one of its kept epochs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// Name of the row.
    pub row: String,
    /// The epoch.
    pub epoch: u32,
}

impl Checkpoint {
    /// What its row is called.
    pub fn name(&self) -> String {
        format!("{}@{}", self.row, self.epoch)
    }
}

impl RowKey {
    /// Those of a study's `seeds` that it has scores of: what does not depend
    /// on the seed is scored once.
    pub fn seeds<'a>(&self, seeds: &'a [u64]) -> &'a [u64] {
        match self.estimator.kind {
            EstimatorKind::Baseline | EstimatorKind::Meta => &seeds[..seeds.len().min(1)],
            _ => seeds,
        }
    }

    /// Whether its scores are of no single architecture but of all of them
    /// together.
    pub fn is_meta(&self) -> bool {
        self.estimator.kind == EstimatorKind::Meta
    }

    /// The trained weights that it scores, if it does.
    pub fn supernet(&self) -> Option<&SupernetWeights> {
        match &self.conditions {
            Conditions::Untrained(_) => None,
            Conditions::Supernet(weights) => Some(weights),
        }
    }

    /// The name of the row that it is a checkpoint of, else its own.
    pub fn base(&self) -> &str {
        self.checkpoint_of.as_ref().map_or(&self.name, |it| &it.row)
    }

    /// Its conditions as JSON documents have them: the protocol, or an object
    /// with `supernet`, `recipe`, `epochs` and `protocol`.
    pub fn conditions_json(&self) -> serde_json::Value {
        match &self.conditions {
            Conditions::Untrained(protocol) => json!(protocol),
            Conditions::Supernet(weights) => {
                let SupernetWeights { key, recipe, epochs, protocol, .. } = &**weights;
                json!({
                    "supernet": key, "recipe": recipe, "epochs": epochs, "protocol": protocol,
                })
            }
        }
    }
}

impl EstimatorKey {
    /// Whether it sees images. What sees none keeps its scores when they change.
    pub fn sees_images(&self) -> bool {
        !matches!(self.kind, EstimatorKind::Baseline | EstimatorKind::Meta)
    }
}

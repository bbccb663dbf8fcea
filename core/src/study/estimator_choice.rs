//! An estimator of a study, with its settings.

use super::{
    TrainingChoice,
    name_or_fields::{NameOrFields, Named},
    unchanged,
};
use osee_model::{estimator::Group, settings::Value};
use serde::{Deserialize, Deserializer, Serialize};
use std::{collections::BTreeMap, num::NonZeroU32};

/// An estimator with settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EstimatorChoice {
    /// Id of the estimator.
    pub id: String,
    /// Name of the row; the estimator's id if absent.
    #[serde(default)]
    pub name: Option<String>,
    /// Settings that differ from their defaults.
    #[serde(default)]
    pub settings: BTreeMap<String, Value>,
    /// For one-shot estimators: changes to how the supernet is trained, on top of the study's.
    #[serde(default, skip_serializing_if = "unchanged")]
    pub training: TrainingChoice,
    /// For zero-shot estimators: name of the one-shot row whose supernet provides the weights.
    #[serde(default)]
    pub supernet: Option<String>,
    /// Takes the weights after this many epochs; 0 for the initial weights, the last epoch if
    /// absent.
    #[serde(default)]
    pub epoch: Option<u32>,
    /// Adds a row for every kept checkpoint, called `NAME@EPOCH`.
    #[serde(default)]
    pub trend: bool,
    /// With `trend`: takes one in so many checkpoints only, counted back from the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trend_every: Option<NonZeroU32>,
}

impl EstimatorChoice {
    /// The id that stands for all estimators.
    pub const ALL: &str = "all";

    /// True if it stands for several estimators.
    pub fn is_many(&self) -> bool {
        self.id == Self::ALL || Group::named(&self.id).is_some()
    }

    /// The estimator with default settings.
    pub fn plain(id: &str) -> Self {
        Self {
            id: id.to_owned(),
            name: None,
            settings: BTreeMap::new(),
            training: TrainingChoice::default(),
            supernet: None,
            epoch: None,
            trend: false,
            trend_every: None,
        }
    }

    /// Name of the row.
    pub fn name(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.id)
    }
}

impl Named for EstimatorChoice {
    const EXPECTED: &'static str = "the id of an estimator or a group, or a section [[estimators]]";

    fn named(id: &str) -> Self {
        Self::plain(id)
    }
}

/// Reads `estimators = ["ID", ..]`, or sections `[[estimators]]` with their fields.
pub(super) fn by_names_or_fields<'de, D: Deserializer<'de>>(
    source: D,
) -> Result<Vec<EstimatorChoice>, D::Error> {
    let all = Vec::<NameOrFields<EstimatorChoice>>::deserialize(source)?;
    Ok(all.into_iter().map(|NameOrFields(one)| one).collect())
}

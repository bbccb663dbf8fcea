//! An estimator of a study, with its settings.

use super::{TrainingChoice, unchanged};
use osee_model::{estimator::Group, settings::Value};
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{MapAccess, Visitor, value::MapAccessDeserializer},
};
use std::{collections::BTreeMap, fmt, num::NonZeroU32};

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

/// Reads `estimators = ["ID", ..]`, or sections `[[estimators]]` with their fields.
pub(super) fn by_names_or_fields<'de, D: Deserializer<'de>>(
    source: D,
) -> Result<Vec<EstimatorChoice>, D::Error> {
    struct Either(EstimatorChoice);

    impl<'de> Deserialize<'de> for Either {
        fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Self, D::Error> {
            source.deserialize_any(OfOne).map(Self)
        }
    }

    struct OfOne;

    impl<'de> Visitor<'de> for OfOne {
        type Value = EstimatorChoice;

        fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
            to.write_str("the id of an estimator or a group, or a section [[estimators]]")
        }

        fn visit_str<E>(self, id: &str) -> Result<EstimatorChoice, E> {
            Ok(EstimatorChoice::plain(id))
        }

        fn visit_map<M: MapAccess<'de>>(self, fields: M) -> Result<EstimatorChoice, M::Error> {
            EstimatorChoice::deserialize(MapAccessDeserializer::new(fields))
        }
    }

    Ok(Vec::<Either>::deserialize(source)?.into_iter().map(|Either(one)| one).collect())
}

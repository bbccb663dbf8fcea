//! What tests of stores share.

use osee_core::store::ScorerKey;
use osee_model::estimator::{Direction, EstimatorKind};

/// A row of this name, computed by this plugin.
pub fn key(name: &str, plugin: &str) -> ScorerKey {
    let text = String::new;
    ScorerKey {
        name: name.to_owned(),
        estimator: name.to_owned(),
        version: text(),
        kind: EstimatorKind::ZeroShot,
        direction: Direction::HigherIsBetter,
        settings: text(),
        plugin_sha256: plugin.to_owned(),
        space: text(),
        space_version: text(),
        space_settings: text(),
        space_sha256: text(),
        protocol: text(),
        data: text(),
    }
}

//! Helpers shared by tests of stores.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use osee_core::row::{Conditions, EstimatorKey, RowKey, SpaceKey};
use osee_model::{
    device::DeviceKind,
    estimator::{Direction, EstimatorKind},
    protocol::Protocol,
    settings::Settings,
};

/// The key of a row with this name, computed by this plugin.
pub fn key(name: &str, plugin: &str) -> RowKey {
    let estimator = EstimatorKey {
        id: name.to_owned(),
        version: "1".to_owned(),
        kind: EstimatorKind::ZeroShot,
        direction: Direction::HigherIsBetter,
        settings: Settings::default(),
        plugin_sha256: plugin.to_owned(),
    };
    let space = SpaceKey {
        id: "nb201".to_owned(),
        version: "1".to_owned(),
        settings: Settings::default(),
        plugin_sha256: String::new(),
    };
    let protocol = Protocol::preset("paper").unwrap();
    RowKey {
        name: name.to_owned(),
        estimator,
        space,
        conditions: Conditions::Untrained(protocol),
        images: Some("noise".to_owned()),
        device: DeviceKind::Cpu,
        checkpoint_of: None,
    }
}

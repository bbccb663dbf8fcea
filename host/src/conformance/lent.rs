//! The space that estimators are tried on.

use crate::loader::{Registry, Space};
use osee_sdk::{Error, Result};

/// Its name.
pub const SPACE: &str = "nb201";

/// That space, which a check has loaded besides the plugin.
pub fn lent_space(registry: &Registry) -> Result<Space<'_>> {
    registry.space(SPACE).map_err(|error| Error::new(error.to_string()))
}

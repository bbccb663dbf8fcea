//! Zero-shot estimators across the boundary.

use super::network::NetworkHandle;
use crate::{
    Network, Result, ZeroShot,
    abi::{
        answer::Origin,
        guard::{self, FfiResult},
        kinds::network::NetworkTable,
    },
};
use abi_stable::{sabi_trait, sabi_trait::TD_Opaque, std_types::RBox};

/// Functions in a zero-shot estimator's table.
#[sabi_trait]
pub trait FfiZeroShot: Send + Sync {
    /// See [`ZeroShot::score`].
    fn score(&self, network: NetworkTable) -> FfiResult<f64>;
}

/// The table of a zero-shot estimator, as it crosses.
pub type ZeroShotTable = FfiZeroShot_TO<'static, RBox<()>>;

struct Glue<T>(T);

impl<T: ZeroShot> FfiZeroShot for Glue<T> {
    fn score(&self, network: NetworkTable) -> FfiResult<f64> {
        guard::run(|| self.0.score(&Network::new(NetworkHandle::from_table(network))))
    }
}

/// Puts an author's zero-shot estimator behind its table.
pub(crate) fn table<T: ZeroShot>(it: T) -> ZeroShotTable {
    FfiZeroShot_TO::from_value(Glue(it), TD_Opaque)
}

/// A plugin's zero-shot estimator, as the host calls it.
pub struct ForeignZeroShot {
    table: ZeroShotTable,
    origin: Origin,
}

impl ForeignZeroShot {
    pub(crate) fn new(table: ZeroShotTable, origin: Origin) -> Self {
        Self { table, origin }
    }

    /// See [`ZeroShot::score`].
    ///
    /// # Errors
    /// The plugin's failure or panic.
    pub fn score(&self, network: impl Into<NetworkHandle>) -> Result<f64> {
        let network = network.into().into_table();
        guard::receive(self.origin.watched("score", || self.table.score(network)))
    }
}

//! Baselines across the boundary.

use crate::{
    Baseline, Result,
    abi::{
        answer::Origin,
        document::Document,
        graph::{self, LentGraph},
        guard::{self, FfiResult},
    },
};
use abi_stable::{sabi_trait, sabi_trait::TD_Opaque, std_types::RBox};

/// Functions in a baseline's table.
#[sabi_trait]
pub trait FfiBaseline: Send + Sync {
    /// See [`Baseline::score`]; takes a graph document.
    fn score(&self, graph: Document<'_>) -> FfiResult<f64>;
}

/// The table of a baseline, as it crosses.
pub type BaselineTable = FfiBaseline_TO<'static, RBox<()>>;

struct Glue<T>(T);

impl<T: Baseline> FfiBaseline for Glue<T> {
    fn score(&self, graph: Document<'_>) -> FfiResult<f64> {
        guard::run(|| self.0.score(&*graph::read(graph.as_slice())?))
    }
}

/// Puts an author's baseline behind its table.
pub(crate) fn table<T: Baseline>(it: T) -> BaselineTable {
    FfiBaseline_TO::from_value(Glue(it), TD_Opaque)
}

/// A plugin's baseline, as the host calls it.
pub struct ForeignBaseline {
    table: BaselineTable,
    origin: Origin,
}

impl ForeignBaseline {
    pub(crate) fn new(table: BaselineTable, origin: Origin) -> Self {
        Self { table, origin }
    }

    /// See [`Baseline::score`].
    ///
    /// # Errors
    /// The plugin's failure or panic.
    pub fn score(&self, graph: &LentGraph) -> Result<f64> {
        let call = || self.table.score(graph.document().into());
        guard::receive(self.origin.watched("score", call))
    }
}

//! Meta estimators across the boundary.

use crate::{
    Meta, Population, Result,
    abi::{
        answer::Origin,
        document::{self, Document},
        guard::{self, FfiResult},
    },
};
use abi_stable::{
    sabi_trait,
    sabi_trait::TD_Opaque,
    std_types::{RBox, RString, RVec},
};

/// Functions in a meta estimator's table.
#[sabi_trait]
pub trait FfiMeta: Send + Sync {
    /// See [`Meta::needs`].
    fn needs(&self) -> FfiResult<RVec<RString>>;
    /// See [`Meta::scores`]; takes a document of a [`Population`].
    fn scores(&self, population: Document<'_>) -> FfiResult<RVec<f64>>;
}

/// The table of a meta estimator, as it crosses.
pub type MetaTable = FfiMeta_TO<'static, RBox<()>>;

struct Glue<T>(T);

impl<T: Meta> FfiMeta for Glue<T> {
    fn needs(&self) -> FfiResult<RVec<RString>> {
        guard::run(|| Ok(self.0.needs().into_iter().map(RString::from).collect()))
    }

    fn scores(&self, population: Document<'_>) -> FfiResult<RVec<f64>> {
        guard::run(|| Ok(self.0.scores(&document::decode(population.as_slice())?)?.into()))
    }
}

/// Puts an author's meta estimator behind its table.
pub(crate) fn table<T: Meta>(it: T) -> MetaTable {
    FfiMeta_TO::from_value(Glue(it), TD_Opaque)
}

/// A plugin's meta estimator, as the host calls it.
pub struct ForeignMeta {
    table: MetaTable,
    origin: Origin,
}

impl ForeignMeta {
    pub(crate) fn new(table: MetaTable, origin: Origin) -> Self {
        Self { table, origin }
    }

    /// See [`Meta::needs`].
    ///
    /// # Errors
    /// The plugin's panic, too many names, or text that is not a name.
    pub fn needs(&self) -> Result<Vec<String>> {
        let call = || self.table.needs();
        self.origin.call("needs").names(self.origin.watched("needs", call))
    }

    /// See [`Meta::scores`].
    ///
    /// # Errors
    /// The plugin's failure or panic, or a number of scores that is not the number of
    /// architectures.
    pub fn scores(&self, population: &Population) -> Result<Vec<f64>> {
        let document = document::encode(population);
        let call = || self.table.scores(document.as_slice().into());
        let scores = guard::receive(self.origin.watched("scores", call))?;
        let wanted = population.architectures.len();
        self.origin.call("scores").exactly(scores.len(), wanted, "scores")?;
        Ok(scores.into_vec())
    }
}

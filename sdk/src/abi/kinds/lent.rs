//! The search space that the host lends to a one-shot estimator: one plugin
//! produces it, another consumes it, and the host relays the calls.

use super::space::{FfiSpace, FfiSpace_TO, ForeignSpace, SpaceTable};
use crate::{
    Result, SearchSpace,
    abi::{
        answer::Origin,
        document::{self, Document, OwnedDocument},
        guard::{self, FfiResult},
    },
    one_shot::{Space, SpaceFunctions},
};
use abi_stable::{
    sabi_trait::TD_Opaque,
    std_types::{ROk, RStr, RString},
};
use osee_model::space::{Mutation, SpaceInfo};
use std::sync::Arc;

/// Says whether an architecture makes a network that can be trained, as far as the
/// lender knows.
pub type Fits = dyn Fn(&str) -> bool + Send + Sync;

/// A search space of one plugin on loan to another.
#[derive(Clone)]
pub struct LentSpace {
    info: Vec<u8>,
    functions: Arc<ForeignSpace>,
    fits: Option<Arc<Fits>>,
}

impl LentSpace {
    /// Lends the space that `info` declares and `functions` implement.
    pub fn new(info: &SpaceInfo, functions: Arc<ForeignSpace>) -> Self {
        Self { info: document::encode(info), functions, fits: None }
    }

    /// Lends the same space, but [`Space::trainable`] also requires `fits`.
    #[must_use]
    pub fn with_trainable(self, fits: impl Fn(&str) -> bool + Send + Sync + 'static) -> Self {
        Self { fits: Some(Arc::new(fits)), ..self }
    }

    /// Lends an author's space that is linked into this program, through its table.
    pub fn here<T: SearchSpace>() -> Self {
        Self::new(&T::info(), Arc::new(ForeignSpace::here::<T>()))
    }

    /// The space as an author sees it.
    ///
    /// # Errors
    /// When the declaration cannot be decoded.
    pub fn view(&self) -> Result<Space> {
        view(&self.info, self.lend())
    }

    /// The space's declaration ([`SpaceInfo`]) as a document.
    pub(super) fn info(&self) -> &[u8] {
        &self.info
    }

    pub(super) fn lend(&self) -> SpaceTable {
        let relay = Relay { space: Arc::clone(&self.functions), fits: self.fits.clone() };
        FfiSpace_TO::from_value(relay, TD_Opaque)
    }
}

/// Relays calls of one plugin to another's space. Sizes are checked on the way;
/// the receiving side checks the contents.
struct Relay {
    space: Arc<ForeignSpace>,
    fits: Option<Arc<Fits>>,
}

impl Relay {
    fn documents(
        &self,
        call: &'static str,
        of: RStr<'_>,
        ask: impl FnOnce(&SpaceTable) -> FfiResult<OwnedDocument>,
    ) -> FfiResult<OwnedDocument> {
        let (table, origin) = self.space.parts();
        guard::run(|| origin.call(call).bytes(origin.named(call, of, ask(table))))
    }
}

impl FfiSpace for Relay {
    fn architecture(&self, index: u64) -> FfiResult<RString> {
        guard::run(|| self.space.architecture(index).map(RString::from))
    }
    fn parse(&self, arch: RStr<'_>) -> FfiResult<RString> {
        guard::run(|| self.space.parse(arch.as_str()).map(RString::from))
    }
    fn canonical(&self, arch: RStr<'_>) -> FfiResult<RString> {
        guard::run(|| self.space.canonical(arch.as_str()).map(RString::from))
    }
    fn mutations(&self, arch: RStr<'_>) -> FfiResult<OwnedDocument> {
        self.documents("mutations", arch, |table| table.mutations(arch))
    }
    fn graph(&self, arch: RStr<'_>, settings: Document<'_>) -> FfiResult<OwnedDocument> {
        self.documents("graph", arch, |table| table.graph(arch, settings))
    }
    fn trainable(&self, arch: RStr<'_>) -> FfiResult<bool> {
        match (self.space.parts().0.trainable(arch), &self.fits) {
            (ROk(true), Some(fits)) => guard::run(|| Ok(fits(arch.as_str()))),
            (says, _) => says,
        }
    }

    fn benchmark_counts(&self, arch: RStr<'_>) -> FfiResult<OwnedDocument> {
        self.documents("benchmark_counts", arch, |table| table.benchmark_counts(arch))
    }
}

/// A lent space as its borrower, the author of an estimator, sees it.
pub(super) fn view(info: &[u8], table: SpaceTable) -> Result<Space> {
    let info: SpaceInfo = document::decode(info)?;
    let origin = Origin::of_export(&info.id);
    Ok(Space::new(info, ForeignSpace::new(table, origin)))
}

impl SpaceFunctions for ForeignSpace {
    fn architecture(&self, index: u64) -> Result<String> {
        self.architecture(index)
    }
    fn canonical(&self, arch: &str) -> Result<String> {
        self.canonical(arch)
    }
    fn mutations(&self, arch: &str) -> Result<Vec<Mutation>> {
        self.mutations(arch)
    }
    fn trainable(&self, arch: &str) -> Result<bool> {
        self.trainable(arch)
    }
}

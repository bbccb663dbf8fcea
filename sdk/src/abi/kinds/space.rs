//! Search spaces.

use crate::{
    Result, SearchSpace,
    abi::{
        answer::{MUTATIONS, Origin, shown},
        document,
        graph::LentGraph,
        guard::{self, FfiResult},
        watch,
    },
};
use abi_stable::{
    sabi_trait,
    sabi_trait::TD_Opaque,
    std_types::{RBox, RSlice, RStr, RString, RVec},
};
use osee_model::{
    graph::Graph,
    settings::Settings,
    space::{Counts, Mutation},
};
use std::fmt::Display;

/// Functions of a search space.
#[sabi_trait]
pub trait FfiSpace: Send + Sync {
    /// See [`SearchSpace::architecture`].
    fn architecture(&self, index: u64) -> FfiResult<RString>;
    /// The architecture in the space's own spelling.
    fn parse(&self, arch: RStr<'_>) -> FfiResult<RString>;
    /// See [`SearchSpace::canonical`].
    fn canonical(&self, arch: RStr<'_>) -> FfiResult<RString>;
    /// See [`SearchSpace::mutations`]; a document.
    fn mutations(&self, arch: RStr<'_>) -> FfiResult<RVec<u8>>;
    /// See [`SearchSpace::graph`]; from a document of [`Settings`] to one of a [`Graph`].
    fn graph(&self, arch: RStr<'_>, settings: RSlice<'_, u8>) -> FfiResult<RVec<u8>>;
    /// See [`SearchSpace::trainable`].
    fn trainable(&self, arch: RStr<'_>) -> FfiResult<bool>;
    /// See [`SearchSpace::benchmark_counts`]; a document of [`Counts`].
    fn benchmark_counts(&self, arch: RStr<'_>) -> FfiResult<RVec<u8>>;
}

/// The table of a search space.
pub type SpaceTable = FfiSpace_TO<'static, RBox<()>>;

struct Glue<T>(T);

impl<T: SearchSpace> Glue<T> {
    fn read(&self, arch: RStr<'_>) -> Result<T::Arch> {
        arch.as_str().parse()
    }
}

impl<T: SearchSpace> FfiSpace for Glue<T> {
    fn architecture(&self, index: u64) -> FfiResult<RString> {
        guard::run(|| Ok(self.0.architecture(index)?.to_string().into()))
    }

    fn parse(&self, arch: RStr<'_>) -> FfiResult<RString> {
        guard::run(|| Ok(self.read(arch)?.to_string().into()))
    }

    fn canonical(&self, arch: RStr<'_>) -> FfiResult<RString> {
        guard::run(|| Ok(self.0.canonical(&self.read(arch)?).into()))
    }

    fn mutations(&self, arch: RStr<'_>) -> FfiResult<RVec<u8>> {
        guard::run(|| Ok(document::encode(&self.0.mutations(&self.read(arch)?)).into()))
    }

    fn trainable(&self, arch: RStr<'_>) -> FfiResult<bool> {
        guard::run(|| Ok(self.0.trainable(&self.read(arch)?)))
    }

    fn benchmark_counts(&self, arch: RStr<'_>) -> FfiResult<RVec<u8>> {
        guard::run(|| Ok(document::encode(&self.0.benchmark_counts(&self.read(arch)?)?).into()))
    }

    fn graph(&self, arch: RStr<'_>, settings: RSlice<'_, u8>) -> FfiResult<RVec<u8>> {
        guard::run(|| {
            let settings = document::decode(settings.as_slice())?;
            Ok(document::encode(&self.0.graph(&self.read(arch)?, &settings)?).into())
        })
    }
}

/// An author's search space behind its table.
pub(crate) fn table<T: SearchSpace>(it: T) -> SpaceTable {
    FfiSpace_TO::from_value(Glue(it), TD_Opaque)
}

/// A plugin's search space. Architectures are strings on this side.
pub struct ForeignSpace {
    table: SpaceTable,
    origin: Origin,
}

impl ForeignSpace {
    pub(crate) fn new(table: SpaceTable, origin: Origin) -> Self {
        Self { table, origin }
    }

    /// An author's space of this program, through its table.
    pub fn here<T: SearchSpace>() -> Self {
        Self::new(table(T::new()), Origin::of_export(&T::info().id))
    }

    /// For handing calls on.
    pub(super) fn parts(&self) -> (&SpaceTable, &Origin) {
        (&self.table, &self.origin)
    }

    /// What a call comes to; the host may know that it is under way, and its
    /// failure says which it was.
    fn watched<T>(
        &self,
        what: &str,
        of: impl Display,
        call: impl FnOnce() -> FfiResult<T>,
    ) -> FfiResult<T> {
        let result = self.heard(what, &of, call);
        self.origin.named(what, of, result)
    }

    fn heard<T>(&self, what: &str, of: impl Display, call: impl FnOnce() -> T) -> T {
        watch::during(|| format!("search space `{}`, {what} of {of}", self.origin.export()), call)
    }

    /// See [`SearchSpace::trainable`].
    ///
    /// # Errors
    /// When the architecture is malformed.
    pub fn trainable(&self, arch: &str) -> Result<bool> {
        guard::receive(self.watched("trainable", arch, || self.table.trainable(arch.into())))
    }

    /// See [`SearchSpace::architecture`].
    ///
    /// # Errors
    /// When the number is out of range, or what comes is not one line.
    pub fn architecture(&self, index: u64) -> Result<String> {
        let call = || self.table.architecture(index);
        self.origin.call("architecture").architecture(self.watched("architecture", index, call))
    }

    /// The architecture in the space's own spelling.
    ///
    /// # Errors
    /// When it is malformed: what and where.
    pub fn parse(&self, arch: &str) -> Result<String> {
        // That a text is no architecture is an answer, and needs no name.
        let read = self.heard("parse", arch, || self.table.parse(arch.into()));
        self.origin.call("parse").architecture(read)
    }

    /// See [`SearchSpace::canonical`].
    ///
    /// # Errors
    /// When the architecture is malformed, or its form is too long.
    pub fn canonical(&self, arch: &str) -> Result<String> {
        let call = || self.table.canonical(arch.into());
        self.origin.call("canonical").canonical(self.watched("canonical", arch, call))
    }

    /// See [`SearchSpace::mutations`].
    ///
    /// # Errors
    /// When the architecture is malformed, or there are too many, or one has
    /// no name.
    pub fn mutations(&self, arch: &str) -> Result<Vec<Mutation>> {
        let call = self.origin.call("mutations");
        let mutations: Vec<Mutation> =
            call.document(self.watched("mutations", arch, || self.table.mutations(arch.into())))?;
        call.at_most(mutations.len(), MUTATIONS, "mutations")?;
        for Mutation { arch, decision, from, to, .. } in &mutations {
            call.is_architecture(arch)?;
            call.is_name(decision, "the decision")?;
            call.is_name(from, "the value")?;
            call.is_name(to, "the value")?;
        }
        Ok(mutations)
    }

    /// See [`SearchSpace::benchmark_counts`].
    ///
    /// # Errors
    /// When the architecture is malformed or has no network.
    pub fn benchmark_counts(&self, arch: &str) -> Result<Counts> {
        let call = || self.table.benchmark_counts(arch.into());
        let counts = self.watched("benchmark_counts", arch, call);
        self.origin.call("benchmark_counts").document(counts)
    }

    /// The network, its size and shapes checked.
    ///
    /// # Errors
    /// When the architecture is malformed, the settings make no network, or
    /// the plugin's graph is not one.
    pub fn graph(&self, arch: &str, settings: &Settings) -> Result<Graph> {
        self.lent_graph(arch, settings).map(LentGraph::into_graph)
    }

    /// The same with its document, to be lent to estimators.
    ///
    /// # Errors
    /// As [`graph`](Self::graph).
    pub fn lent_graph(&self, arch: &str, settings: &Settings) -> Result<LentGraph> {
        let settings = document::encode(settings);
        let make = || self.table.graph(arch.into(), settings.as_slice().into());
        let call = self.origin.call("graph");
        let document = call.bytes(self.watched("graph", arch, make))?;
        let graph: Graph = call.read(&document)?;
        graph.validate().map_err(|error| {
            call.wrong(format!("no network for {}", shown(arch)), format!("one: {error}"))
        })?;
        Ok(LentGraph::with_document(graph, document.into_vec()))
    }
}

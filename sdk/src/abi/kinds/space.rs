//! Search spaces across the boundary.

use crate::{
    Result, SearchSpace,
    abi::{
        answer::{MUTATIONS, Origin, shown},
        document::{self, Document, OwnedDocument},
        graph::LentGraph,
        guard::{self, FfiResult},
        watch,
    },
};
use abi_stable::{
    sabi_trait,
    sabi_trait::TD_Opaque,
    std_types::{RBox, RStr, RString},
};
use osee_model::{
    graph::Graph,
    settings::Settings,
    space::{Counts, Mutation},
};
use std::fmt::Display;

/// Functions in a search space's table.
#[sabi_trait]
pub trait FfiSpace: Send + Sync {
    /// See [`SearchSpace::architecture`].
    fn architecture(&self, index: u64) -> FfiResult<RString>;
    /// Parses an architecture and writes it in the space's own spelling.
    fn parse(&self, arch: RStr<'_>) -> FfiResult<RString>;
    /// See [`SearchSpace::canonical`].
    fn canonical(&self, arch: RStr<'_>) -> FfiResult<RString>;
    /// See [`SearchSpace::mutations`]; returns a document of [`Mutation`]s.
    fn mutations(&self, arch: RStr<'_>) -> FfiResult<OwnedDocument>;
    /// See [`SearchSpace::graph`]; takes a document of [`Settings`], returns one of a [`Graph`].
    fn graph(&self, arch: RStr<'_>, settings: Document<'_>) -> FfiResult<OwnedDocument>;
    /// See [`SearchSpace::trainable`].
    fn trainable(&self, arch: RStr<'_>) -> FfiResult<bool>;
    /// See [`SearchSpace::benchmark_counts`]; returns a document of [`Counts`].
    fn benchmark_counts(&self, arch: RStr<'_>) -> FfiResult<OwnedDocument>;
}

/// The table of a search space, as it crosses.
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

    fn mutations(&self, arch: RStr<'_>) -> FfiResult<OwnedDocument> {
        guard::run(|| Ok(document::encode(&self.0.mutations(&self.read(arch)?)).into()))
    }

    fn trainable(&self, arch: RStr<'_>) -> FfiResult<bool> {
        guard::run(|| Ok(self.0.trainable(&self.read(arch)?)))
    }

    fn benchmark_counts(&self, arch: RStr<'_>) -> FfiResult<OwnedDocument> {
        guard::run(|| Ok(document::encode(&self.0.benchmark_counts(&self.read(arch)?)?).into()))
    }

    fn graph(&self, arch: RStr<'_>, settings: Document<'_>) -> FfiResult<OwnedDocument> {
        guard::run(|| {
            let settings = document::decode(settings.as_slice())?;
            Ok(document::encode(&self.0.graph(&self.read(arch)?, &settings)?).into())
        })
    }
}

/// Puts an author's search space behind its table.
pub(crate) fn table<T: SearchSpace>(it: T) -> SpaceTable {
    FfiSpace_TO::from_value(Glue(it), TD_Opaque)
}

/// A plugin's search space, as the host calls it. Architectures are strings here.
pub struct ForeignSpace {
    table: SpaceTable,
    origin: Origin,
}

impl ForeignSpace {
    pub(crate) fn new(table: SpaceTable, origin: Origin) -> Self {
        Self { table, origin }
    }

    /// An author's space that is linked into this program, through its table.
    pub fn here<T: SearchSpace>() -> Self {
        Self::new(table(T::new()), Origin::of_export(&T::info().id))
    }

    /// The table and its origin, for relaying calls.
    pub(super) fn parts(&self) -> (&SpaceTable, &Origin) {
        (&self.table, &self.origin)
    }

    /// The result of a call. The host's watch is told that it is under way, and a
    /// failure says which call it was.
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
    /// When the index is out of range, or the answer is not one line.
    pub fn architecture(&self, index: u64) -> Result<String> {
        let call = || self.table.architecture(index);
        self.origin.call("architecture").architecture(self.watched("architecture", index, call))
    }

    /// Parses an architecture and writes it in the space's own spelling.
    ///
    /// # Errors
    /// When it is malformed; the message says what is wrong and where.
    pub fn parse(&self, arch: &str) -> Result<String> {
        // A refused text is an ordinary answer, so the error does not name the call.
        let read = self.heard("parse", arch, || self.table.parse(arch.into()));
        self.origin.call("parse").architecture(read)
    }

    /// See [`SearchSpace::canonical`].
    ///
    /// # Errors
    /// When the architecture is malformed, or its canonical form is too long.
    pub fn canonical(&self, arch: &str) -> Result<String> {
        let call = || self.table.canonical(arch.into());
        self.origin.call("canonical").canonical(self.watched("canonical", arch, call))
    }

    /// See [`SearchSpace::mutations`].
    ///
    /// # Errors
    /// When the architecture is malformed, there are too many mutations, or one of them
    /// has a bad architecture or name.
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
    /// When the architecture is malformed or makes no network.
    pub fn benchmark_counts(&self, arch: &str) -> Result<Counts> {
        let call = || self.table.benchmark_counts(arch.into());
        let counts = self.watched("benchmark_counts", arch, call);
        self.origin.call("benchmark_counts").document(counts)
    }

    /// The network of an architecture. Its size and shapes have been checked.
    ///
    /// # Errors
    /// When the architecture is malformed, the settings make no network, or the plugin's
    /// graph is not a valid network.
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

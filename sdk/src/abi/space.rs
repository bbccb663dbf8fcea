//! A plugin's search space, as the host and other plugins see it.

use super::{
    answer::{MUTATIONS, Origin, shown},
    document,
    guard::{self, FfiResult},
    tables::{FfiSpace_TO, Instance},
    watch,
};
use crate::{Error, Result};
use abi_stable::std_types::RBox;
use osee_model::{
    graph::Graph,
    settings::Settings,
    space::{Counts, Mutation},
};
use std::fmt::Display;

/// A plugin's search space. Architectures are strings on this side.
pub struct ForeignSpace {
    table: FfiSpace_TO<'static, RBox<()>>,
    origin: Origin,
}

impl ForeignSpace {
    /// The space `id` of a library that is not known on this side.
    pub(super) fn from_table(table: FfiSpace_TO<'static, RBox<()>>, id: &str) -> Self {
        Self { table, origin: Origin::of_export(id) }
    }

    /// The same of a library that is.
    pub(super) fn of(table: FfiSpace_TO<'static, RBox<()>>, origin: Origin) -> Self {
        Self { table, origin }
    }

    /// For handing calls on.
    pub(super) fn parts(&self) -> (&FfiSpace_TO<'static, RBox<()>>, &Origin) {
        (&self.table, &self.origin)
    }

    /// The space `id`, made in this library.
    ///
    /// # Errors
    /// When the instance is of another kind.
    pub(crate) fn from_instance(instance: Instance, id: &str) -> Result<Self> {
        match instance {
            Instance::Space(it) => Ok(Self::from_table(it, id)),
            _ => Err(Error::new("this instance is no search space")),
        }
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

    /// See [`SearchSpace::trainable`](crate::SearchSpace::trainable).
    ///
    /// # Errors
    /// When the architecture is malformed.
    pub fn trainable(&self, arch: &str) -> Result<bool> {
        guard::receive(self.watched("trainable", arch, || self.table.trainable(arch.into())))
    }

    /// See [`SearchSpace::architecture`](crate::SearchSpace::architecture).
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

    /// See [`SearchSpace::canonical`](crate::SearchSpace::canonical).
    ///
    /// # Errors
    /// When the architecture is malformed, or its form is too long.
    pub fn canonical(&self, arch: &str) -> Result<String> {
        let call = || self.table.canonical(arch.into());
        self.origin.call("canonical").canonical(self.watched("canonical", arch, call))
    }

    /// See [`SearchSpace::mutations`](crate::SearchSpace::mutations).
    ///
    /// # Errors
    /// When the architecture is malformed, or there are too many, or one has
    /// no name.
    pub fn mutations(&self, arch: &str) -> Result<Vec<Mutation>> {
        let call = self.origin.call("mutations");
        let mutations: Vec<Mutation> =
            call.document(self.watched("mutations", arch, || self.table.mutations(arch.into())))?;
        call.at_most(mutations.len(), MUTATIONS, "mutations")?;
        for Mutation { arch, decision, from, to } in &mutations {
            call.is_architecture(arch)?;
            call.is_name(decision, "the decision")?;
            call.is_name(from, "the value")?;
            call.is_name(to, "the value")?;
        }
        Ok(mutations)
    }

    /// See [`SearchSpace::benchmark_counts`](crate::SearchSpace::benchmark_counts).
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
        let settings = document::encode(settings);
        let make = || self.table.graph(arch.into(), settings.as_slice().into());
        let call = self.origin.call("graph");
        let graph: Graph = call.document(self.watched("graph", arch, make))?;
        graph.validate().map_err(|error| {
            call.wrong(format!("no network for {}", shown(arch)), format!("one: {error}"))
        })?;
        Ok(graph)
    }
}

//! Graphs on their way to estimators. Invariant: the host hands on the document that the
//! search space made, or encodes one at most once, however many estimators ask for it; a
//! library decodes it once.

use super::document;
use crate::Result;
use osee_model::graph::Graph;
use std::{
    cell::{OnceCell, RefCell},
    ops::Deref,
    rc::Rc,
};

/// A graph lent to estimators, with its document. Unless that is known, it is encoded
/// when the first of them asks. Clones share both.
#[derive(Debug, Clone)]
pub struct LentGraph(Rc<Lent>);

#[derive(Debug, Clone)]
struct Lent {
    graph: Graph,
    document: OnceCell<Vec<u8>>,
}

impl LentGraph {
    /// A graph that was decoded from this document.
    pub(super) fn with_document(graph: Graph, document: Vec<u8>) -> Self {
        Self(Rc::new(Lent { graph, document: document.into() }))
    }

    /// The graph alone.
    pub fn into_graph(self) -> Graph {
        Rc::unwrap_or_clone(self.0).graph
    }

    /// The graph as a document, encoded on the first call unless it is known.
    pub fn document(&self) -> &[u8] {
        self.0.document.get_or_init(|| document::encode(&self.0.graph))
    }
}

impl From<Graph> for LentGraph {
    fn from(graph: Graph) -> Self {
        Self(Rc::new(Lent { graph, document: OnceCell::new() }))
    }
}

impl Deref for LentGraph {
    type Target = Graph;

    fn deref(&self) -> &Graph {
        &self.0.graph
    }
}

thread_local! {
    /// The document that this library decoded last on this thread, and its graph.
    static LAST: RefCell<Option<(Vec<u8>, Rc<Graph>)>> = const { RefCell::new(None) };
}

/// Decodes a graph. A library's estimators are asked about one network one after the
/// other, so the last graph is kept: comparing two documents takes microseconds,
/// decoding one takes hundreds.
pub(crate) fn read(document: &[u8]) -> Result<Rc<Graph>> {
    let known = LAST.with_borrow(|last| {
        last.as_ref().filter(|(read, _)| read == document).map(|(_, graph)| Rc::clone(graph))
    });
    if let Some(graph) = known {
        return Ok(graph);
    }
    let graph: Rc<Graph> = Rc::new(document::decode(document)?);
    LAST.set(Some((document.to_vec(), Rc::clone(&graph))));
    Ok(graph)
}

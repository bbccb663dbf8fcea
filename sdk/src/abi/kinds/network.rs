//! The network that the host lends to an estimator for one call. The host is the
//! producer and the plugin the consumer.

use crate::{
    Measurement, Result,
    abi::{
        document::{self, Document},
        graph,
        guard::{self, FfiResult},
        tensor::OwnedTensor,
    },
    network::Lender,
};
use abi_stable::{
    sabi_trait,
    sabi_trait::TD_Opaque,
    std_types::{RBox, RVec},
};
use osee_model::graph::Graph;
use std::rc::Rc;
use tch::Tensor;

/// Functions in a network's table.
#[sabi_trait]
pub trait FfiNetwork {
    /// See [`HostNetwork::graph_document`].
    fn graph(&self) -> Document<'_>;
    /// See [`HostNetwork::measure`]; takes a document of a [`Measurement`].
    fn measure(&self, what: Document<'_>) -> FfiResult<RVec<OwnedTensor>>;
    /// See [`HostNetwork::forward`].
    fn forward(&self, images: OwnedTensor) -> FfiResult<OwnedTensor>;
    /// See [`HostNetwork::cancelled`].
    #[sabi(last_prefix_field)]
    fn cancelled(&self) -> bool;
}

/// The table of a network, as it crosses.
pub type NetworkTable = FfiNetwork_TO<'static, RBox<()>>;

/// What the host implements, and [`Network`](crate::Network) asks for.
pub trait HostNetwork: 'static {
    /// The network's graph as a document; the same bytes on every call.
    fn graph_document(&self) -> &[u8];
    /// The tensors of a measurement; [`Measurement`] says which they are.
    ///
    /// # Errors
    /// When the pass fails.
    fn measure(&self, what: Measurement) -> Result<Vec<Tensor>>;
    /// The logits, `[n, classes]`, of the network on other images.
    ///
    /// # Errors
    /// When the images do not fit the network.
    fn forward(&self, images: &Tensor) -> Result<Tensor>;
    /// True if the score is no longer wanted.
    fn cancelled(&self) -> bool;
}

struct Lent<N>(N);

impl<N: HostNetwork> FfiNetwork for Lent<N> {
    fn graph(&self) -> Document<'_> {
        self.0.graph_document().into()
    }

    fn measure(&self, what: Document<'_>) -> FfiResult<RVec<OwnedTensor>> {
        guard::run(|| {
            let tensors = self.0.measure(document::decode(what.as_slice())?)?;
            Ok(tensors.into_iter().map(OwnedTensor::new).collect())
        })
    }

    fn forward(&self, images: OwnedTensor) -> FfiResult<OwnedTensor> {
        guard::run(|| Ok(OwnedTensor::new(self.0.forward(&images.into_tensor())?)))
    }

    fn cancelled(&self) -> bool {
        self.0.cancelled()
    }
}

/// The host's network in the form in which an estimator borrows it.
pub struct NetworkHandle(NetworkTable);

impl std::fmt::Debug for NetworkHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("NetworkHandle")
    }
}

impl NetworkHandle {
    /// Wraps the host's network for one call of an estimator.
    pub fn lend(network: impl HostNetwork) -> Self {
        Self(FfiNetwork_TO::from_value(Lent(network), TD_Opaque))
    }

    pub(crate) fn from_table(table: NetworkTable) -> Self {
        Self(table)
    }

    pub(crate) fn into_table(self) -> NetworkTable {
        self.0
    }
}

impl Lender for NetworkHandle {
    fn graph(&self) -> Result<Rc<Graph>> {
        graph::read(self.0.graph().as_slice())
    }

    fn measure(&self, what: Measurement) -> Result<Vec<Tensor>> {
        let tensors = guard::receive(self.0.measure(document::encode(&what).as_slice().into()))?;
        Ok(tensors.into_iter().map(OwnedTensor::into_tensor).collect())
    }

    fn forward(&self, images: &Tensor) -> Result<Tensor> {
        let output = self.0.forward(OwnedTensor::new(images.shallow_clone()));
        guard::receive(output).map(OwnedTensor::into_tensor)
    }

    fn cancelled(&self) -> bool {
        self.0.cancelled()
    }
}

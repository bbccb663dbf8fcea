//! The network object that the host lends to an estimator for one call.

use super::{
    document,
    guard::{self, FfiResult},
    tensor::OwnedTensor,
};
use crate::{Measurement, Result};
use abi_stable::{
    sabi_trait,
    sabi_trait::TD_Opaque,
    std_types::{RBox, RSlice, RVec},
};
use tch::Tensor;

/// Implemented by the host; called by the sdk's [`Network`](crate::Network).
pub trait HostNetwork: 'static {
    /// The graph document.
    fn graph_document(&self) -> Vec<u8>;
    /// The tensors of a measurement, see [`Measurement`] for which.
    ///
    /// # Errors
    /// When the pass fails.
    fn measure(&self, what: Measurement) -> Result<Vec<Tensor>>;
    /// The network on other images.
    ///
    /// # Errors
    /// When they do not fit.
    fn forward(&self, images: &Tensor) -> Result<Tensor>;
    /// Whether the score is not wanted any more.
    fn cancelled(&self) -> bool;
}

#[sabi_trait]
pub trait FfiNetwork {
    fn graph(&self) -> RVec<u8>;
    fn measure(&self, what: RSlice<'_, u8>) -> FfiResult<RVec<OwnedTensor>>;
    fn forward(&self, images: OwnedTensor) -> FfiResult<OwnedTensor>;
    #[sabi(last_prefix_field)]
    fn cancelled(&self) -> bool;
}

struct Lent<N>(N);

impl<N: HostNetwork> FfiNetwork for Lent<N> {
    fn graph(&self) -> RVec<u8> {
        self.0.graph_document().into()
    }

    fn measure(&self, what: RSlice<'_, u8>) -> FfiResult<RVec<OwnedTensor>> {
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

/// Safe face of the host's network object.
pub struct NetworkHandle(FfiNetwork_TO<'static, RBox<()>>);

impl std::fmt::Debug for NetworkHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("NetworkHandle")
    }
}

impl NetworkHandle {
    /// Wraps the host's object for one call.
    pub fn lend(network: impl HostNetwork) -> Self {
        Self(FfiNetwork_TO::from_value(Lent(network), TD_Opaque))
    }

    pub(crate) fn from_ffi(ffi: FfiNetwork_TO<'static, RBox<()>>) -> Self {
        Self(ffi)
    }

    pub(crate) fn into_ffi(self) -> FfiNetwork_TO<'static, RBox<()>> {
        self.0
    }

    pub(crate) fn graph(&self) -> Vec<u8> {
        self.0.graph().into_vec()
    }

    pub(crate) fn measure(&self, what: Measurement) -> Result<Vec<Tensor>> {
        let tensors = guard::receive(self.0.measure(document::encode(&what).as_slice().into()))?;
        Ok(tensors.into_iter().map(OwnedTensor::into_tensor).collect())
    }

    pub(crate) fn forward(&self, images: &Tensor) -> Result<Tensor> {
        let output = self.0.forward(OwnedTensor::new(images.shallow_clone()));
        guard::receive(output).map(OwnedTensor::into_tensor)
    }

    pub(crate) fn cancelled(&self) -> bool {
        self.0.cancelled()
    }
}

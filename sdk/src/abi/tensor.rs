//! Tensors as handles: a pointer to an `at::Tensor` of the one libtorch that
//! host and plugin share.

use abi_stable::StableAbi;
use std::{ffi::c_void, mem::ManuallyDrop};
use tch::Tensor;

/// A tensor on its way across the boundary, owned by the holder of the
/// handle.
#[repr(transparent)]
#[derive(Debug, StableAbi)]
pub struct OwnedTensor(*mut c_void);

impl OwnedTensor {
    /// Gives ownership of a tensor to the handle.
    pub fn new(tensor: Tensor) -> Self {
        let tensor = ManuallyDrop::new(tensor);
        // The const pointer is torch-sys's; ownership moves with the handle.
        Self(tensor.as_ptr().cast_mut().cast())
    }

    /// Takes ownership of the tensor from the handle.
    pub fn into_tensor(self) -> Tensor {
        let handle = ManuallyDrop::new(self);
        // SAFETY: `new` made the pointer from a live tensor whose ownership it
        // gave up, and `self` is not dropped.
        unsafe { Tensor::from_ptr(handle.0.cast()) }
    }
}

impl Drop for OwnedTensor {
    fn drop(&mut self) {
        // SAFETY: as in `into_tensor`; a handle that nobody took is freed once.
        drop(unsafe { Tensor::from_ptr(self.0.cast()) });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tensor_survives_the_crossing_with_its_graph() {
        let x = Tensor::from_slice(&[1.0f64, 2.0]).set_requires_grad(true);
        let y = OwnedTensor::new(&x * &x).into_tensor();
        y.sum(tch::Kind::Double).backward();
        assert_eq!(Vec::<f64>::try_from(x.grad()).unwrap(), [2.0, 4.0]);
        drop(OwnedTensor::new(x));
    }
}

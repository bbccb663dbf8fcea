//! Restores what a plugin may have changed in the one libtorch: grad mode, the number of threads,
//! and on a GPU what its results depend on ([`cuda`]). Without this, a panic inside `tch::no_grad` would leave
//! autograd off on its thread, and every later estimator would silently get no
//! gradients.

use crate::cuda;

/// Switches grad mode on and restores the thread count and the exactness of a GPU when dropped.
#[derive(Debug)]
pub struct TorchState {
    threads: i32,
}

impl TorchState {
    /// Seeds torch's generator with `seed` and remembers the thread count.
    pub fn protect(seed: i64) -> Self {
        tch::manual_seed(seed);
        Self { threads: tch::get_num_threads() }
    }
}

impl Drop for TorchState {
    fn drop(&mut self) {
        // SAFETY: sets a thread-local flag of libtorch; any value is valid.
        unsafe { torch_sys::at_grad_set_enabled(1) };
        if tch::get_num_threads() != self.threads {
            tch::set_num_threads(self.threads);
        }
        cuda::compute_exactly();
    }
}

/// Keeps autograd on until dropped, then restores the caller's mode.
#[derive(Debug)]
pub struct GradOn {
    before: bool,
}

impl GradOn {
    /// Switches autograd on.
    #[expect(clippy::new_without_default, reason = "a guard is made for its effect")]
    pub fn new() -> Self {
        // SAFETY: sets a thread-local flag of libtorch; any value is valid.
        Self { before: unsafe { torch_sys::at_grad_set_enabled(1) } != 0 }
    }
}

impl Drop for GradOn {
    fn drop(&mut self) {
        // SAFETY: as in `new`.
        unsafe { torch_sys::at_grad_set_enabled(self.before.into()) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tch::Tensor;

    #[test]
    fn grad_mode_and_threads_are_put_back_after_a_panic_in_no_grad() {
        let device = crate::test_device::device();
        tch::set_num_threads(1);
        let outcome = std::panic::catch_unwind(|| {
            let _state = TorchState::protect(0);
            tch::set_num_threads(2);
            tch::no_grad(|| panic!("as an estimator might"))
        });
        assert!(outcome.is_err());
        assert_eq!(tch::get_num_threads(), 1);
        let x = Tensor::from(1.0f64).to_device(device).set_requires_grad(true);
        assert!((&x * 2.0).requires_grad());
    }
}

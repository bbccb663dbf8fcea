//! Gradients by torch's autograd, for estimators with a pass of their own.

use crate::{Error, Result};
use tch::Tensor;

/// Gradients of the sum of `output` with respect to each of `inputs`; zeros where it
/// does not depend on one.
///
/// # Errors
/// When `output` does not require grad, which would crash libtorch, or autograd fails.
pub fn gradients(output: &Tensor, inputs: &[&Tensor]) -> Result<Vec<Tensor>> {
    backward(output, inputs, false)
}

/// Like [`gradients`], but the results can be differentiated again.
///
/// # Errors
/// As [`gradients`].
pub fn differentiable_gradients(output: &Tensor, inputs: &[&Tensor]) -> Result<Vec<Tensor>> {
    backward(output, inputs, true)
}

fn backward(output: &Tensor, inputs: &[&Tensor], again: bool) -> Result<Vec<Tensor>> {
    if !output.requires_grad() {
        return Err(Error::new("the output does not require grad, so it has no gradient"));
    }
    let gradients = Tensor::f_run_backward(&[output], inputs, true, again)?;
    let zero = |(gradient, input): (Tensor, &&Tensor)| match gradient.defined() {
        true => gradient,
        false => input.zeros_like(),
    };
    Ok(gradients.into_iter().zip(inputs).map(zero).collect())
}

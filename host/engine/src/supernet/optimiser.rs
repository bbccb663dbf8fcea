//! Stochastic gradient descent (SGD).

use osee_model::recipe::Recipe;
use osee_sdk::Result;
use tch::Tensor;

/// SGD with momentum, weight decay and clipping by the global norm, as torch
/// defines them: d = g + decay w; m = momentum m + d (first m = d); w -= lr m.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sgd {
    /// Learning rate of the step.
    pub learning_rate: f64,
    /// Share of the last step that is kept.
    pub momentum: f64,
    /// Share of the weights that is added to the gradient.
    pub weight_decay: f64,
    /// Largest norm of the gradient; a longer one is scaled to it. 0 for no clipping.
    pub max_norm: f64,
}

impl Sgd {
    /// The optimiser of a recipe, with this epoch's learning rate.
    pub fn new(recipe: &Recipe, learning_rate: f64) -> Self {
        let Recipe { momentum, weight_decay, max_norm, .. } = *recipe;
        Self { learning_rate, momentum, weight_decay, max_norm }
    }

    /// The factor for gradients of this norm; `None` if they are not clipped.
    pub(crate) fn clip(&self, norm: f64) -> Option<f64> {
        let scale = self.max_norm / (norm + 1e-6);
        (self.max_norm > 0.0 && scale < 1.0).then_some(scale)
    }

    pub(crate) fn step(
        &self,
        value: &mut Tensor,
        mut gradient: Tensor,
        momentum: &mut Option<Tensor>,
    ) -> Result<()> {
        if self.weight_decay != 0.0 {
            gradient = gradient.f_add_(&value.f_mul_scalar(self.weight_decay)?)?;
        }
        if self.momentum != 0.0 {
            gradient = match momentum.take() {
                Some(mut buffer) => buffer.f_mul_scalar_(self.momentum)?.f_add_(&gradient)?,
                None => gradient,
            };
            *momentum = Some(gradient.shallow_clone());
        }
        let _ = value.f_sub_(&gradient.f_mul_scalar(self.learning_rate)?)?;
        Ok(())
    }
}

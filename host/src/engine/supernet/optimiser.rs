//! Stochastic gradient descent and its learning rate.

use osee_sdk::Result;
use serde::{Deserialize, Serialize};
use tch::Tensor;

/// SGD with momentum, weight decay and clipping by the global norm, as torch
/// defines them: d = g + decay w; m = momentum m + d (first m = d); w -= lr m.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Sgd {
    /// Learning rate.
    pub learning_rate: f64,
    /// Share of the last step that is kept.
    pub momentum: f64,
    /// Share of the weights that is added to the gradient.
    pub weight_decay: f64,
    /// Largest norm of the whole gradient; longer ones are scaled to it.
    pub max_norm: Option<f64>,
}

impl Sgd {
    /// What gradients of this norm are multiplied with; `None` for nothing.
    pub(super) fn clip(&self, norm: f64) -> Option<f64> {
        let scale = self.max_norm? / (norm + 1e-6);
        (scale < 1.0).then_some(scale)
    }

    pub(super) fn step(
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

/// How the learning rate changes from epoch to epoch.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", deny_unknown_fields, rename_all = "kebab-case")]
pub enum Schedule {
    /// It does not.
    Constant,
    /// Half a cosine from the first rate to `last` over all epochs.
    Cosine {
        /// The rate at the end.
        last: f64,
    },
    /// Multiplied by `factor` after more than `patience` epochs in which the
    /// training loss did not fall by a ten-thousandth.
    Plateau {
        /// Multiplied with.
        factor: f64,
        /// Epochs without progress that are borne.
        patience: u32,
    },
}

/// A schedule under way; part of a checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Plateau {
    rate: f64,
    best: Option<f64>,
    bad: u32,
}

impl Schedule {
    /// Its state before the first epoch.
    pub fn start(self, first: f64) -> Plateau {
        Plateau { rate: first, best: None, bad: 0 }
    }

    /// The rate of epoch `epoch` of `epochs`, from 0.
    pub fn rate(self, first: f64, state: &Plateau, epoch: u32, epochs: u32) -> f64 {
        match self {
            Self::Constant => first,
            Self::Cosine { last } => {
                let part = f64::from(epoch) / f64::from(epochs.max(1));
                last + (first - last) * 0.5 * (1.0 + (std::f64::consts::PI * part).cos())
            }
            Self::Plateau { .. } => state.rate,
        }
    }

    /// Takes note of an epoch's mean training loss.
    pub fn observe(self, state: &mut Plateau, loss: f64) {
        let Self::Plateau { factor, patience } = self else { return };
        if state.best.is_none_or(|best| loss < best * (1.0 - 1e-4)) {
            state.best = Some(loss);
            state.bad = 0;
            return;
        }
        state.bad += 1;
        if state.bad > patience {
            state.rate *= factor;
            state.bad = 0;
        }
    }
}

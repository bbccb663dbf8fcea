//! How the learning rate changes from epoch to epoch.

use serde::{Deserialize, Serialize};

/// A learning-rate schedule.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", deny_unknown_fields, rename_all = "kebab-case")]
pub enum Schedule {
    /// It does not change.
    Constant,
    /// Half a cosine from the first rate to `last` over all epochs
    /// (Loshchilov & Hutter 2017, without restarts).
    Cosine {
        /// The rate at the end.
        last: f64,
    },
    /// Multiplied by `factor` after more than `patience` epochs in which the
    /// training loss did not fall by a ten-thousandth of the least so far.
    Plateau {
        /// Multiplied with.
        factor: f64,
        /// Epochs without progress that are borne.
        patience: u32,
    },
}

/// A schedule under way; part of a checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    rate: f64,
    best: Option<f64>,
    bad: u32,
}

impl Schedule {
    /// Its state before the first epoch.
    pub fn start(self, first: f64) -> Progress {
        Progress { rate: first, best: None, bad: 0 }
    }

    /// The rate of epoch `epoch` of `epochs`, from 0.
    pub fn rate(self, first: f64, state: &Progress, epoch: u32, epochs: u32) -> f64 {
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
    pub fn observe(self, state: &mut Progress, loss: f64) {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plateau_halves_the_rate_after_its_patience() {
        let schedule = Schedule::Plateau { factor: 0.5, patience: 2 };
        let mut state = schedule.start(0.1);
        let rates: Vec<f64> = [2.0, 1.0, 1.0, 0.99999, 1.0, 0.9, 0.8]
            .into_iter()
            .map(|loss| {
                schedule.observe(&mut state, loss);
                schedule.rate(0.1, &state, 0, 100)
            })
            .collect();
        assert_eq!(rates, [0.1, 0.1, 0.1, 0.1, 0.05, 0.05, 0.05]);
    }

    #[test]
    fn a_cosine_is_half_way_down_in_the_middle() {
        let cosine = Schedule::Cosine { last: 0.0 };
        let state = cosine.start(0.1);
        assert!((cosine.rate(0.1, &state, 50, 100) - 0.05).abs() < 1e-12);
        assert_eq!(cosine.rate(0.1, &state, 0, 100), 0.1);
    }
}

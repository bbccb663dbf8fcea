//! How the learning rate changes from epoch to epoch.

use serde::{Deserialize, Serialize};

/// A learning-rate schedule.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", deny_unknown_fields, rename_all = "kebab-case")]
pub enum Schedule {
    /// The rate never changes.
    Constant,
    /// Half a cosine from the first rate to `last` over all epochs (Loshchilov & Hutter 2017,
    /// without restarts).
    Cosine {
        /// The rate that the cosine ends at.
        last: f64,
    },
    /// The rate is multiplied by `factor` after more than `patience` epochs in which the training
    /// loss did not fall below its minimum so far by a ten-thousandth of it.
    Plateau {
        /// Factor of the rate, above 0 and below 1.
        factor: f64,
        /// Number of epochs without progress that are tolerated.
        patience: u32,
    },
}

/// State of a schedule during a training; part of a checkpoint.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    rate: f64,
    best: Option<f64>,
    bad: u32,
}

impl Schedule {
    /// The state before the first epoch, whose rate is `first`.
    pub fn start(self, first: f64) -> Progress {
        Progress { rate: first, best: None, bad: 0 }
    }

    /// The rate of epoch `epoch`, counted from 0, of `epochs`.
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

    /// Refuses a schedule that would never change the rate in `epochs` epochs that begin with
    /// `first`, or whose numbers give no valid rate.
    ///
    /// # Errors
    /// A text that says what is allowed.
    pub fn check(self, first: f64, epochs: u32) -> Result<(), String> {
        match self {
            Self::Constant => Ok(()),
            Self::Cosine { last } if !(0.0..first).contains(&last) => {
                Err(format!("`last` of a cosine is a rate from 0, and below the first, {first}"))
            }
            Self::Cosine { .. } if epochs < 2 => {
                Err("a cosine changes something from two epochs on".to_owned())
            }
            Self::Cosine { .. } => Ok(()),
            Self::Plateau { factor, .. } if !(factor > 0.0 && factor < 1.0) => {
                Err("`factor` is above 0 and below 1".to_owned())
            }
            // The first epoch sets the minimum, `patience` epochs are tolerated, one more changes
            // the rate, and at least one must follow with the new rate.
            Self::Plateau { patience, .. } => match epochs.checked_sub(3) {
                None => Err("a plateau needs at least three epochs to change anything".to_owned()),
                Some(most) if patience > most => Err(format!(
                    "`patience` is at most {most} in {epochs} epochs, for the rate to change at all"
                )),
                Some(_) => Ok(()),
            },
        }
    }

    /// Updates the state with an epoch's mean training loss.
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

    /// Computed with the schedule itself: if the loss never falls, the largest allowed patience
    /// changes the last epoch's rate, and a larger one changes no rate.
    #[test]
    fn the_most_patience_is_the_most_that_changes_a_rate() {
        for epochs in 3..12 {
            let rates = |patience| -> Vec<f64> {
                let schedule = Schedule::Plateau { factor: 0.5, patience };
                let mut state = schedule.start(0.1);
                let rate = |epoch| {
                    let rate = schedule.rate(0.1, &state, epoch, epochs);
                    schedule.observe(&mut state, 1.0);
                    rate
                };
                (0..epochs).map(rate).collect()
            };
            let plateau = |patience| Schedule::Plateau { factor: 0.5, patience };
            let most = epochs - 3;
            assert!(plateau(most).check(0.1, epochs).is_ok());
            assert_eq!(rates(most).last(), Some(&0.05), "{epochs}");
            assert!(plateau(most + 1).check(0.1, epochs).is_err());
            assert!(rates(most + 1).iter().all(|rate| *rate == 0.1), "{epochs}");
        }
    }

    #[test]
    fn a_cosine_is_half_way_down_in_the_middle() {
        let cosine = Schedule::Cosine { last: 0.0 };
        let state = cosine.start(0.1);
        assert!((cosine.rate(0.1, &state, 50, 100) - 0.05).abs() < 1e-12);
        assert_eq!(cosine.rate(0.1, &state, 0, 100), 0.1);
    }
}

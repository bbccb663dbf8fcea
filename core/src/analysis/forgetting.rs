//! Multi-model forgetting (section 5.3): how training other architectures changes the accuracy of
//! one.

use super::{AnalysisError, Bins, Distribution, same_length};
use serde::Serialize;

/// Accuracies of the architectures that were trained in one epoch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EpochAccuracies<'a> {
    /// Number of the epoch.
    pub epoch: u64,
    /// acc1: accuracy right after the architecture's own step.
    pub after_step: &'a [f64],
    /// acc2: accuracy after all steps of the epoch.
    pub after_epoch: &'a [f64],
}

/// Forgetting in one epoch.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EpochForgetting {
    /// Number of the epoch.
    pub epoch: u64,
    /// FV = acc2 - acc1, in the unit of the accuracies; negative where training others made an
    /// architecture worse.
    pub values: Distribution,
    /// Share of finite values below 0; `None` without finite values.
    pub forgotten: Option<f64>,
}

/// Forgetting values per epoch. With [`Bins::Range`] the histograms of epochs can be compared.
///
/// # Errors
/// If the two columns of an epoch differ in length.
pub fn forgetting(
    epochs: &[EpochAccuracies<'_>],
    bins: Bins,
) -> Result<Vec<EpochForgetting>, AnalysisError> {
    let one = |it: &EpochAccuracies<'_>| {
        same_length("accuracy after the epoch", it.after_epoch.len(), it.after_step.len())?;
        let fv: Vec<f64> = it.after_epoch.iter().zip(it.after_step).map(|(b, a)| b - a).collect();
        let values = Distribution::of(&fv, bins);
        let below = fv.iter().filter(|v| v.is_finite() && **v < 0.0).count();
        let forgotten = (values.count > 0).then(|| below as f64 / values.count as f64);
        Ok(EpochForgetting { epoch: it.epoch, values, forgotten })
    };
    epochs.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lost_accuracy_is_a_negative_value() {
        let (after_step, after_epoch) = ([0.5, 0.5, 0.5], [0.25, 0.75, f64::NAN]);
        let epoch =
            EpochAccuracies { epoch: 7, after_step: &after_step, after_epoch: &after_epoch };
        let found = forgetting(&[epoch], Bins::Fit(2)).unwrap();
        let [EpochForgetting { epoch: 7, values, forgotten: Some(0.5) }] = found.as_slice() else {
            panic!("{found:?}")
        };
        assert_eq!((values.mean, values.std, values.failures), (Some(0.0), Some(0.25), 1));
    }
}

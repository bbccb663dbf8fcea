//! Criteria over the course of training (section 4.1, figure 1).

use super::{AnalysisError, Checkpoint, judged};
use crate::{
    criteria::{
        Compat, TieAware, kendall_tau_b, spearman,
        top_k::{End, Orders},
    },
    mean::mean,
};
use serde::Serialize;

/// Criteria at one checkpoint; `None` where undefined (a constant column, or K * M < 1).
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TrendPoint {
    /// Number of epochs trained.
    pub epoch: u64,
    /// Kendall's tau-b.
    pub kd: Option<f64>,
    /// Spearman's rho.
    pub spearman: Option<f64>,
    /// P@top5%: share of the predicted top 5 % that is truly there.
    pub p_top_5: Option<TieAware>,
    /// P@bottom5%: share of the predicted bottom 5 % that is truly there.
    pub p_bottom_5: Option<TieAware>,
    /// BR@1%: best true rank in the predicted top 1 %, over M.
    pub br_1: Option<TieAware>,
    /// WR@5%: worst true rank in the predicted top 5 %, over M.
    pub wr_5: Option<TieAware>,
    /// Mean over the finite scores, in their unit.
    pub mean_score: Option<f64>,
    /// Number of NaN scores.
    pub failures: usize,
}

/// Criteria at each checkpoint.
///
/// # Errors
/// If columns differ in length, or a truth is not finite.
pub fn trend(
    checkpoints: &[Checkpoint<'_>],
    truths: &[f64],
) -> Result<Vec<TrendPoint>, AnalysisError> {
    checkpoints.iter().map(|checkpoint| point(checkpoint, truths)).collect()
}

fn point(checkpoint: &Checkpoint<'_>, truths: &[f64]) -> Result<TrendPoint, AnalysisError> {
    let Checkpoint { epoch, scores } = *checkpoint;
    judged(scores, truths)?;
    let orders = Orders::new(scores, truths, Compat::Osee);
    let k = |ratio: f64| Some((truths.len() as f64 * ratio) as usize).filter(|k| *k >= 1);
    let finite: Vec<f64> = scores.iter().copied().filter(|score| score.is_finite()).collect();
    let some = !finite.is_empty();
    Ok(TrendPoint {
        epoch,
        kd: kendall_tau_b(scores, truths),
        spearman: spearman(scores, truths),
        p_top_5: k(0.05).map(|k| orders.precision(k, End::Top)),
        p_bottom_5: k(0.05).map(|k| orders.precision(k, End::Bottom)),
        br_1: k(0.01).map(|k| orders.best_rank(k)),
        wr_5: k(0.05).map(|k| orders.worst_rank(k)),
        mean_score: some.then(|| mean(&finite)),
        failures: scores.iter().filter(|score| score.is_nan()).count(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn training_from_noise_to_truth_rises() {
        let truth: Vec<f64> = (0..100).map(f64::from).collect();
        let constant = vec![0.1; 100];
        let at = |epoch, scores| Checkpoint { epoch, scores };
        let points = trend(&[at(0, constant.as_slice()), at(1, &truth)], &truth).unwrap();
        assert_eq!((points[0].kd, points[0].spearman, points[1].kd), (None, None, Some(1.0)));
        // A constant score picks 5 of 100 at random.
        assert!((points[0].p_top_5.unwrap().expected - 0.05).abs() < 1e-12);
        assert_eq!(points[1].br_1.unwrap().value, 0.01);
        assert_eq!(points[1].mean_score, Some(49.5));
    }
}

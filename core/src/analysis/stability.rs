//! Ranking stability (section 5.3): the scores of one checkpoint as the prediction, those of a
//! later one as the truth.

use super::{AnalysisError, at_least, same_length};
use crate::criteria::{
    Compat, TieAware, kendall_tau_b,
    top_k::{End, Orders},
};
use serde::Serialize;
use std::collections::BTreeMap;

/// Scores of all architectures with one state of a supernet.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Checkpoint<'a> {
    /// Number of epochs trained.
    pub epoch: u64,
    /// One score per architecture.
    pub scores: &'a [f64],
}

/// The paper's K of relative P@topK and P@bottomK, as shares of M.
pub const CHECKPOINT_RATIOS: [f64; 2] = [0.005, 0.05];

/// How much of a ranking persists.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Stability {
    /// relKD: tau-b; `None` where either side is constant.
    pub kd: Option<f64>,
    /// relP@topK by K; absent where K * M < 1.
    pub p_top: BTreeMap<String, TieAware>,
    /// relP@bottomK by K; absent where K * M < 1.
    pub p_bottom: BTreeMap<String, TieAware>,
}

/// Relative criteria of two score columns; failures rank last in both.
///
/// # Errors
/// If columns differ in length.
pub fn stability(
    earlier: &[f64],
    later: &[f64],
    ratios: &[f64],
) -> Result<Stability, AnalysisError> {
    same_length("later scores", later.len(), earlier.len())?;
    let orders = Orders::new(earlier, later, Compat::Osee);
    let table = |end| {
        let sized = ratios.iter().map(|ratio| (ratio, (earlier.len() as f64 * ratio) as usize));
        sized
            .filter(|(_, k)| (1..=earlier.len()).contains(k))
            .map(|(ratio, k)| (ratio.to_string(), orders.precision(k, end)))
            .collect()
    };
    Ok(Stability {
        kd: kendall_tau_b(earlier, later),
        p_top: table(End::Top),
        p_bottom: table(End::Bottom),
    })
}

/// Stability from one checkpoint to the next.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StabilityStep {
    /// Epoch of the scores that predict.
    pub from: u64,
    /// Epoch of the scores that count as truth.
    pub to: u64,
    /// The relative criteria.
    pub stability: Stability,
}

/// Compares every checkpoint with the next. For the mean of several supernets, pass their
/// [mean scores](super::mean_scores).
///
/// # Errors
/// If there are fewer than two checkpoints, or columns differ in length.
pub fn stability_steps(
    checkpoints: &[Checkpoint<'_>],
    ratios: &[f64],
) -> Result<Vec<StabilityStep>, AnalysisError> {
    at_least("checkpoints", checkpoints.len(), 2)?;
    let step = |pair: &[Checkpoint<'_>]| {
        let [from, to] = [pair[0], pair[1]];
        let stability = stability(from.scores, to.scores, ratios)?;
        Ok(StabilityStep { from: from.epoch, to: to.epoch, stability })
    };
    checkpoints.windows(2).map(step).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ranking_that_stays_is_stable_and_a_turned_one_is_not() {
        let up: Vec<f64> = (0..40).map(f64::from).collect();
        let down: Vec<f64> = up.iter().map(|s| -s).collect();
        let at = |epoch, scores| Checkpoint { epoch, scores };
        let steps = [at(1, up.as_slice()), at(2, &up), at(3, &down)];
        let steps = stability_steps(&steps, &CHECKPOINT_RATIOS).unwrap();
        let [same, turned] = steps.as_slice() else { panic!("two steps") };
        assert_eq!((same.from, same.to, same.stability.kd), (1, 2, Some(1.0)));
        assert_eq!((turned.stability.kd, turned.stability.p_top["0.05"].value), (Some(-1.0), 0.0));
        // 0.5 % of 40 architectures is less than one.
        assert!(!same.stability.p_top.contains_key("0.005"));
        assert!(stability_steps(&[at(1, up.as_slice())], &CHECKPOINT_RATIOS).is_err());
    }
}

//! All criteria of one estimator at once.

use super::{
    Bootstrap, TieAware, kendall_tau_a, kendall_tau_b, pearson,
    rank::dense,
    spearman,
    top_k::{End, Orders},
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Whose tie rule `value` follows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Compat {
    /// osee's: ties in input order.
    #[default]
    Osee,
    /// The study's published tables: a reversed ascending sort. Theirs was
    /// unstable besides, so a published number need only lie within
    /// [`TieAware`]'s range.
    Awnas,
}

/// What to compute.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CriteriaOptions {
    /// K of P@topK and P@bottomK, as shares of M.
    pub precision_ratios: Vec<f64>,
    /// K of BR@K and WR@K, as shares of M.
    pub rank_ratios: Vec<f64>,
    /// Tie rule.
    pub compat: Compat,
    /// Intervals.
    pub bootstrap: Bootstrap,
}

impl Default for CriteriaOptions {
    fn default() -> Self {
        Self {
            precision_ratios: vec![0.001, 0.005, 0.01, 0.05, 0.1, 0.5],
            rank_ratios: vec![0.001, 0.005, 0.01, 0.05, 0.1, 0.2],
            compat: Compat::Osee,
            bootstrap: Bootstrap::default(),
        }
    }
}

/// Why nothing can be judged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CriteriaError {
    /// Columns of different length.
    #[error("{scores} scores for {truths} truths")]
    Length {
        /// Scores.
        scores: usize,
        /// Truths.
        truths: usize,
    },
    /// Nothing to rank.
    #[error("a ranking needs at least two architectures, there are {0}")]
    TooFew(usize),
    /// Truth must be known.
    #[error("the truth of row {0} is not finite")]
    Truth(usize),
}

/// Every criterion; absent ratios have K * M < 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CriteriaReport {
    /// M.
    pub architectures: usize,
    /// NaN scores; they rank last.
    pub failures: usize,
    /// Distinct scores.
    pub distinct_scores: usize,
    /// Distinct truths.
    pub distinct_truths: usize,
    /// Kendall's tau-b.
    pub kd: Option<f64>,
    /// Its bootstrap interval.
    pub kd_ci: Option<[f64; 2]>,
    /// Kendall's tau-a.
    pub tau_a: Option<f64>,
    /// Spearman's rho.
    pub spearman: Option<f64>,
    /// Pearson's correlation, over the finite scores.
    pub lc: Option<f64>,
    /// The same of the scores' logarithms, if all finite ones are positive.
    pub log_lc: Option<f64>,
    /// P@topK by K.
    pub p_top: BTreeMap<String, TieAware>,
    /// P@bottomK by K.
    pub p_bottom: BTreeMap<String, TieAware>,
    /// BR@K by K.
    pub br: BTreeMap<String, TieAware>,
    /// WR@K by K.
    pub wr: BTreeMap<String, TieAware>,
    /// tau-b inside the predicted top K.
    pub kd_top: BTreeMap<String, Option<f64>>,
    /// tau-b inside the predicted bottom K.
    pub kd_bottom: BTreeMap<String, Option<f64>>,
}

/// Fewer cannot be ranked.
pub const MIN_ARCHITECTURES: usize = 2;

/// Judges scores (higher is better, NaN for a failure) by the truth.
///
/// # Errors
/// Columns of different length, fewer than two rows, or a truth that is not
/// finite.
pub fn evaluate(
    scores: &[f64],
    truths: &[f64],
    options: &CriteriaOptions,
) -> Result<CriteriaReport, CriteriaError> {
    let m = scores.len();
    if m != truths.len() {
        return Err(CriteriaError::Length { scores: m, truths: truths.len() });
    }
    if m < MIN_ARCHITECTURES {
        return Err(CriteriaError::TooFew(m));
    }
    if let Some(row) = truths.iter().position(|truth| !truth.is_finite()) {
        return Err(CriteriaError::Truth(row));
    }
    let finite: Vec<(f64, f64)> =
        scores.iter().copied().zip(truths.iter().copied()).filter(|(s, _)| s.is_finite()).collect();
    let (finite_scores, finite_truths): (Vec<f64>, Vec<f64>) = finite.into_iter().unzip();
    let positive = finite_scores.iter().all(|score| *score > 0.0);
    let logs: Vec<f64> = finite_scores.iter().map(|score| score.ln()).collect();

    let orders = Orders::new(scores, truths, options.compat == Compat::Awnas);
    let inside = |k, end| {
        let chosen = orders.chosen(k, end);
        let pick = |values: &[f64]| chosen.iter().map(|&at| values[at]).collect::<Vec<f64>>();
        kendall_tau_b(&pick(scores), &pick(truths))
    };
    let by_ratio = |ratios: &[f64]| -> Vec<(String, usize)> {
        // k = int(M * K), the study's floor.
        let sized = ratios.iter().map(|ratio| (ratio.to_string(), (m as f64 * ratio) as usize));
        sized.filter(|(_, k)| *k >= 1).collect()
    };
    let precision = by_ratio(&options.precision_ratios);
    let ranks = by_ratio(&options.rank_ratios);
    let table = |ks: &[(String, usize)], of: &dyn Fn(usize) -> TieAware| {
        ks.iter().map(|(name, k)| (name.clone(), of(*k))).collect::<BTreeMap<_, _>>()
    };
    let inner = |end| {
        precision
            .iter()
            .map(|(name, k)| (name.clone(), inside(*k, end)))
            .collect::<BTreeMap<_, _>>()
    };
    Ok(CriteriaReport {
        architectures: m,
        failures: scores.iter().filter(|score| score.is_nan()).count(),
        distinct_scores: dense(scores).1,
        distinct_truths: dense(truths).1,
        kd: kendall_tau_b(scores, truths),
        kd_ci: options.bootstrap.tau_b(scores, truths),
        tau_a: kendall_tau_a(scores, truths),
        spearman: spearman(scores, truths),
        lc: pearson(&finite_scores, &finite_truths),
        log_lc: if positive { pearson(&logs, &finite_truths) } else { None },
        p_top: table(&precision, &|k| orders.precision(k, End::Top)),
        p_bottom: table(&precision, &|k| orders.precision(k, End::Bottom)),
        br: table(&ranks, &|k| orders.best_rank(k)),
        wr: table(&ranks, &|k| orders.worst_rank(k)),
        kd_top: inner(End::Top),
        kd_bottom: inner(End::Bottom),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_perfect_ranking_is_perfect_by_every_criterion() {
        let truth: Vec<f64> = (0..200).map(f64::from).collect();
        let report = evaluate(&truth, &truth, &CriteriaOptions::default()).unwrap();
        assert_eq!((report.kd, report.kd_ci), (Some(1.0), Some([1.0, 1.0])));
        assert_eq!(report.p_top["0.05"].value, 1.0);
        assert_eq!(report.br["0.05"].value, 1.0 / 200.0);
        assert_eq!(report.wr["0.05"].value, 10.0 / 200.0);
        // 0.1% of 200 is no architecture.
        assert!(!report.p_top.contains_key("0.001"));
    }

    #[test]
    fn failures_rank_last_and_are_counted() {
        let truth = [1.0, 2.0, 3.0, 4.0];
        let report = evaluate(&[f64::NAN, -1e9, 0.0, 1.0], &truth, &CriteriaOptions::default());
        let report = report.unwrap();
        assert_eq!((report.kd, report.failures, report.lc.is_some()), (Some(1.0), 1, true));
    }

    #[test]
    fn unknown_truth_is_refused() {
        let wrong = evaluate(&[1.0, 2.0], &[1.0, f64::NAN], &CriteriaOptions::default());
        assert_eq!(wrong, Err(CriteriaError::Truth(1)));
    }
}

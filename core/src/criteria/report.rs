//! All criteria of one estimator at once.

use super::{
    Bootstrap, Compat, NoInterval, TieAware,
    correlation::RankedPair,
    independence,
    ndcg::ndcg,
    pearson,
    rank::dense,
    spearman,
    top_k::{End, Orders},
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Which criteria are computed, and how.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CriteriaOptions {
    /// The K of P@topK and P@bottomK, as shares of M.
    pub precision_ratios: Vec<f64>,
    /// The K of BR@K and WR@K, as shares of M.
    pub rank_ratios: Vec<f64>,
    /// The rule by which ties are broken for the reported numbers.
    pub compat: Compat,
    /// How intervals are resampled; its seed also draws tie-breakings.
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

/// Why scores cannot be judged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CriteriaError {
    /// Scores and truths differ in number.
    #[error("{scores} scores for {truths} truths")]
    Length {
        /// Number of scores.
        scores: usize,
        /// Number of truths.
        truths: usize,
    },
    /// There are too few architectures to rank; their number.
    #[error("a ranking needs at least two architectures, there are {0}")]
    TooFew(usize),
    /// A truth is not finite; its row, from 0.
    #[error("the truth of row {0} is not finite")]
    Truth(usize),
}

/// All criteria of one estimator; ratios with K * M < 1 are absent from the maps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CriteriaReport {
    /// Number of architectures, M.
    pub architectures: usize,
    /// Number of NaN scores; they rank last.
    pub failures: usize,
    /// Number of distinct scores; failures are one.
    pub distinct_scores: usize,
    /// Share of the scored architectures whose score is the highest of all.
    pub at_highest: f64,
    /// Number of distinct truths.
    pub distinct_truths: usize,
    /// Kendall's tau-b; `None` if scores or truths are constant.
    pub kd: Option<f64>,
    /// Interval of tau-b: see [`Bootstrap::tau_b`].
    pub kd_ci: Option<[f64; 2]>,
    /// Why tau-b has no interval; `None` if it has one.
    pub kd_ci_missing: Option<NoInterval>,
    /// Two-sided p-value of tau-b against 0: see [`kendall_p_value`](super::kendall_p_value).
    pub kd_p: Option<f64>,
    /// Kendall's tau-a; ties count as neither.
    pub tau_a: Option<f64>,
    /// Spearman's rho; `None` if scores or truths are constant.
    pub spearman: Option<f64>,
    /// Pearson's correlation over the finite scores.
    pub lc: Option<f64>,
    /// Pearson's correlation with the logarithms of the finite scores; `None` unless all are
    /// positive.
    pub log_lc: Option<f64>,
    /// P@topK by K.
    pub p_top: BTreeMap<String, TieAware>,
    /// P@bottomK by K.
    pub p_bottom: BTreeMap<String, TieAware>,
    /// BR@K by K.
    pub br: BTreeMap<String, TieAware>,
    /// WR@K by K.
    pub wr: BTreeMap<String, TieAware>,
    /// nDCG@K by K, see [`ndcg`](super::ndcg); `None` if the truth is no accuracy.
    pub ndcg: BTreeMap<String, Option<f64>>,
    /// tau-b inside the predicted top K; `None` where scores or truths are all equal there. If
    /// there are more than 1,000 tie-breakings, 1,000 are drawn.
    pub kd_top: BTreeMap<String, Option<TieAware>>,
    /// tau-b inside the predicted bottom K, computed likewise.
    pub kd_bottom: BTreeMap<String, Option<TieAware>>,
}

/// The smallest number of architectures that can be ranked.
pub const MIN_ARCHITECTURES: usize = 2;

/// Judges scores (higher is better, NaN for a failure) by the truth.
///
/// # Errors
/// If columns differ in length, there are fewer than two rows, or a truth is not finite.
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

    let orders = Orders::new(scores, truths, options.compat);
    let seed = options.bootstrap.seed;
    let by_ratio = |ratios: &[f64]| -> Vec<(String, usize)> {
        // k = int(M * K), rounded down as in the paper.
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
            .map(|(name, k)| (name.clone(), orders.kd_inside(*k, end, seed)))
            .collect::<BTreeMap<_, _>>()
    };
    let pair = RankedPair::new(scores, truths);
    let (pairs, interval) = (pair.pairs(), options.bootstrap.of(&pair));
    Ok(CriteriaReport {
        architectures: m,
        failures: scores.iter().filter(|score| score.is_nan()).count(),
        distinct_scores: dense(scores).1,
        at_highest: at_highest(&finite_scores),
        distinct_truths: dense(truths).1,
        kd: pairs.tau_b(),
        kd_ci: interval.ok(),
        kd_ci_missing: interval.err(),
        kd_p: independence::of(&pair, scores, truths),
        tau_a: pairs.tau_a(),
        spearman: spearman(scores, truths),
        lc: pearson(&finite_scores, &finite_truths),
        log_lc: if positive { pearson(&logs, &finite_truths) } else { None },
        p_top: table(&precision, &|k| orders.precision(k, End::Top)),
        p_bottom: table(&precision, &|k| orders.precision(k, End::Bottom)),
        br: table(&ranks, &|k| orders.best_rank(k)),
        wr: table(&ranks, &|k| orders.worst_rank(k)),
        ndcg: precision.iter().map(|(name, k)| (name.clone(), ndcg(scores, truths, *k))).collect(),
        kd_top: inner(End::Top),
        kd_bottom: inner(End::Bottom),
    })
}

impl CriteriaReport {
    /// Number of distinct scores over the number of architectures with one.
    pub fn distinct_share(&self) -> f64 {
        let failed = usize::from(self.failures > 0);
        let scored = self.architectures - self.failures;
        (self.distinct_scores - failed) as f64 / scored.max(1) as f64
    }
}

/// The share of scores that are the highest.
fn at_highest(scores: &[f64]) -> f64 {
    let highest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let count = scores.iter().filter(|score| **score == highest).count();
    count as f64 / scores.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_perfect_ranking_is_perfect_by_every_criterion() {
        let truth: Vec<f64> = (0..200).map(f64::from).collect();
        let report = evaluate(&truth, &truth, &CriteriaOptions::default()).unwrap();
        // Whether other architectures would be ranked as well is unknown.
        assert_eq!((report.kd, report.kd_ci), (Some(1.0), None));
        assert_eq!(report.kd_ci_missing, Some(NoInterval::AllAlike));
        assert_eq!(report.p_top["0.05"].value, 1.0);
        assert_eq!(report.br["0.05"].value, 1.0 / 200.0);
        assert_eq!(report.wr["0.05"].value, 10.0 / 200.0);
        // 0.1% of 200 architectures is less than one.
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
    fn two_architectures_promise_nothing() {
        let report = evaluate(&[1.0, 2.0], &[1.0, 2.0], &CriteriaOptions::default()).unwrap();
        assert_eq!((report.kd, report.kd_ci, report.kd_p), (Some(1.0), None, Some(1.0)));
        let few = NoInterval::TooFew { architectures: 2, needed: 9 };
        assert_eq!(report.kd_ci_missing, Some(few));
    }

    type Rows = Vec<(i32, i32)>;

    fn columns(rows: &Rows) -> (Vec<f64>, Vec<f64>) {
        // Some scores fail, and the others are not round numbers.
        let score = |s: i32| if s == 0 { f64::NAN } else { f64::from(s) * 1.7 - 3.0 };
        rows.iter().map(|(s, t)| (score(*s), f64::from(*t) / 7.0)).unzip()
    }

    fn text(scores: &[f64], truths: &[f64]) -> String {
        let bootstrap = Bootstrap { resamples: 40, ..Bootstrap::default() };
        let options = CriteriaOptions {
            precision_ratios: vec![0.05, 0.3, 0.5],
            rank_ratios: vec![0.05, 0.3, 0.5],
            bootstrap,
            ..CriteriaOptions::default()
        };
        // The text shows every digit.
        format!("{:?}", evaluate(scores, truths, &options).unwrap())
    }

    proptest! {
        #[test]
        fn the_order_of_rows_changes_nothing(
            (rows, shuffled) in prop::collection::vec((0i32..9, 0i32..9), 2..60)
                .prop_flat_map(|rows| (Just(rows.clone()), Just(rows).prop_shuffle()))
        ) {
            let ((a, b), (c, d)) = (columns(&rows), columns(&shuffled));
            prop_assert_eq!(text(&a, &b), text(&c, &d));
        }

        #[test]
        fn a_constant_added_to_all_scores_changes_nothing(
            rows in prop::collection::vec((1i32..40, 0i32..40), 2..60),
            constant in 0i32..1000,
        ) {
            let (scores, truths): (Vec<f64>, Vec<f64>) =
                rows.iter().map(|(s, t)| (f64::from(*s) / 8.0, f64::from(*t))).unzip();
            let moved: Vec<f64> = scores.iter().map(|s| s + f64::from(constant) / 4.0).collect();
            // The correlation with logarithms does change, so it is left out.
            let of = |scores: &[f64]| {
                let text = text(scores, &truths);
                let (before, rest) = text.split_once("log_lc").unwrap();
                before.to_owned() + rest.split_once("p_top").unwrap().1
            };
            prop_assert_eq!(of(&scores), of(&moved));
        }
    }

    #[test]
    fn unknown_truth_is_refused() {
        let wrong = evaluate(&[1.0, 2.0], &[1.0, f64::NAN], &CriteriaOptions::default());
        assert_eq!(wrong, Err(CriteriaError::Truth(1)));
    }
}

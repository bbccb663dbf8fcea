//! Is one estimator's tau-b truly above another's, or do these architectures
//! merely happen to say so? All pairs at once, without resampling.
//!
//! tau-b is a function of three U-statistics of order 2: the mean over pairs
//! of concordance c, and the shares a and b of pairs untied in score and in
//! truth; tau-b = c / sqrt(a b). Each is asymptotically the mean of what every
//! architecture contributes (Hoeffding, Ann. Math. Stat. 19, 1948), the ties'
//! share by the delta method (Brown & Benedetti, JASA 72, 1977). Two
//! estimators on the same architectures differ by the mean of the difference
//! of contributions, so that their covariance needs no term of its own (Cliff
//! & Charlin, Multivariate Behavioral Research 26, 1991). The variance is the
//! jackknife's (Arvesen, Ann. Math. Stat. 40, 1969).
//!
//! Invariant: O(M log M) per estimator and O(M) per pair; failures rank last,
//! equal to one another.

use super::{
    AnalysisError, all_finite, at_least,
    normal::{half_width, two_sided},
    same_length,
};
use crate::criteria::correlation::RankedPair;
use serde::Serialize;

/// One estimator's tau-b.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EstimatorTau {
    /// Name.
    pub name: String,
    /// tau-b; `None` where the score or the truth is constant.
    pub kd: Option<f64>,
    /// Its standard error over the choice of architectures.
    pub standard_error: Option<f64>,
    /// Its normal interval.
    pub ci: Option<[f64; 2]>,
    /// NaN scores.
    pub failures: usize,
}

/// Two estimators on the same architectures.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    /// Position of the first.
    pub first: usize,
    /// Position of the second.
    pub second: usize,
    /// tau-b of the first less that of the second; `None` where either is
    /// undefined, as is everything below.
    pub difference: Option<f64>,
    /// Standard error of the difference.
    pub standard_error: Option<f64>,
    /// Normal interval of the difference, for this pair alone.
    pub ci: Option<[f64; 2]>,
    /// Two-sided, for this pair alone; 1 where the rankings are the same.
    pub p_value: Option<f64>,
    /// Corrected for looking at all defined pairs (Holm, Scand. J. Stat. 6,
    /// 1979).
    pub holm_p_value: Option<f64>,
}

/// All estimators and all pairs of them.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SignificanceReport {
    /// M.
    pub architectures: usize,
    /// Coverage of the intervals.
    pub confidence: f64,
    /// In the order given.
    pub estimators: Vec<EstimatorTau>,
    /// Every pair, `first < second`, in order.
    pub comparisons: Vec<Comparison>,
}

/// tau-b and what each architecture contributes to its error.
struct Influence {
    tau: f64,
    /// Sums to 0.
    values: Vec<f64>,
}

/// Compares every two estimators by tau-b with the truth; `confidence` such
/// as 0.95.
///
/// # Errors
/// Fewer than three architectures, columns of different length, or a truth
/// that is not finite.
pub fn significance(
    estimators: &[(&str, &[f64])],
    truths: &[f64],
    confidence: f64,
) -> Result<SignificanceReport, AnalysisError> {
    all_finite("truth", truths)?;
    at_least("architectures", truths.len(), 3)?;
    let z = half_width(confidence);
    let around = |value: f64, error: f64| [value - z * error, value + z * error];
    let mut influences = Vec::with_capacity(estimators.len());
    let mut singles = Vec::with_capacity(estimators.len());
    for (name, scores) in estimators {
        same_length(name, scores.len(), truths.len())?;
        let influence = Influence::of(scores, truths);
        let kd = influence.as_ref().map(|it| it.tau);
        let error = influence.as_ref().map(|it| jackknife(it.values.iter().copied()));
        singles.push(EstimatorTau {
            name: (*name).to_owned(),
            kd,
            standard_error: error,
            ci: kd.zip(error).map(|(tau, error)| around(tau, error)),
            failures: scores.iter().filter(|score| score.is_nan()).count(),
        });
        influences.push(influence);
    }
    let mut comparisons = Vec::new();
    for second in 0..estimators.len() {
        for first in 0..second {
            let both = influences[first].as_ref().zip(influences[second].as_ref());
            let test = both.map(|(a, b)| {
                let error = jackknife(a.values.iter().zip(&b.values).map(|(a, b)| a - b));
                (a.tau - b.tau, error)
            });
            comparisons.push(Comparison {
                first,
                second,
                difference: test.map(|(difference, _)| difference),
                standard_error: test.map(|(_, error)| error),
                ci: test.map(|(difference, error)| around(difference, error)),
                p_value: test.map(|(difference, error)| p_value(difference, error)),
                holm_p_value: None,
            });
        }
    }
    comparisons.sort_by_key(|pair| (pair.first, pair.second));
    holm(&mut comparisons);
    Ok(SignificanceReport {
        architectures: truths.len(),
        confidence,
        estimators: singles,
        comparisons,
    })
}

impl Influence {
    /// `None` where a side is constant.
    fn of(scores: &[f64], truths: &[f64]) -> Option<Self> {
        let m = truths.len() as f64;
        let all = RankedPair::new(scores, truths).concordance();
        let net = all.net.iter().sum::<i64>() as f64;
        let score = all.untied_in_score.iter().sum::<u64>() as f64;
        let truth = all.untied_in_truth.iter().sum::<u64>() as f64;
        let scale = (score * truth).sqrt();
        if scale == 0.0 {
            return None;
        }
        let tau = (net / scale).clamp(-1.0, 1.0);
        let values = (0..truths.len()).map(|i| {
            let concordance = (all.net[i] as f64 * m - net) / scale;
            let ties = all.untied_in_score[i] as f64 * m / score
                + all.untied_in_truth[i] as f64 * m / truth
                - 2.0;
            concordance - tau / 2.0 * ties
        });
        Some(Self { tau, values: values.collect() })
    }
}

/// Standard error of a U-statistic of order 2 from its contributions.
fn jackknife(contributions: impl ExactSizeIterator<Item = f64>) -> f64 {
    let m = contributions.len() as f64;
    let squares: f64 = contributions.map(|it| it * it).sum();
    (4.0 * (m - 1.0) / (m * (m - 2.0).powi(2)) * squares).sqrt()
}

/// An error of 0 means that the rankings stand alike to the truth, pair by
/// pair, or that they differ in a way that no other sample would change.
fn p_value(difference: f64, error: f64) -> f64 {
    if difference == 0.0 { 1.0 } else { two_sided(difference / error) }
}

fn holm(comparisons: &mut [Comparison]) {
    let mut order: Vec<(usize, f64)> =
        comparisons.iter().enumerate().filter_map(|(at, it)| Some((at, it.p_value?))).collect();
    order.sort_by(|a, b| a.1.total_cmp(&b.1));
    let mut largest = 0.0f64;
    for (i, (at, p)) in order.iter().enumerate() {
        largest = largest.max(p * (order.len() - i) as f64).min(1.0);
        comparisons[*at].holm_p_value = Some(largest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        criteria::{Bootstrap, kendall_tau_b, paired_comparison},
        seed::stream,
    };
    use rand::Rng;

    /// Truth with noise, rounded to `step` so that there are ties.
    fn noisy(truth: &[f64], noise: f64, step: f64, label: &str) -> Vec<f64> {
        let mut stream = stream(3, &[label]);
        let mut uniform = || f64::from(stream.next_u32()) / f64::from(u32::MAX) - 0.5;
        let noised = truth.iter().map(|t| t + noise * (0..4).map(|_| uniform()).sum::<f64>());
        noised.map(|s| (s / step).round()).collect()
    }

    #[test]
    fn errors_and_intervals_are_those_of_the_bootstrap() {
        let m = 600;
        let truth: Vec<f64> = (0..m).map(|i| f64::from(i / 3)).collect();
        let columns = [
            noisy(&truth, 120.0, 1.0, "good"),
            noisy(&truth, 150.0, 40.0, "tied"),
            noisy(&truth, 500.0, 5.0, "bad"),
        ];
        let named: Vec<(&str, &[f64])> = columns.iter().map(|c| ("", c.as_slice())).collect();
        let ours = significance(&named, &truth, 0.95).unwrap();
        let bootstrap = Bootstrap { resamples: 4000, ..Bootstrap::default() };
        for (column, own) in columns.iter().zip(&ours.estimators) {
            assert!((own.kd.unwrap() - kendall_tau_b(column, &truth).unwrap()).abs() < 1e-12);
            let ([low, high], theirs) = (own.ci.unwrap(), bootstrap.tau_b(column, &truth).unwrap());
            let ratio = (high - low) / (theirs[1] - theirs[0]);
            assert!((ratio - 1.0).abs() < 0.06, "{own:?} {theirs:?}");
        }
        for pair in &ours.comparisons {
            let (a, b) = (&columns[pair.first], &columns[pair.second]);
            let theirs = paired_comparison(a, b, &truth, &bootstrap).unwrap();
            assert!((pair.difference.unwrap() - theirs.difference).abs() < 1e-12);
            let [low, high] = pair.ci.unwrap();
            let width = theirs.ci[1] - theirs.ci[0];
            assert!(((high - low) / width - 1.0).abs() < 0.06, "{pair:?} {theirs:?}");
            assert!((low - theirs.ci[0]).abs() < 0.1 * width, "{pair:?} {theirs:?}");
            let agree = (pair.p_value.unwrap() - theirs.p_value).abs() < 0.02;
            assert!(agree, "{pair:?} {theirs:?}");
        }
    }

    #[test]
    fn the_error_is_that_of_a_table_done_by_hand() {
        // Brown & Benedetti's formula as statistics packages print it (ASE1),
        // which has M^2 for M (M - 1) and no jackknife's factor: the 2 x 2
        // table 30 10 / 10 50, tau-b 7/12, for which tau-b is phi.
        let mut cells = Vec::new();
        for (x, y, n) in [(0.0, 0.0, 30), (0.0, 1.0, 10), (1.0, 0.0, 10), (1.0, 1.0, 50)] {
            cells.extend(std::iter::repeat_n((x, y), n));
        }
        let (x, y): (Vec<f64>, Vec<f64>) = cells.into_iter().unzip();
        let ours = significance(&[("x", &x)], &y, 0.95).unwrap();
        assert!((ours.estimators[0].kd.unwrap() - 7.0 / 12.0).abs() < 1e-12);
        let m = 100.0f64;
        let n = [[30.0, 10.0], [10.0, 50.0]];
        let rows = [40.0, 60.0f64];
        let w = m * m - rows.iter().map(|r| r * r).sum::<f64>();
        let tau = 7.0 / 12.0;
        let mut sum = 0.0;
        for i in 0..2 {
            for j in 0..2 {
                let d = if i == j { n[1 - i][1 - j] } else { -n[1 - i][1 - j] };
                let v = (rows[i] + rows[j]) * w;
                sum += n[i][j] * (2.0 * w * d + tau * v).powi(2);
            }
        }
        let ase = ((sum - m.powi(3) * tau * tau * (2.0 * w).powi(2)) / w.powi(4)).sqrt();
        let factor = ((m - 1.0) * m).sqrt() / (m - 2.0);
        let error = ours.estimators[0].standard_error.unwrap();
        assert!((error / (ase * factor) - 1.0).abs() < 1e-3, "{error} {ase}");
    }

    #[test]
    fn what_is_the_same_or_undefined_says_so() {
        let truth = [1.0, 2.0, 3.0, 4.0];
        let scaled = [10.0, 20.0, 30.0, 40.0];
        let flat = [1.0; 4];
        let all: [(&str, &[f64]); 3] = [("a", &truth), ("b", &scaled), ("flat", &flat)];
        let report = significance(&all, &truth, 0.95).unwrap();
        let same = &report.comparisons[0];
        assert_eq!(
            (same.difference, same.p_value, same.holm_p_value),
            (Some(0.0), Some(1.0), Some(1.0))
        );
        let undefined = &report.comparisons[1];
        assert_eq!((undefined.first, undefined.second, undefined.p_value), (0, 2, None));
        assert!(significance(&all, &[1.0, 2.0], 0.95).is_err());
    }

    #[test]
    fn many_comparisons_are_corrected_in_order() {
        let pair = |p_value| Comparison {
            first: 0,
            second: 1,
            difference: Some(0.1),
            standard_error: None,
            ci: None,
            p_value,
            holm_p_value: None,
        };
        let mut pairs = [Some(0.01), Some(0.04), None, Some(0.03), Some(0.005)].map(pair);
        holm(&mut pairs);
        let corrected: Vec<_> = pairs.iter().map(|p| p.holm_p_value).collect();
        // Holm by hand: 4 * 0.005, 3 * 0.01, 2 * 0.03, max(0.06, 0.04).
        assert_eq!(corrected, [Some(0.03), Some(0.06), None, Some(0.06), Some(0.02)]);
    }
}

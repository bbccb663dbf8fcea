//! Uncertainty of tau-b from the finite set of architectures: percentile
//! bootstrap (Efron & Tibshirani 1993), seeded.

use super::correlation::RankedPair;
use crate::analysis::significance;
use crate::seed::{Stream, below, stream};
use serde::{Deserialize, Serialize};

/// From so many architectures on an interval is the jackknife's: resampling
/// would take minutes, and the two agree long before.
pub const LARGE: usize = 50_000;

/// How resampling is done.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Bootstrap {
    /// Number of resamples; 0 for no intervals.
    pub resamples: usize,
    /// Seed.
    pub seed: u64,
    /// Coverage of the intervals, such as 0.95.
    pub confidence: f64,
}

impl Default for Bootstrap {
    fn default() -> Self {
        Self { resamples: 1000, seed: 0, confidence: 0.95 }
    }
}

impl Bootstrap {
    /// How often each of `m` architectures is drawn, per resample.
    fn draws(&self, m: usize) -> impl Iterator<Item = Vec<u32>> {
        let mut stream: Stream = stream(self.seed, &["bootstrap"]);
        (0..self.resamples).map(move |_| {
            let mut times = vec![0; m];
            for _ in 0..m {
                times[below(&mut stream, m)] += 1;
            }
            times
        })
    }

    fn interval(&self, mut values: Vec<f64>) -> Option<[f64; 2]> {
        if values.is_empty() {
            return None;
        }
        values.sort_by(f64::total_cmp);
        let tail = (1.0 - self.confidence) / 2.0;
        Some([quantile(&values, tail), quantile(&values, 1.0 - tail)])
    }

    /// Interval of tau-b.
    pub fn tau_b(&self, scores: &[f64], truths: &[f64]) -> Option<[f64; 2]> {
        if scores.len() >= LARGE && self.resamples > 0 {
            let report = significance(&[("", scores)], truths, self.confidence).ok()?;
            return report.estimators[0].ci.map(|ends| ends.map(|end| end.clamp(-1.0, 1.0)));
        }
        let pair = RankedPair::new(scores, truths);
        self.interval(self.draws(scores.len()).filter_map(|times| pair.tau_b(&times)).collect())
    }
}

/// Linear interpolation between order statistics, as numpy's default.
pub fn quantile(sorted: &[f64], q: f64) -> f64 {
    let at = q * (sorted.len() - 1) as f64;
    let (low, high) = (at.floor() as usize, at.ceil() as usize);
    sorted[low] + (sorted[high] - sorted[low]) * (at - low as f64)
}

/// Two estimators on the same architectures.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Paired {
    /// tau-b of the first less that of the second.
    pub difference: f64,
    /// Bootstrap interval of the difference.
    pub ci: [f64; 2],
    /// Two-sided: twice the share of resamples on the other side of zero, at
    /// least 1 / (resamples + 1).
    pub p_value: f64,
}

/// Compares two estimators' tau-b on the same resamples, so that what the
/// architectures have in common cancels. `None` when either is undefined or
/// there are no resamples.
pub fn paired_comparison(
    first: &[f64],
    second: &[f64],
    truths: &[f64],
    bootstrap: &Bootstrap,
) -> Option<Paired> {
    let (a, b) = (RankedPair::new(first, truths), RankedPair::new(second, truths));
    let once = vec![1; truths.len()];
    let difference = a.tau_b(&once)? - b.tau_b(&once)?;
    let differences: Vec<f64> = bootstrap
        .draws(truths.len())
        .filter_map(|times| Some(a.tau_b(&times)? - b.tau_b(&times)?))
        .collect();
    let n = differences.len() as f64;
    let below = differences.iter().filter(|d| **d <= 0.0).count() as f64;
    let above = differences.iter().filter(|d| **d >= 0.0).count() as f64;
    let p_value = (2.0 * (below.min(above) + 1.0) / (n + 1.0)).min(1.0);
    Some(Paired { difference, ci: bootstrap.interval(differences)?, p_value })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::Rng;

    fn noisy(n: usize, noise: f64, label: &str) -> Vec<f64> {
        let mut stream = stream(7, &[label]);
        (0..n).map(|i| i as f64 + noise * f64::from(stream.next_u32()) / 2e9).collect()
    }

    #[test]
    fn the_interval_holds_the_estimate_and_is_repeatable() {
        let truth: Vec<f64> = (0..200).map(f64::from).collect();
        let scores = noisy(200, 150.0, "a");
        let tau = super::super::kendall_tau_b(&scores, &truth).unwrap();
        let bootstrap = Bootstrap::default();
        let [low, high] = bootstrap.tau_b(&scores, &truth).unwrap();
        assert!(low < tau && tau < high && high - low < 0.3, "{low} {tau} {high}");
        assert_eq!(bootstrap.tau_b(&scores, &truth), Some([low, high]));
    }

    #[test]
    fn large_samples_have_the_interval_of_small_ones_scaled() {
        let width = |n: usize| {
            let truth: Vec<f64> = (0..n).map(|i| i as f64 / n as f64).collect();
            let scores: Vec<f64> =
                truth.iter().zip(noisy(n, 1.0, "c")).map(|(t, e)| t + e % 1.0).collect();
            let [low, high] = Bootstrap::default().tau_b(&scores, &truth).unwrap();
            let tau = super::super::kendall_tau_b(&scores, &truth).unwrap();
            assert!(low < tau && tau < high, "{low} {tau} {high}");
            (high - low) * (n as f64).sqrt()
        };
        let (bootstrap, jackknife) = (width(2500), width(LARGE));
        assert!((bootstrap / jackknife - 1.0).abs() < 0.1, "{bootstrap} {jackknife}");
    }

    #[test]
    fn a_clear_difference_is_significant_and_none_is_not() {
        let truth: Vec<f64> = (0..200).map(f64::from).collect();
        let (good, bad) = (noisy(200, 20.0, "a"), noisy(200, 800.0, "b"));
        let clear = paired_comparison(&good, &bad, &truth, &Bootstrap::default()).unwrap();
        assert!(clear.p_value < 0.01 && clear.ci[0] > 0.0, "{clear:?}");
        let none = paired_comparison(&good, &good, &truth, &Bootstrap::default()).unwrap();
        assert_eq!((none.difference, none.p_value), (0.0, 1.0));
    }
}

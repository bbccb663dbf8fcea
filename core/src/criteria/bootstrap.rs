//! Interval of tau-b over the choice of architectures, by the seeded percentile bootstrap (Efron &
//! Tibshirani 1993).

use super::{correlation::RankedPair, interval::NoInterval, jackknife::Influence};
use osee_model::seed::{Stream, below, stream};
use serde::{Deserialize, Serialize};

/// From this many architectures on, the interval is the jackknife's: resampling would take minutes,
/// and the two agree with far fewer architectures.
pub const LARGE: usize = 50_000;

/// Fewer architectures have no interval, because resamples with repeated architectures leave too
/// few others to rank. tau-b is tested by all orders instead ([`super::kendall_p_value`]).
pub const INTERVAL_FROM: usize = 9;

/// Settings of the resampling.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Bootstrap {
    /// Number of resamples; 0 for no intervals.
    pub resamples: usize,
    /// Seed of the resampling.
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
    /// For each resample, how often each of `m` architectures is drawn.
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

    /// Interval of tau-b between scores (NaN for a failure) and truths. It does not depend on the
    /// order of the rows.
    ///
    /// # Errors
    /// If resampling gives no interval: there are fewer than [`INTERVAL_FROM`] architectures, a
    /// side is constant (in the data, or in more resamples than the interval may leave out), or
    /// nearly all resamples give the same number.
    pub fn tau_b(&self, scores: &[f64], truths: &[f64]) -> Result<[f64; 2], NoInterval> {
        self.of(&RankedPair::new(scores, truths))
    }

    /// The same interval for a pair that is ranked already.
    pub(super) fn of(&self, pair: &RankedPair) -> Result<[f64; 2], NoInterval> {
        let architectures = pair.len();
        if self.resamples == 0 {
            return Err(NoInterval::NotAsked);
        }
        let tau = pair.pairs().tau_b().ok_or(NoInterval::Undefined)?;
        if architectures < INTERVAL_FROM {
            return Err(NoInterval::TooFew { architectures, needed: INTERVAL_FROM });
        }
        if tau.abs() == 1.0 {
            return Err(NoInterval::AllAlike);
        }
        if architectures >= LARGE {
            let influence = Influence::of(pair).ok_or(NoInterval::Undefined)?;
            return influence.estimate().interval(self.confidence);
        }
        let values: Vec<f64> =
            self.draws(architectures).filter_map(|times| pair.tau_b(&times)).collect();
        self.interval(values)
    }

    fn interval(&self, mut values: Vec<f64>) -> Result<[f64; 2], NoInterval> {
        if (values.len() as f64) < self.confidence * self.resamples as f64 {
            return Err(NoInterval::OftenUndefined);
        }
        values.sort_by(f64::total_cmp);
        let tail = (1.0 - self.confidence) / 2.0;
        let [low, high] = [quantile(&values, tail), quantile(&values, 1.0 - tail)];
        if low < high { Ok([low, high]) } else { Err(NoInterval::AllAlike) }
    }
}

/// Quantile `q` by linear interpolation between order statistics, as numpy's default.
pub fn quantile(sorted: &[f64], q: f64) -> f64 {
    let at = q * (sorted.len() - 1) as f64;
    let (low, high) = (at.floor() as usize, at.ceil() as usize);
    sorted[low] + (sorted[high] - sorted[low]) * (at - low as f64)
}

/// Interval of the difference of two tau-b on the same resamples, and twice the share of resamples
/// on the other side of 0. Slower than the jackknife, but independent of it.
#[cfg(test)]
pub(crate) fn paired(
    first: &[f64],
    second: &[f64],
    truths: &[f64],
    bootstrap: &Bootstrap,
) -> ([f64; 2], f64) {
    let repeated = |values: &[f64], times: &[u32]| -> Vec<f64> {
        values.iter().zip(times).flat_map(|(v, n)| vec![*v; *n as usize]).collect()
    };
    let differences: Vec<f64> = bootstrap
        .draws(truths.len())
        .filter_map(|times| {
            let truths = repeated(truths, &times);
            let tau = |v: &[f64]| super::kendall_tau_b(&repeated(v, &times), &truths);
            Some(tau(first)? - tau(second)?)
        })
        .collect();
    let n = differences.len() as f64;
    let below = differences.iter().filter(|d| **d <= 0.0).count() as f64;
    let above = differences.iter().filter(|d| **d >= 0.0).count() as f64;
    let p_value = (2.0 * (below.min(above) + 1.0) / (n + 1.0)).min(1.0);
    (bootstrap.interval(differences).expect("a test's data have one"), p_value)
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
        assert_eq!(bootstrap.tau_b(&scores, &truth), Ok([low, high]));
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
    fn where_resampling_cannot_give_an_interval_there_is_none() {
        let reason = |scores: &[f64], truths: &[f64]| Bootstrap::default().tau_b(scores, truths);
        let truth: Vec<f64> = (0..40).map(f64::from).collect();
        let mut swapped = truth.clone();
        swapped.swap(0, 1);
        assert_eq!(reason(&truth, &truth), Err(NoInterval::AllAlike));
        assert_eq!(reason(&[1.0; 40], &truth), Err(NoInterval::Undefined));
        let few = NoInterval::TooFew { architectures: 8, needed: 9 };
        assert_eq!(reason(&swapped[..8], &truth[..8]), Err(few));
        assert!(reason(&swapped[..9], &truth[..9]).is_ok());
        // 13.5% of the resamples lack the only two other scores and are constant.
        let mut two = [0.0; 40];
        two[3] = 1.0;
        two[20] = 2.0;
        assert_eq!(reason(&two, &truth), Err(NoInterval::OftenUndefined));
        let none = Bootstrap { resamples: 0, ..Bootstrap::default() };
        assert_eq!(none.tau_b(&swapped, &truth), Err(NoInterval::NotAsked));
    }

    #[test]
    fn a_huge_sample_without_a_fault_has_no_interval() {
        let truth: Vec<f64> = (0..LARGE).map(|i| i as f64).collect();
        assert_eq!(Bootstrap::default().tau_b(&truth, &truth), Err(NoInterval::AllAlike));
    }
}

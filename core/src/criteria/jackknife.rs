//! The standard error of tau-b, computed from all pairs without resampling.
//!
//! tau-b is a function of three U-statistics of order 2: the mean over pairs of concordance c, and
//! the shares a and b of pairs untied in score and in truth; tau-b = c / sqrt(a b). Each is
//! asymptotically a mean of contributions of the architectures (Hoeffding, Ann. Math. Stat. 19,
//! 1948); those of the ties follow by the delta method (Brown & Benedetti, JASA 72, 1977). Two
//! estimators on the same architectures differ by the mean of the differences of their
//! contributions, so their covariance needs no term of its own (Cliff & Charlin, Multivariate
//! Behavioral Research 26, 1991). The variance is the jackknife's (Arvesen, Ann. Math. Stat. 40,
//! 1969).
//!
//! Intervals and p-values are normal on the scale of Fisher's transformation (atanh), so that
//! intervals stay inside the range of the criterion, and an interval contains 0 exactly if its
//! p-value says so.
//!
//! Invariant: O(M log M), and nothing depends on the order of the rows.

use super::{correlation::RankedPair, interval::NoInterval};
use crate::normal::{half_width, two_sided};

/// Smaller errors are due to rounding.
const NO_ERROR: f64 = 1e-12;

/// tau-b and the contribution of each architecture to its error.
pub struct Influence {
    /// Kendall's tau-b.
    pub tau: f64,
    /// Contributions in input order; they sum to 0.
    pub values: Vec<f64>,
}

impl Influence {
    /// The contributions; `None` if either side is constant.
    pub fn of(pair: &RankedPair) -> Option<Self> {
        let all = pair.concordance();
        let m = pair.len() as f64;
        let net = all.net.iter().sum::<i64>() as f64;
        let score = all.untied_in_score.iter().sum::<u64>() as f64;
        let truth = all.untied_in_truth.iter().sum::<u64>() as f64;
        let scale = (score * truth).sqrt();
        if scale == 0.0 {
            return None;
        }
        let tau = (net / scale).clamp(-1.0, 1.0);
        let values = (0..pair.len()).map(|i| {
            let concordance = (all.net[i] as f64 * m - net) / scale;
            let ties = all.untied_in_score[i] as f64 * m / score
                + all.untied_in_truth[i] as f64 * m / truth
                - 2.0;
            concordance - tau / 2.0 * ties
        });
        Some(Self { tau, values: values.collect() })
    }

    /// tau-b with its error.
    pub fn estimate(&self) -> Normal {
        Normal { value: self.tau, error: standard_error(self.values.clone()), bound: 1.0 }
    }

    /// This tau-b minus the other on the same architectures, with the error of the difference.
    pub fn less(&self, other: &Self) -> Normal {
        let differences = self.values.iter().zip(&other.values).map(|(a, b)| a - b).collect();
        let error = standard_error(differences);
        Normal { value: self.tau - other.tau, error, bound: 2.0 }
    }
}

/// Standard error of a U-statistic of order 2 from its contributions. They are added by size, so
/// that their order does not matter.
fn standard_error(mut contributions: Vec<f64>) -> f64 {
    let m = contributions.len() as f64;
    contributions.iter_mut().for_each(|it| *it *= *it);
    contributions.sort_unstable_by(f64::total_cmp);
    let squares: f64 = contributions.iter().sum();
    (4.0 * (m - 1.0) / (m * (m - 2.0).powi(2)) * squares).sqrt()
}

/// A number with a normal error that lies between `-bound` and `bound`.
#[derive(Debug, Clone, Copy)]
pub struct Normal {
    /// The number itself.
    pub value: f64,
    /// Standard error of the number.
    pub error: f64,
    bound: f64,
}

impl Normal {
    /// True if the error can be used. It cannot if all architectures contribute the same, or the
    /// number is at its bound.
    fn has_error(&self) -> bool {
        self.error > NO_ERROR && self.value.abs() < self.bound
    }

    /// Value and error after Fisher's transformation.
    fn transformed(&self) -> [f64; 2] {
        let share = self.value / self.bound;
        [share.atanh(), self.error / self.bound / (1.0 - share * share)]
    }

    /// The interval that contains the number with probability `confidence`.
    pub fn interval(&self, confidence: f64) -> Result<[f64; 2], NoInterval> {
        if !self.has_error() {
            return Err(NoInterval::AllAlike);
        }
        let [value, error] = self.transformed();
        let z = half_width(confidence);
        Ok([value - z * error, value + z * error].map(|end| self.bound * end.tanh()))
    }

    /// Two-sided p-value of the number against 0; `None` if the number is neither 0 nor at its
    /// bound, but all architectures contribute the same.
    pub fn p_value(&self) -> Option<f64> {
        if self.value == 0.0 {
            return Some(1.0);
        }
        let furthest = self.value.abs() >= self.bound;
        let [value, error] = self.transformed();
        match self.has_error() {
            true => Some(two_sided(value / error)),
            false => furthest.then_some(0.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_stay_in_range_and_hold_zero_as_p_says() {
        for bound in [1.0, 2.0] {
            for value in [-1.9, -0.99, -0.3, 0.02, 0.5, 0.999, 1.99] {
                if f64::abs(value) >= bound {
                    continue;
                }
                for error in [1e-3, 0.02, 0.2, 1.0, 30.0] {
                    let it = Normal { value, error, bound };
                    let [low, high] = it.interval(0.95).unwrap();
                    assert!(-bound <= low && low <= value && value <= high && high <= bound);
                    let outside = low > 0.0 || high < 0.0;
                    assert_eq!(outside, it.p_value().unwrap() < 0.05, "{it:?}");
                }
            }
        }
    }

    #[test]
    fn fishers_interval_is_that_done_by_hand() {
        // scipy 1.17: tanh(atanh(0.5) -+ norm.ppf(0.975) * 0.1 / 0.75)
        let [low, high] = Normal { value: 0.5, error: 0.1, bound: 1.0 }.interval(0.95).unwrap();
        assert!(
            (low - 0.280_272_347_681_348_5).abs() < 1e-12
                && (high - 0.669_940_228_934_336_8).abs() < 1e-12,
            "{low} {high}"
        );
    }

    #[test]
    fn what_has_no_error_has_no_interval() {
        let none = |value, bound| Normal { value, error: 0.0, bound };
        assert_eq!(none(1.0, 1.0).interval(0.95), Err(NoInterval::AllAlike));
        assert_eq!(none(0.0, 2.0).p_value(), Some(1.0));
        assert_eq!((none(2.0, 2.0).p_value(), none(0.5, 2.0).p_value()), (Some(0.0), None));
    }
}

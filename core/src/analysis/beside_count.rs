//! What an estimator adds to a count, such as that of parameters.

use super::{AnalysisError, Column, column::pick, significance::significance};
use crate::criteria::{NoInterval, kendall_tau_b};

/// An estimator beside a count, on the architectures that both have.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BesideCount {
    /// Number of architectures.
    pub architectures: usize,
    /// Kendall's partial tau-b of scores and truth, given the count; `None` where a tau-b is not
    /// defined, or where the count ranks as the scores or as the truth does.
    pub partial: Option<f64>,
    /// tau-b of the estimator less that of the count; `None` where one is not defined.
    pub difference: Option<f64>,
    /// Interval of the difference, over the choice of architectures.
    pub interval: Option<[f64; 2]>,
    /// Why there is no interval; `None` if there is one.
    pub interval_missing: Option<NoInterval>,
}

/// Compares scores and a count, both oriented so that higher is better, by the truth; `confidence`
/// is such as 0.95.
///
/// # Errors
/// If there are fewer than two architectures, columns differ in length, or a truth is not finite.
pub fn beside_count(
    scores: Column<'_>,
    count: Column<'_>,
    truths: &[f64],
    confidence: f64,
) -> Result<BesideCount, AnalysisError> {
    let report = significance(&[scores, count], truths, confidence)?;
    let pair = &report.comparisons[0];
    let both = scores.common(&count);
    let on = |values: &[f64]| both.as_ref().map_or_else(|| values.to_vec(), |at| pick(values, at));
    Ok(BesideCount {
        architectures: pair.architectures,
        partial: partial_tau(&on(scores.values), &on(truths), &on(count.values)),
        difference: pair.difference,
        interval: pair.ci,
        interval_missing: pair.ci_missing,
    })
}

/// Kendall's partial rank correlation of x and y given z:
/// (t_xy - t_xz t_yz) / sqrt((1 - t_xz^2) (1 - t_yz^2)) of tau-b (Kendall, Biometrika 32, 1942).
fn partial_tau(x: &[f64], y: &[f64], z: &[f64]) -> Option<f64> {
    let [xy, xz, yz] = [kendall_tau_b(x, y)?, kendall_tau_b(x, z)?, kendall_tau_b(y, z)?];
    let rest = (1.0 - xz * xz) * (1.0 - yz * yz);
    (rest > 1e-12).then(|| ((xy - xz * yz) / rest.sqrt()).clamp(-1.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn beside(scores: &[f64], count: &[f64], truths: &[f64]) -> BesideCount {
        beside_count(("score", scores).into(), ("count", count).into(), truths, 0.95).unwrap()
    }

    /// tau-b by counting pairs.
    fn tau(x: &[f64], y: &[f64]) -> f64 {
        let (mut sum, mut of_x, mut of_y) = (0.0, 0.0, 0.0);
        for i in 0..x.len() {
            for j in 0..i {
                let sign = |v: &[f64]| (v[i] - v[j]).partial_cmp(&0.0).map_or(0, |it| it as i32);
                sum += f64::from(sign(x) * sign(y));
                of_x += f64::from(sign(x).abs());
                of_y += f64::from(sign(y).abs());
            }
        }
        sum / f64::sqrt(of_x * of_y)
    }

    #[test]
    fn the_partial_correlation_is_that_of_its_formula_in_any_order_of_rows() {
        let x: [f64; 30] = std::array::from_fn(|i| ((7 * i) % 30 + 2 * i) as f64);
        let y: [f64; 30] = std::array::from_fn(|i| ((11 * i) % 17 + 3 * i) as f64);
        let z: [f64; 30] = std::array::from_fn(|i| ((13 * i) % 30 / 6 + i / 5) as f64);
        let [xy, xz, yz] = [tau(&x, &y), tau(&x, &z), tau(&y, &z)];
        let wanted = (xy - xz * yz) / ((1.0 - xz * xz) * (1.0 - yz * yz)).sqrt();
        let found = beside(&x, &z, &y);
        assert!((found.partial.unwrap() - wanted).abs() < 1e-12, "{found:?} for {wanted}");
        assert!((found.difference.unwrap() - (xy - yz)).abs() < 1e-12);
        let [low, high] = found.interval.unwrap();
        assert!(low <= xy - yz && xy - yz <= high);
        let turned = |v: [f64; 30]| v.into_iter().rev().collect::<Vec<_>>();
        assert_eq!(beside(&turned(x), &turned(z), &turned(y)).partial, found.partial);
    }

    #[test]
    fn a_count_that_says_the_same_or_nothing_leaves_no_partial_correlation() {
        let x = [1.0, 3.0, 2.0, 5.0, 4.0, 9.0, 8.0, 7.0, 6.0];
        let truth = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0];
        let twice = x.map(|it| 2.0 * it);
        assert_eq!(beside(&x, &twice, &truth).partial, None);
        assert_eq!(beside(&x, &twice, &truth).difference, Some(0.0));
        assert_eq!(beside(&x, &truth, &truth).partial, None);
        let constant = beside(&x, &[3.0; 9], &truth);
        assert_eq!((constant.partial, constant.difference), (None, None));
    }

    #[test]
    fn only_architectures_of_both_count() {
        let x = [1.0, 3.0, 2.0, 5.0, 4.0, 9.0, 8.0, 7.0, 6.0, -50.0];
        let z = [2.0, 1.0, 3.0, 3.0, 4.0, 4.0, 9.0, 8.0, 9.0, 7.0];
        let truth = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0];
        let scores = Column::from(("score", &x[..])).without(&[9]);
        let some = beside_count(scores, ("count", &z[..]).into(), &truth, 0.95).unwrap();
        assert_eq!(some, beside(&x[..9], &z[..9], &truth[..9]));
        assert_eq!(some.architectures, 9);
    }
}

//! The one mean that is used for scores over seeds and for repeated rows of a table.
//!
//! Invariant: means that are equal have equal bits, whatever the order of the values. Plain sums of
//! floating-point numbers differ in their last bits, which would break real ties: 93.1 + 93.3 is
//! more than twice 93.2.

/// Significant digits of a mean: fewer than the 15 that survive a sum and a division of decimals,
/// and more than any score deserves.
pub const DIGITS: usize = 13;

/// Mean of finite values: their exact sum (Shewchuk, Discrete & Computational Geometry 18, 1997, as
/// in Python's `math.fsum`), divided once and rounded to [`DIGITS`] significant digits. NaN if
/// there are no values.
///
/// A single value is rounded, too, as it may have to tie with a mean of several. Where every mean
/// would be of a single value, as with one seed, none need be taken.
pub fn mean(values: &[f64]) -> f64 {
    if values.is_empty() {
        return f64::NAN;
    }
    let n = values.len() as f64;
    let plain = exact_sum(values.iter().copied()) / n;
    if plain.is_finite() {
        return rounded(plain);
    }
    // The sum is too large for f64, but the mean is not.
    let scale = 0.5f64.powi(values.len().ilog2() as i32 + 1);
    rounded(exact_sum(values.iter().map(|value| value * scale)) / n / scale)
}

fn rounded(value: f64) -> f64 {
    if !value.is_finite() {
        return value;
    }
    let text = format!("{value:.*e}", DIGITS - 1);
    text.parse().expect("a number that was just written is one")
}

/// The exact sum, rounded once.
fn exact_sum(values: impl Iterator<Item = f64>) -> f64 {
    // These do not overlap and are ordered from the smallest; their sum is exact.
    let mut partials: Vec<f64> = Vec::new();
    for value in values {
        let mut high = value;
        let mut kept = 0;
        for at in 0..partials.len() {
            let other = partials[at];
            let (large, small) =
                if high.abs() < other.abs() { (other, high) } else { (high, other) };
            high = large + small;
            let low = small - (high - large);
            if low != 0.0 {
                partials[kept] = low;
                kept += 1;
            }
        }
        partials.truncate(kept);
        partials.push(high);
    }
    let mut sum = partials.pop().unwrap_or(0.0);
    while let Some(next) = partials.pop() {
        let high = sum + next;
        let low = next - (high - sum);
        sum = high;
        if low != 0.0 {
            // Halfway between two numbers, the remaining parts decide.
            let twice = 2.0 * low;
            let up = sum + twice;
            if partials.last().is_some_and(|it| (*it < 0.0) == (low < 0.0)) && up - sum == twice {
                sum = up;
            }
            break;
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use osee_model::seed::{below, stream};

    #[test]
    fn a_sum_is_exact_whatever_the_order() {
        // Computed by Python's math.fsum.
        assert_eq!(exact_sum([0.1; 10].into_iter()), 1.0);
        assert_eq!(exact_sum([1e16, 1.0, 1e-16].into_iter()), 1e16 + 2.0);
        assert_eq!(exact_sum([1e100, 1.0, -1e100, 1e-100].into_iter()), 1.0);
        assert_eq!(exact_sum([1e16, 1.0].into_iter()), 1e16);
        let mut values: Vec<f64> = (0..50).map(|i| 0.1 * f64::from(i) - 1.7).collect();
        let sum = exact_sum(values.iter().copied());
        let mut stream = stream(1, &["order"]);
        for _ in 0..20 {
            let at = below(&mut stream, values.len());
            values.swap(0, at);
            assert_eq!(exact_sum(values.iter().copied()).to_bits(), sum.to_bits());
        }
    }

    #[test]
    fn equal_means_are_one_number() {
        // In exact fractions, all pairs of counts out of 96 with the same sum have the same mean.
        let accuracy = |count: u32| f64::from(count) / 96.0;
        for sum in 0..=192u32 {
            let means: Vec<u64> = (sum.saturating_sub(96)..=sum.min(96))
                .map(|one| mean(&[accuracy(one), accuracy(sum - one)]).to_bits())
                .collect();
            assert!(means.iter().all(|bits| *bits == means[0]), "{sum}");
        }
        assert_eq!(mean(&[93.1, 93.3]), 93.2);
        assert_ne!((93.1 + 93.3) / 2.0, 93.2);
        assert_eq!(mean(&[0.1, 0.2, 0.6]), 0.3);
    }

    #[test]
    fn one_value_none_and_huge_ones_have_a_mean() {
        assert_eq!(mean(&[0.123_456_789_012_345_68]), 0.123_456_789_012_3);
        assert!(mean(&[]).is_nan());
        assert_eq!(mean(&[1.5e308, 1.7e308]), 1.6e308);
        assert_eq!(mean(&[-1.0, 1.0]), 0.0);
        assert_eq!(mean(&[1.0, 2.0, 2.0]), 1.666_666_666_667);
    }
}

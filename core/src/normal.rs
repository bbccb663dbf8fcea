//! The standard normal distribution.

use std::f64::consts::{PI, SQRT_2};

/// Probability that a value is at least `z` away from 0, on either side: erfc(|z| / sqrt 2).
pub fn two_sided(z: f64) -> f64 {
    erfc(z.abs() / SQRT_2)
}

/// The z such that a share `confidence` of values lies between -z and z.
pub fn half_width(confidence: f64) -> f64 {
    let (mut low, mut high) = (0.0, 40.0);
    for _ in 0..80 {
        let middle = (low + high) / 2.0;
        if 1.0 - two_sided(middle) < confidence { low = middle } else { high = middle }
    }
    (low + high) / 2.0
}

/// erfc(x) for x >= 0 (Abramowitz & Stegun 7.1.6, and 7.1.14 for large x).
fn erfc(x: f64) -> f64 {
    if x < 2.0 {
        let (mut term, mut sum, mut n) = (x, x, 0.0);
        while term > sum * 1e-17 {
            n += 1.0;
            term *= 2.0 * x * x / (2.0 * n + 1.0);
            sum += term;
        }
        return 1.0 - 2.0 / PI.sqrt() * (-x * x).exp() * sum;
    }
    let fraction = (1..=120).rev().fold(x, |tail, n| x + f64::from(n) / 2.0 / tail);
    (-x * x).exp() / PI.sqrt() / fraction
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_scipy_are_reproduced() {
        // scipy 1.17: 2 * norm.sf(z), norm.ppf(0.975)
        for (z, p) in [
            (0.0, 1.0),
            (0.5, 0.617_075_077_451_974_1),
            (1.0, 0.317_310_507_862_914_15),
            (-1.959_963_984_540_054, 0.05),
            (3.0, 0.002_699_796_063_260_189_5),
            (10.0, 1.523_970_604_832_094_2e-23),
        ] {
            assert!((two_sided(z) / p - 1.0).abs() < 1e-12, "{z}: {}", two_sided(z));
        }
        assert!((half_width(0.95) - 1.959_963_984_540_054).abs() < 1e-12);
    }
}

//! Test of tau-b against 0: whether a ranking is better than chance.
//!
//! If scores say nothing about the truth, every order of the truth is equally likely. Up to
//! [`ALL_ORDERS_UP_TO`] architectures all orders are tried. With more, the number of concordant
//! minus discordant pairs is taken as normal with its variance over all orders, corrected for ties
//! (Kendall, Rank Correlation Methods, 4th ed. 1970, section 4.4; scipy's
//! `kendalltau(method="asymptotic")`).

use super::{correlation::RankedPair, rank::compare};
use crate::normal::two_sided;

/// Most architectures for which all orders are tried: 40,320.
pub const ALL_ORDERS_UP_TO: usize = 8;

/// Two-sided p-value of tau-b against 0, corrected for ties, and no smaller than
/// [`smallest_kendall_p_value`]. `None` if scores or truths are all equal.
pub fn kendall_p_value(scores: &[f64], truths: &[f64]) -> Option<f64> {
    of(&RankedPair::new(scores, truths), scores, truths)
}

/// The same p-value for a pair that is ranked already.
pub(super) fn of(pair: &RankedPair, scores: &[f64], truths: &[f64]) -> Option<f64> {
    pair.pairs().tau_b()?;
    let p = match pair.len() <= ALL_ORDERS_UP_TO {
        true => by_all_orders(scores, truths),
        false => asymptotic(pair),
    };
    Some(p.max(smallest_kendall_p_value(pair.len())))
}

/// The smallest p-value that `n` architectures allow: of n! orders one agrees completely with the
/// truth, and one is its reverse.
pub fn smallest_kendall_p_value(n: usize) -> f64 {
    let orders = (2..=n).map(|i| i as f64).product::<f64>();
    (2.0 / orders).clamp(f64::MIN_POSITIVE, 1.0)
}

/// Share of all orders of the truth that are at least as far from 0 as observed.
fn by_all_orders(scores: &[f64], truths: &[f64]) -> f64 {
    let n = truths.len();
    let signs = |values: &[f64]| -> Vec<i32> {
        let sign = |at: usize| compare(values[at / n], values[at % n]) as i32;
        (0..n * n).map(sign).collect()
    };
    let (score, truth) = (signs(scores), signs(truths));
    let mut order: Vec<usize> = (0..n).collect();
    let net = |order: &[usize]| -> i32 {
        let row = |i: usize| -> i32 {
            (0..i).map(|j| score[i * n + j] * truth[order[i] * n + order[j]]).sum()
        };
        (0..n).map(row).sum()
    };
    let found = net(&order).abs();
    let (mut as_far, mut all) = (0u32, 0u32);
    each_order(&mut order, &mut |order| {
        as_far += u32::from(net(order).abs() >= found);
        all += 1;
    });
    f64::from(as_far) / f64::from(all)
}

/// Calls `seen` with every order of the items, once each (Heap, The Computer Journal 6, 1963).
fn each_order(items: &mut [usize], seen: &mut impl FnMut(&[usize])) {
    seen(items);
    let mut swapped = vec![0; items.len()];
    let mut at = 1;
    while at < items.len() {
        if swapped[at] == at {
            swapped[at] = 0;
            at += 1;
            continue;
        }
        let other = if at.is_multiple_of(2) { 0 } else { swapped[at] };
        items.swap(other, at);
        seen(items);
        swapped[at] += 1;
        at = 1;
    }
}

fn asymptotic(pair: &RankedPair) -> f64 {
    let n = pair.len() as f64;
    let [score, truth] = pair.tie_sizes().map(|sizes| {
        let sum = |of: fn(f64) -> f64| sizes.iter().map(|size| of(*size as f64)).sum::<f64>();
        [
            sum(|t| t * (t - 1.0) * (2.0 * t + 5.0)),
            sum(|t| t * (t - 1.0)),
            sum(|t| t * (t - 1.0) * (t - 2.0)),
        ]
    });
    let pairs = n * (n - 1.0);
    let variance = (pairs * (2.0 * n + 5.0) - score[0] - truth[0]) / 18.0
        + score[1] * truth[1] / (2.0 * pairs)
        + score[2] * truth[2] / (9.0 * pairs * (n - 2.0));
    two_sided(pair.pairs().concordant_minus_discordant / variance.sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_that_so_few_allow_is_reached_by_a_perfect_ranking() {
        for n in 2..=ALL_ORDERS_UP_TO {
            let truth: Vec<f64> = (0..n).map(|i| i as f64).collect();
            let p = kendall_p_value(&truth, &truth).unwrap();
            assert!((p - smallest_kendall_p_value(n)).abs() < 1e-15, "{n}: {p}");
        }
        assert!((smallest_kendall_p_value(3) - 1.0 / 3.0).abs() < 1e-15);
        assert!(smallest_kendall_p_value(100_000) > 0.0);
    }

    #[test]
    fn values_of_scipy_are_reproduced() {
        // scipy 1.17: kendalltau(x, y, method="exact").pvalue
        let (x, y) = ([3.0, 1.0, 2.0, 5.0, 4.0, 6.0, 7.0], [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]);
        assert!((kendall_p_value(&x, &y).unwrap() - 0.030_158_730_158_730_16).abs() < 1e-15);
        // scipy has no exact p with ties; this is from Python's itertools.permutations of y.
        let (x, y) = ([1.0, 1.0, 2.0, 3.0, 3.0], [1.0, 2.0, 2.0, 3.0, 4.0]);
        assert!((kendall_p_value(&x, &y).unwrap() - 16.0 / 120.0).abs() < 1e-15);
        // scipy 1.17: kendalltau(x, y, method="asymptotic").pvalue
        let y: Vec<f64> = (1..=10).map(f64::from).collect();
        let x = [3.0, 1.0, 2.0, 5.0, 4.0, 6.0, 9.0, 8.0, 7.0, 10.0];
        assert!((kendall_p_value(&x, &y).unwrap() - 0.003_161_222_020_906_956_7).abs() < 1e-14);
        let x = [1.0, 1.0, 2.0, 2.0, 3.0, 3.0, 3.0, 4.0, 5.0, 5.0, 5.0, 2.0];
        let y = [1.0, 2.0, 2.0, 2.0, 3.0, 1.0, 4.0, 4.0, 4.0, 5.0, 6.0, 6.0];
        assert!((kendall_p_value(&x, &y).unwrap() - 0.025_485_988_762_163_65).abs() < 1e-14);
    }

    #[test]
    fn a_constant_side_has_no_p_value_and_no_correlation_has_one() {
        assert_eq!(kendall_p_value(&[1.0; 4], &[1.0, 2.0, 3.0, 4.0]), None);
        let balanced: Vec<f64> = (0..20).map(f64::from).collect();
        let folded: Vec<f64> = (0..20).map(|i| f64::from(i.min(19 - i))).collect();
        assert_eq!(kendall_p_value(&folded, &balanced), Some(1.0));
    }
}

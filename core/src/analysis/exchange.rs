//! Exact test of whether two estimators rank equally well, by all exchanges of their ranks.
//!
//! If they do, it is by chance which estimator gave an architecture which of its two ranks. So for
//! every subset of the architectures the two exchange their ranks there, and p is the share of
//! subsets for which the two tau-b differ at least as much as observed (Fisher's randomisation test
//! for pairs, The Design of Experiments, 1935). Ranks, with ties sharing their mean, make the
//! estimators' scales comparable.

use crate::criteria::average_ranks;

/// Most architectures for which all subsets are tried: 4,096.
pub const EXCHANGED_UP_TO: usize = 12;

/// Differences of tau-b up to this size are due to rounding.
const ROUNDING: f64 = 1e-12;

/// The smallest p-value of a difference that `n` architectures allow: of 2^n exchanges two (none
/// and all) always differ as much as observed.
pub fn smallest_exchange_p_value(n: usize) -> f64 {
    let exponent = i32::try_from(n).map_or(i32::MIN, |n| 1 - n);
    2.0f64.powi(exponent).clamp(f64::MIN_POSITIVE, 1.0)
}

/// Two-sided p-value of the difference of two tau-b, for at most [`EXCHANGED_UP_TO`] architectures.
/// If an exchange makes a column constant, its tau-b counts as 0.
pub(super) fn exchange_p_value(first: &[f64], second: &[f64], truths: &[f64]) -> f64 {
    let ranks = [average_ranks(first), average_ranks(second)];
    let pairs: Vec<Pair> = (0..truths.len())
        .flat_map(|i| (0..i).map(move |j| (i, j)))
        .map(|(i, j)| Pair::of(i, j, &ranks, truths))
        .collect();
    let untied = pairs.iter().filter(|pair| pair.truth != 0).count() as f64;
    let found = difference(&pairs, untied, 0).abs();
    // Exchanging the complement only changes the sign, so the first architecture is never
    // exchanged.
    let exchanges = 1u32 << truths.len().saturating_sub(1);
    let as_far = |at: &u32| difference(&pairs, untied, at << 1).abs() >= found - ROUNDING;
    f64::from((0..exchanges).filter(as_far).count() as u32) / f64::from(exchanges)
}

/// A pair of architectures.
struct Pair {
    i: usize,
    j: usize,
    /// Sign of the difference in truth.
    truth: i8,
    /// `rank[a][b]` is the sign of the difference in rank if `i` has its rank from estimator `a`
    /// and `j` from estimator `b`.
    rank: [[i8; 2]; 2],
}

impl Pair {
    fn of(i: usize, j: usize, ranks: &[Vec<f64>; 2], truths: &[f64]) -> Self {
        let sign = |a: f64, b: f64| i8::from(a > b) - i8::from(a < b);
        let rank = [0, 1].map(|of_i| [0, 1].map(|of_j| sign(ranks[of_i][i], ranks[of_j][j])));
        Self { i, j, truth: sign(truths[i], truths[j]), rank }
    }
}

/// The difference of the two tau-b after the architectures whose bit is set exchanged their ranks.
fn difference(pairs: &[Pair], untied_in_truth: f64, exchanged: u32) -> f64 {
    let (mut net, mut untied) = ([0i32; 2], [0i32; 2]);
    for pair in pairs {
        let [of_i, of_j] = [pair.i, pair.j].map(|at| (exchanged >> at & 1) as usize);
        for estimator in 0..2 {
            let sign = pair.rank[of_i ^ estimator][of_j ^ estimator];
            net[estimator] += i32::from(sign * pair.truth);
            untied[estimator] += i32::from(sign != 0);
        }
    }
    let tau = |at: usize| match f64::from(untied[at]) * untied_in_truth {
        0.0 => 0.0,
        scale => f64::from(net[at]) / scale.sqrt(),
    };
    tau(0) - tau(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::criteria::kendall_tau_b;
    use proptest::prelude::*;

    /// The same by definition: exchanges ranks in the columns and computes tau-b anew.
    fn by_definition(first: &[f64], second: &[f64], truths: &[f64]) -> f64 {
        let (a, b) = (average_ranks(first), average_ranks(second));
        let n = truths.len();
        let apart = |subset: u32| {
            let chosen = |own: &[f64], other: &[f64]| -> Vec<f64> {
                (0..n).map(|i| if subset >> i & 1 == 1 { other[i] } else { own[i] }).collect()
            };
            let tau = |ranks: &[f64]| kendall_tau_b(ranks, truths).unwrap_or(0.0);
            (tau(&chosen(&a, &b)) - tau(&chosen(&b, &a))).abs()
        };
        let found = apart(0);
        let as_far = (0..1u32 << n).filter(|subset| apart(*subset) >= found - 1e-12).count();
        as_far as f64 / f64::from(1u32 << n)
    }

    proptest! {
        #[test]
        fn p_is_the_share_of_all_exchanges(
            rows in prop::collection::vec((0i32..5, 0i32..5, 0i32..5), 2..10)
        ) {
            let column = |of: fn(&(i32, i32, i32)) -> i32| -> Vec<f64> {
                rows.iter().map(|row| f64::from(of(row))).collect()
            };
            let (a, b, t) = (column(|r| r.0), column(|r| r.1), column(|r| r.2));
            prop_assert_eq!(exchange_p_value(&a, &b, &t), by_definition(&a, &b, &t));
            // The scales of the scores do not matter.
            let large: Vec<f64> = b.iter().map(|it| it.exp() * 1e9).collect();
            prop_assert_eq!(exchange_p_value(&a, &large, &t), exchange_p_value(&b, &a, &t));
        }
    }

    #[test]
    fn a_perfect_ranking_and_one_of_wrong_pairs_are_as_far_apart_as_so_few_can_be() {
        for n in (4..=EXCHANGED_UP_TO).step_by(2) {
            let truth: Vec<f64> = (0..n).map(|i| i as f64).collect();
            // No architecture has the same rank in both columns.
            let other: Vec<f64> = (0..n).map(|i| (i ^ 1) as f64).collect();
            let p = exchange_p_value(&truth, &other, &truth);
            assert!((p - smallest_exchange_p_value(n)).abs() < 1e-15, "{n}: {p}");
        }
        assert_eq!((smallest_exchange_p_value(3), smallest_exchange_p_value(0)), (0.25, 1.0));
        assert!(smallest_exchange_p_value(1_000_000) > 0.0);
    }
}

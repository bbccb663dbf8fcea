//! Rules that combine experts' columns into one score per architecture, higher better.
//!
//! Each takes columns of equal length in which a failure is NaN. A rule by ranks or
//! majorities ranks failures below every score, tied with one another. A rule by values
//! has no number for an architecture that an expert failed on: its score is NaN.
//!
//! Invariant: the order of architectures or of experts changes no bit of a score.

use crate::{experts::failures_last, majority::copeland};

/// Added to the largest absolute value that `max-norm` divides by, as in FreeREA.
const FLOOR: f64 = 1e-9;

/// The names of the rules in settings.
pub const RULES: [(&str, Rule); 5] = [
    ("log-rank", Rule::LogRank),
    ("rank-sum", Rule::RankSum),
    ("max-norm", Rule::MaxNorm),
    ("z-score", Rule::ZScore),
    ("copeland", Rule::Copeland),
];

/// How columns of scores become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// Sum over experts of ln(rank / M) among M architectures. Ranks ascend from 1, the
    /// worst, and tied ones share their mean (AZ-NAS). At most 0.
    LogRank,
    /// Sum over experts of such ranks (TE-NAS), from the number of experts up.
    RankSum,
    /// Sum over experts of x / (max |x| + 1e-9), each between -1 and 1 (FreeREA).
    MaxNorm,
    /// Sum over experts of (x - mean) / standard deviation over the architectures with a
    /// score, dividing by their number; a constant expert adds 0.
    ZScore,
    /// Wins minus losses by pairwise majority, as `vote` counts them.
    Copeland,
}

impl Rule {
    /// The combined score of each of `n` architectures; NaN where the rule has none.
    pub fn scores(self, columns: Vec<Vec<f64>>, n: usize) -> Vec<f64> {
        let of_each = |column: fn(&[f64]) -> Vec<f64>, columns: &[Vec<f64>]| {
            let terms: Vec<Vec<f64>> = columns.iter().map(|it| column(it)).collect();
            (0..n).map(|at| sum(terms.iter().map(|term| term[at]).collect())).collect()
        };
        match self {
            Self::LogRank => of_each(log_ranks, &failures_last(columns)),
            Self::RankSum => of_each(ranks, &failures_last(columns)),
            Self::MaxNorm => of_each(max_normed, &columns),
            Self::ZScore => of_each(z_scores, &columns),
            Self::Copeland => copeland(&failures_last(columns), n),
        }
    }
}

/// The sum, from the least value up, so that equal values in any order have one sum.
/// NaN, without a sign, if one is NaN.
fn sum(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let sum = values.into_iter().fold(0.0, |sum, value| sum + value);
    if sum.is_nan() { f64::NAN } else { sum }
}

/// Ranks from 1, the least value; tied ones have the mean of their places.
fn ranks(column: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..column.len()).collect();
    order.sort_unstable_by(|&i, &j| column[i].total_cmp(&column[j]));
    let mut ranks = vec![0.0; column.len()];
    let mut below = 0;
    for tied in order.chunk_by(|&i, &j| column[i] == column[j]) {
        let shared = below as f64 + (tied.len() + 1) as f64 / 2.0;
        tied.iter().for_each(|&at| ranks[at] = shared);
        below += tied.len();
    }
    ranks
}

fn log_ranks(column: &[f64]) -> Vec<f64> {
    let m = column.len() as f64;
    ranks(column).into_iter().map(|rank| (rank / m).ln()).collect()
}

/// The largest absolute value; 0 if there is none. NaN does not count.
fn largest(column: &[f64]) -> f64 {
    column.iter().fold(0.0, |largest, value| value.abs().max(largest))
}

fn max_normed(column: &[f64]) -> Vec<f64> {
    let scale = largest(column) + FLOOR;
    column.iter().map(|value| value / scale).collect()
}

fn z_scores(column: &[f64]) -> Vec<f64> {
    let there = || column.iter().copied().filter(|value| !value.is_nan());
    let first = there().next().unwrap_or(0.0);
    if there().all(|value| value == first) {
        // The rounding of a mean would pass for a deviation.
        return column.iter().map(|value| if value.is_nan() { *value } else { 0.0 }).collect();
    }
    // Squares of large scores, such as those of synflow, need not fit.
    let scale = largest(column);
    let count = there().count() as f64;
    let mean = sum(there().map(|value| value / scale).collect()) / count;
    let square = |value: f64| (value / scale - mean).powi(2);
    let deviation = (sum(there().map(square).collect()) / count).sqrt();
    column.iter().map(|value| (value / scale - mean) / deviation).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use osee_sdk::model::seed::{Stream, below, stream};

    const NAN: f64 = f64::NAN;

    fn scores(rule: Rule, columns: &[&[f64]]) -> Vec<f64> {
        rule.scores(columns.iter().map(|it| it.to_vec()).collect(), columns[0].len())
    }

    /// Each rule by its definition, pair by pair and without sorting.
    fn defined(rule: Rule, columns: &[Vec<f64>]) -> Vec<f64> {
        let n = columns[0].len();
        let above = |a: f64, b: f64| a > b || !a.is_nan() && b.is_nan();
        let rank = |column: &[f64], i: usize| {
            let below = (0..n).filter(|&j| above(column[i], column[j])).count();
            let level = (0..n).filter(|&j| !above(column[j], column[i])).count() - below;
            below as f64 + (level as f64 + 1.0) / 2.0
        };
        let term = |column: &Vec<f64>, i: usize| {
            let there: Vec<f64> = column.iter().copied().filter(|it| !it.is_nan()).collect();
            let mean = there.iter().sum::<f64>() / there.len() as f64;
            let variance = there.iter().map(|it| (it - mean) * (it - mean)).sum::<f64>();
            let largest = there.iter().map(|it| it.abs()).fold(0.0, f64::max);
            match rule {
                Rule::LogRank => (rank(column, i) / n as f64).ln(),
                Rule::RankSum => rank(column, i),
                Rule::MaxNorm => column[i] / (largest + 1e-9),
                Rule::ZScore if column[i].is_nan() => NAN,
                Rule::ZScore if there.iter().all(|it| *it == there[0]) => 0.0,
                Rule::ZScore => (column[i] - mean) / (variance / there.len() as f64).sqrt(),
                Rule::Copeland => unreachable!("it is no sum over experts"),
            }
        };
        let wins = |i: usize, j: usize| {
            let votes = columns.iter().filter(|it| above(it[i], it[j])).count();
            f64::from(u8::from(2 * votes >= columns.len()))
        };
        let score = |i: usize| match rule {
            Rule::Copeland => (0..n).map(|j| wins(i, j) - wins(j, i)).sum(),
            _ => columns.iter().map(|column| term(column, i)).sum(),
        };
        (0..n).map(score).collect()
    }

    /// Columns with many ties, and about one failure in eight scores.
    fn drawn(from: &mut Stream, experts: usize, n: usize) -> Vec<Vec<f64>> {
        let mut score = || match below(from, 8) {
            7 => NAN,
            value => 1e3 * (value as f64 - 3.0),
        };
        (0..experts).map(|_| (0..n).map(|_| score()).collect()).collect()
    }

    fn close(a: f64, b: f64) -> bool {
        a.is_nan() && b.is_nan() || (a - b).abs() <= 1e-9 * (1.0 + b.abs())
    }

    fn bits(scores: &[f64]) -> Vec<u64> {
        scores.iter().map(|score| score.to_bits()).collect()
    }

    #[test]
    fn every_rule_is_its_definition_on_ties_failures_and_small_populations() {
        let mut from = stream(1, &["rules"]);
        for case in 0..2_000 {
            let (experts, n) = (1 + case % 5, 1 + case / 5 % 9);
            let columns = drawn(&mut from, experts, n);
            for (name, rule) in RULES {
                let (own, wanted) = (rule.scores(columns.clone(), n), defined(rule, &columns));
                let equal = own.iter().zip(&wanted).all(|(a, b)| close(*a, *b));
                assert!(equal && own.len() == n, "{name} of {columns:?}: {own:?}, not {wanted:?}");
            }
        }
    }

    #[test]
    fn no_order_of_architectures_or_experts_changes_a_bit() {
        let mut from = stream(2, &["rules"]);
        for case in 0..500 {
            let (experts, n) = (2 + case % 4, 2 + case % 30);
            let columns = drawn(&mut from, experts, n);
            // A step that has no factor in common with any number up to 31.
            let place = |at: usize| (at * 37 + case) % n;
            let turned: Vec<Vec<f64>> =
                columns.iter().rev().map(|it| (0..n).map(|at| it[place(at)]).collect()).collect();
            let places: std::collections::BTreeSet<usize> = (0..n).map(place).collect();
            assert_eq!(places.len(), n);
            for (name, rule) in RULES {
                let before = rule.scores(columns.clone(), n);
                let wanted: Vec<f64> = (0..n).map(|at| before[place(at)]).collect();
                let after = rule.scores(turned.clone(), n);
                assert_eq!(bits(&after), bits(&wanted), "{name} of {columns:?}");
            }
        }
    }

    #[test]
    fn repeated_architectures_have_equal_scores_and_a_repeated_expert_counts_twice() {
        let column = [2.0, 5.0, 2.0, 7.0, NAN, NAN];
        for (name, rule) in RULES {
            let own = scores(rule, &[&column, &[1.0, 1.0, 1.0, 0.0, 4.0, 4.0]]);
            assert_eq!(bits(&own[..1]), bits(&own[2..3]), "{name}");
            assert_eq!(bits(&own[4..5]), bits(&own[5..]), "{name}");
            let [once, twice] =
                [&[&column[..]][..], &[&column, &column]].map(|it| scores(rule, it));
            let times = if rule == Rule::Copeland { 1.0 } else { 2.0 };
            let doubled = once.iter().zip(&twice).all(|(a, b)| close(*b, times * a));
            assert!(doubled, "{name}: {once:?}, {twice:?}");
        }
    }

    #[test]
    fn a_failure_ranks_last_and_has_no_value() {
        let columns: [&[f64]; 2] = [&[NAN, -5.0, NAN, 3.0], &[9.0, 1.0, 2.0, 3.0]];
        assert_eq!(scores(Rule::RankSum, &columns), [5.5, 4.0, 3.5, 7.0]);
        let [a, b] = [1.5_f64, 4.0].map(|rank| (rank / 4.0).ln());
        assert_eq!(scores(Rule::LogRank, &columns)[0], a + b);
        for rule in [Rule::MaxNorm, Rule::ZScore] {
            let undefined: Vec<bool> =
                scores(rule, &columns).iter().map(|score| score.is_nan()).collect();
            assert_eq!(undefined, [true, false, true, false]);
        }
        // A population in which everything failed.
        let nothing: [&[f64]; 1] = [&[NAN, NAN]];
        assert_eq!(scores(Rule::RankSum, &nothing), [1.5, 1.5]);
        assert_eq!(scores(Rule::Copeland, &nothing), [0.0, 0.0]);
        assert!(scores(Rule::ZScore, &nothing).iter().all(|score| score.is_nan()));
    }

    #[test]
    fn a_constant_expert_says_nothing_and_large_scores_fit() {
        // The mean of three times 0.1 is not 0.1.
        let columns: [&[f64]; 2] = [&[0.1, 0.1, 0.1], &[1e300, -1e300, 0.0]];
        let z = scores(Rule::ZScore, &columns);
        let wanted = 1.5_f64.sqrt();
        assert!(close(z[0], wanted) && close(z[1], -wanted) && close(z[2], 0.0), "{z:?}");
        assert_eq!(scores(Rule::ZScore, &[&[0.0, -0.0]]), [0.0, 0.0]);
        assert_eq!(scores(Rule::RankSum, &[&[0.0, -0.0]]), [1.5, 1.5]);
        assert_eq!(scores(Rule::MaxNorm, &[&[0.0, 0.0]]), [0.0, 0.0]);
        assert_eq!(scores(Rule::MaxNorm, &columns)[1], 0.1 / (0.1 + 1e-9) - 1.0);
        // One architecture, and none.
        let alone = RULES.map(|(_, rule)| scores(rule, &[&[4.0]])[0]);
        assert_eq!(alone, [0.0, 1.0, 4.0 / (4.0 + 1e-9), 0.0, 0.0]);
        assert!(RULES.iter().all(|(_, rule)| scores(*rule, &[&[]]).is_empty()));
    }
}

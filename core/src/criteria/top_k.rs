//! Criteria on the predicted best or worst k architectures.
//!
//! Ties at the boundary of k have no right answer. Each number is reported as its expectation when
//! ties are broken at random, together with its range over all ways to break them; in the
//! compatibility mode it follows the paper's rule.

use super::rank::{ascending, compare, descending};
use serde::{Deserialize, Serialize};

/// The rule by which ties are broken for the reported number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Compat {
    /// osee's rule: ties are broken in every way, and the mean is reported.
    #[default]
    Osee,
    /// The rule of the paper's tables: a reversed ascending sort of the rows as they were given.
    /// The paper's sort was not stable, so a published number need only lie within the range of
    /// [`TieAware`].
    Awnas,
}

/// A criterion whose value may depend on how ties are broken.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct TieAware {
    /// The reported number: `expected`, or with [`Compat::Awnas`] the number from the paper's order
    /// of the rows.
    pub value: f64,
    /// Mean over random breaking of ties in scores and truth.
    pub expected: f64,
    /// Smallest value over all tie-breakings.
    pub min: f64,
    /// Largest value over all tie-breakings.
    pub max: f64,
}

/// A range up to this width is not shown.
const NARROW: f64 = 0.05;

impl TieAware {
    /// The range if it should be shown beside the number: smallest and largest differ by more than
    /// 0.05.
    pub fn range(&self) -> Option<[f64; 2]> {
        // In floating point, 1 - 0.95 is 0.05 plus a rounding error.
        (self.max - self.min > NARROW + 1e-9).then_some([self.min, self.max])
    }
}

/// Scores and truths, from which criteria on both ends are computed.
pub struct Orders<'a> {
    pub(super) scores: &'a [f64],
    pub(super) truths: &'a [f64],
    /// The order by the paper's rule; `None` if osee's rule is used.
    order: Option<Order>,
}

/// Scores and truths from best to worst by the paper's rule for ties.
struct Order {
    /// Positions in predicted order, best first.
    predicted: Vec<usize>,
    /// True rank of each input, from 0.
    true_rank: Vec<usize>,
}

/// One end of the ranking.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum End {
    Top,
    Bottom,
}

impl<'a> Orders<'a> {
    /// Prepares the criteria, with ties broken as `compat` says.
    pub fn new(scores: &'a [f64], truths: &'a [f64], compat: Compat) -> Self {
        let order = (compat == Compat::Awnas).then(|| Order::new(scores, truths));
        Self { scores, truths, order }
    }

    /// The predicted best or worst `k` by the paper's rule; `None` if osee's rule is used.
    pub(super) fn chosen(&self, k: usize, end: End) -> Option<&[usize]> {
        let predicted = &self.order.as_ref()?.predicted;
        Some(match end {
            End::Top => &predicted[..k],
            End::Bottom => &predicted[predicted.len() - k..],
        })
    }

    /// True ranks, from 0, of the predicted best or worst `k` by the paper's rule.
    fn true_ranks(&self, k: usize, end: End) -> Option<impl Iterator<Item = usize>> {
        let ranks = &self.order.as_ref()?.true_rank;
        Some(self.chosen(k, end)?.iter().map(|&at| ranks[at]))
    }

    /// P@topK or P@bottomK: the share of the predicted k that truly belongs there.
    pub fn precision(&self, k: usize, end: End) -> TieAware {
        let m = self.scores.len();
        let belongs = |rank: &usize| match end {
            End::Top => *rank < k,
            End::Bottom => *rank >= m - k,
        };
        let hits = self.true_ranks(k, end).map(|ranks| ranks.filter(belongs).count());
        let predicted = Membership::of(self.scores, k, end);
        let truly = Membership::of(self.truths, k, end);
        let mut cells = [[0usize; 3]; 3];
        for at in 0..m {
            cells[predicted.class[at] as usize][truly.class[at] as usize] += 1;
        }
        let probability = |class: usize, member: &Membership| match class {
            0 => 1.0,
            1 => member.open as f64 / member.tied.max(1) as f64,
            _ => 0.0,
        };
        let mut expected = 0.0;
        for (p, row) in cells.iter().enumerate() {
            for (t, &count) in row.iter().enumerate() {
                expected += count as f64 * probability(p, &predicted) * probability(t, &truly);
            }
        }
        let [sure, tied, _] = cells;
        // Most hits: from the tied predictions, take sure truths first, then tied ones.
        let first = predicted.open.min(tied[0]);
        let second = (predicted.open - first).min(tied[1]);
        let most = sure[0] + first + truly.open.min(sure[1] + second);
        // Fewest hits: take those that do not belong first, then tied ones, whose places then go to
        // architectures that were not predicted, as far as there are any.
        let misses = predicted.open.min(tied[2]);
        let second = (predicted.open - misses).min(tied[1]);
        let forced = predicted.open - misses - second;
        let elsewhere = truly.tied - sure[1] - second;
        let fewest = sure[0] + forced + truly.open.saturating_sub(elsewhere);
        let share = |hits: usize| hits as f64 / k as f64;
        reported(hits.map(share), expected / k as f64, [share(fewest), share(most)])
    }

    /// BR@K: the best true rank (from 1, over M) among the predicted top k.
    pub fn best_rank(&self, k: usize) -> TieAware {
        let rank = self.true_ranks(k, End::Top).and_then(Iterator::min);
        self.extreme(k, rank, false)
    }

    /// WR@K: the worst true rank (from 1, over M) among the predicted top k.
    pub fn worst_rank(&self, k: usize) -> TieAware {
        let rank = self.true_ranks(k, End::Top).and_then(Iterator::max);
        self.extreme(k, rank, true)
    }

    /// The rank of the chosen architecture nearest to one end of the truth. The worst end is
    /// treated as the best end of the reversed order.
    fn extreme(&self, k: usize, rank: Option<usize>, from_worst: bool) -> TieAware {
        let m = self.truths.len();
        let predicted = Membership::of(self.scores, k, End::Top);
        let mut order = descending(self.truths);
        if from_worst {
            order.reverse();
        }
        let groups = Groups::new(&order, self.truths, &predicted);
        let (expected, least, most) = groups.first_chosen(&predicted);
        let over_m = |rank: f64| match from_worst {
            false => (rank + 1.0) / m as f64,
            true => (m as f64 - rank) / m as f64,
        };
        let (a, b) = (over_m(least), over_m(most));
        let value = rank.map(|rank| (rank + 1) as f64 / m as f64);
        reported(value, over_m(expected), [a.min(b), a.max(b)])
    }
}

impl Order {
    fn new(scores: &[f64], truths: &[f64]) -> Self {
        let order = |values| ascending(values).into_iter().rev().collect::<Vec<usize>>();
        let mut true_rank = vec![0; truths.len()];
        for (rank, at) in order(truths).into_iter().enumerate() {
            true_rank[at] = rank;
        }
        Self { predicted: order(scores), true_rank }
    }
}

/// The result, with the expectation clamped to the range: as a sum of many terms it may miss the
/// range by a rounding error.
fn reported(value: Option<f64>, expected: f64, [min, max]: [f64; 2]) -> TieAware {
    let expected = expected.clamp(min, max);
    TieAware { value: value.unwrap_or(expected), expected, min, max }
}

/// Which architectures are among the k at one end for every tie-breaking, and which for some.
pub(super) struct Membership {
    /// By architecture: 0 always, 1 for some tie-breakings, 2 never.
    pub(super) class: Vec<u8>,
    /// Size of the tie at the boundary.
    tied: usize,
    /// Number of members of the tie that are among the k.
    open: usize,
}

impl Membership {
    pub(super) fn of(values: &[f64], k: usize, end: End) -> Self {
        let order = match end {
            End::Top => descending(values),
            End::Bottom => ascending(values),
        };
        let mut class = vec![2; values.len()];
        let boundary = values[order[k - 1]];
        let (mut sure, mut tied) = (0, 0);
        for &at in &order {
            if compare(values[at], boundary).is_eq() {
                class[at] = 1;
                tied += 1;
            } else if tied == 0 {
                class[at] = 0;
                sure += 1;
            }
        }
        let open = k - sure;
        if open == tied {
            // The whole tie fits, so nothing is open.
            class.iter_mut().filter(|class| **class == 1).for_each(|class| *class = 0);
            return Self { class, tied: 0, open: 0 };
        }
        Self { class, tied, open }
    }
}

/// Groups of equal truth in order, with the numbers of architectures that may be chosen.
struct Groups(Vec<Group>);

#[derive(Default)]
struct Group {
    start: usize,
    size: usize,
    sure: usize,
    tied: usize,
}

impl Groups {
    fn new(order: &[usize], truths: &[f64], predicted: &Membership) -> Self {
        let mut groups: Vec<Group> = Vec::new();
        for (i, &at) in order.iter().enumerate() {
            if i == 0 || compare(truths[order[i - 1]], truths[at]).is_ne() {
                groups.push(Group { start: i, ..Group::default() });
            }
            let group = groups.last_mut().expect("just pushed");
            group.size += 1;
            group.sure += usize::from(predicted.class[at] == 0);
            group.tied += usize::from(predicted.class[at] == 1);
        }
        Self(groups)
    }

    /// Expected, smallest and largest position of the first chosen architecture.
    fn first_chosen(&self, predicted: &Membership) -> (f64, f64, f64) {
        let logs = log_factorials(predicted.tied);
        let choose = |n: usize, k: usize| match k <= n {
            true => logs[n] - logs[k] - logs[n - k],
            false => f64::NEG_INFINITY,
        };
        let all = choose(predicted.tied, predicted.open);
        let (mut expected, mut passed, mut least) = (0.0, 0, None);
        for group in &self.0 {
            if group.sure + group.tied == 0 {
                continue;
            }
            if group.sure > 0 || predicted.open > 0 {
                least.get_or_insert(group.start as f64);
            }
            let behind = predicted.tied - passed - group.tied;
            for taken in 0..=group.tied.min(predicted.open) {
                let chosen = group.sure + taken;
                if chosen == 0 {
                    continue;
                }
                let ways = choose(group.tied, taken) + choose(behind, predicted.open - taken) - all;
                // Expected first of `chosen` random places among `size`.
                let place = (group.size - chosen) as f64 / (chosen + 1) as f64;
                expected += ways.exp() * (group.start as f64 + place);
            }
            if group.sure > 0 {
                break;
            }
            passed += group.tied;
        }
        (expected, least.unwrap_or(0.0), self.last_possible(predicted))
    }

    /// Position of the first chosen one if the tied ones are taken from the far end, and the chosen
    /// are last in their group.
    fn last_possible(&self, predicted: &Membership) -> f64 {
        let mut to_take = predicted.open;
        let mut position = 0.0;
        for group in self.0.iter().rev() {
            let taken = group.tied.min(to_take);
            to_take -= taken;
            if group.sure + taken > 0 {
                position = (group.start + group.size - group.sure - taken) as f64;
            }
        }
        position
    }
}

fn log_factorials(n: usize) -> Vec<f64> {
    let mut logs = vec![0.0; n + 1];
    for i in 1..=n {
        logs[i] = logs[i - 1] + (i as f64).ln();
    }
    logs
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// All orders of `n` things.
    fn permutations(n: usize) -> Vec<Vec<usize>> {
        if n == 0 {
            return vec![Vec::new()];
        }
        let shorter = permutations(n - 1);
        let insert = |p: &Vec<usize>| {
            (0..n)
                .map(|at| {
                    let mut p = p.clone();
                    p.insert(at, n - 1);
                    p
                })
                .collect::<Vec<_>>()
        };
        shorter.iter().flat_map(insert).collect()
    }

    type Criterion = fn(&Orders<'_>, usize) -> TieAware;

    const CRITERIA: [(&str, Criterion); 4] = [
        ("p_top", |o, k| o.precision(k, End::Top)),
        ("p_bottom", |o, k| o.precision(k, End::Bottom)),
        ("br", |o, k| o.best_rank(k)),
        ("wr", |o, k| o.worst_rank(k)),
    ];

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn expectation_and_range_are_those_over_all_tie_breakings(
            rows in prop::collection::vec((0i32..3, 0i32..3), 5),
            k in 1usize..5,
        ) {
            let x: Vec<f64> = rows.iter().map(|r| f64::from(r.0)).collect();
            let y: Vec<f64> = rows.iter().map(|r| f64::from(r.1)).collect();
            let broken = |values: &[f64], order: &[usize]| -> Vec<f64> {
                values.iter().zip(order).map(|(v, o)| v + *o as f64 * 1e-3).collect()
            };
            for (name, criterion) in CRITERIA {
                let ours = criterion(&Orders::new(&x, &y, Compat::Osee), k);
                let mut all = Vec::new();
                for p in permutations(5) {
                    for q in permutations(5) {
                        let (x, y) = (broken(&x, &p), broken(&y, &q));
                        // `value` follows the paper's rule, which has no choice without ties.
                        all.push(criterion(&Orders::new(&x, &y, Compat::Awnas), k).value);
                    }
                }
                let mean = all.iter().sum::<f64>() / all.len() as f64;
                let (min, max) = all.iter().fold((f64::MAX, f64::MIN), |(a, b), v| (a.min(*v), b.max(*v)));
                prop_assert!((ours.expected - mean).abs() < 1e-9, "{} {:?} mean {}", name, ours, mean);
                prop_assert!((ours.min - min).abs() < 1e-9 && (ours.max - max).abs() < 1e-9,
                    "{} {:?} range {} {}", name, ours, min, max);
                prop_assert_eq!(ours.value, ours.expected);
                let theirs = criterion(&Orders::new(&x, &y, Compat::Awnas), k);
                prop_assert!(ours.min <= theirs.value && theirs.value <= ours.max);
                prop_assert_eq!(theirs.expected, ours.expected);
            }
        }
    }

    #[test]
    fn a_constant_score_picks_at_random_in_any_order_of_rows() {
        let best_first: Vec<f64> = (0..100).rev().map(f64::from).collect();
        let worst_first: Vec<f64> = (0..100).map(f64::from).collect();
        for truth in [best_first, worst_first] {
            let orders = Orders::new(&[1.0; 100], &truth, Compat::Osee);
            let top = orders.precision(5, End::Top);
            assert!((top.value - 0.05).abs() < 1e-12, "{top:?}");
            assert_eq!(top.range(), Some([0.0, 1.0]));
            // Of 5 random places out of 100, the worst is at 5 * 101 / 6 on average.
            let worst = orders.worst_rank(5);
            assert!((worst.value - 5.0 * 101.0 / 6.0 / 100.0).abs() < 1e-12, "{worst:?}");
        }
    }

    #[test]
    fn a_narrow_range_is_not_worth_its_room() {
        let within = |min, max| TieAware { value: min, expected: min, min, max }.range();
        assert_eq!((within(0.95, 1.0), within(0.3, 0.3)), (None, None));
        assert_eq!(within(0.4, 0.6), Some([0.4, 0.6]));
    }
}

//! Criteria on the predicted best or worst k architectures.
//!
//! Ties at the boundary of k have no right answer. Each number is given by a
//! fixed rule (input order), together with its expectation when ties are
//! broken at random, and the range over all ways to break them.

use super::rank::{ascending, compare, descending};
use serde::{Deserialize, Serialize};

/// A criterion whose value may depend on how ties are broken.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct TieAware {
    /// Ties broken by input order (or as the compatibility mode says).
    pub value: f64,
    /// Mean over random tie-breaking of scores and truth.
    pub expected: f64,
    /// Smallest over all tie-breakings.
    pub min: f64,
    /// Largest over all tie-breakings.
    pub max: f64,
}

/// Both sides in an order from best to worst.
pub struct Orders<'a> {
    scores: &'a [f64],
    truths: &'a [f64],
    /// Predicted order, best first.
    pub predicted: Vec<usize>,
    /// True rank from 0 of each input.
    true_rank: Vec<usize>,
}

/// Which end of the ranking.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum End {
    Top,
    Bottom,
}

impl<'a> Orders<'a> {
    /// `reversed` breaks ties as a reversed stable ascending sort does.
    pub fn new(scores: &'a [f64], truths: &'a [f64], reversed: bool) -> Self {
        let order = |values| match reversed {
            true => ascending(values).into_iter().rev().collect(),
            false => descending(values),
        };
        let predicted = order(scores);
        let mut true_rank = vec![0; truths.len()];
        for (rank, at) in order(truths).into_iter().enumerate() {
            true_rank[at] = rank;
        }
        Self { scores, truths, predicted, true_rank }
    }

    /// The predicted best or worst `k`.
    pub fn chosen(&self, k: usize, end: End) -> &[usize] {
        match end {
            End::Top => &self.predicted[..k],
            End::Bottom => &self.predicted[self.predicted.len() - k..],
        }
    }

    /// P@topK or P@bottomK: the share of the predicted k that truly belongs
    /// there.
    pub fn precision(&self, k: usize, end: End) -> TieAware {
        let m = self.scores.len();
        let belongs = |at: &&usize| match end {
            End::Top => self.true_rank[**at] < k,
            End::Bottom => self.true_rank[**at] >= m - k,
        };
        let hits = self.chosen(k, end).iter().filter(belongs).count();
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
        // Most hits: of the tied predictions take the sure truths, then the tied ones.
        let first = predicted.open.min(tied[0]);
        let second = (predicted.open - first).min(tied[1]);
        let most = sure[0] + first + truly.open.min(sure[1] + second);
        // Fewest: take those that do not belong, then the tied ones, whose
        // places then go to unpredicted ones as far as there are any.
        let misses = predicted.open.min(tied[2]);
        let second = (predicted.open - misses).min(tied[1]);
        let forced = predicted.open - misses - second;
        let elsewhere = truly.tied - sure[1] - second;
        let fewest = sure[0] + forced + truly.open.saturating_sub(elsewhere);
        let share = |hits: usize| hits as f64 / k as f64;
        TieAware {
            value: share(hits),
            expected: expected / k as f64,
            min: share(fewest),
            max: share(most),
        }
    }

    /// BR@K: the best true rank (from 1, over M) among the predicted top k.
    pub fn best_rank(&self, k: usize) -> TieAware {
        let value = self.chosen(k, End::Top).iter().map(|&at| self.true_rank[at]).min();
        self.extreme(k, value.unwrap_or(0), false)
    }

    /// WR@K: the worst true rank (from 1, over M) among the predicted top k.
    pub fn worst_rank(&self, k: usize) -> TieAware {
        let value = self.chosen(k, End::Top).iter().map(|&at| self.true_rank[at]).max();
        self.extreme(k, value.unwrap_or(0), true)
    }

    /// The rank of the chosen one nearest to one end of the truth; seen from
    /// the worst end the same as seen from the best, mirrored.
    fn extreme(&self, k: usize, rank: usize, from_worst: bool) -> TieAware {
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
        TieAware {
            value: (rank + 1) as f64 / m as f64,
            expected: over_m(expected),
            min: a.min(b),
            max: a.max(b),
        }
    }
}

/// Who is among the k at one end, whatever the tie-breaking.
struct Membership {
    /// 0 surely, 1 if a tie is broken so, 2 surely not.
    class: Vec<u8>,
    /// Size of the tie at the boundary.
    tied: usize,
    /// How many of the tie get in.
    open: usize,
}

impl Membership {
    fn of(values: &[f64], k: usize, end: End) -> Self {
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
            // The tie fits whole: nothing is open.
            class.iter_mut().filter(|class| **class == 1).for_each(|class| *class = 0);
            return Self { class, tied: 0, open: 0 };
        }
        Self { class, tied, open }
    }
}

/// Groups of equal truth in order, with who of them may be chosen.
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

    /// Expected, least and most position of the first chosen one.
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
                // First of `chosen` random places among `size`.
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

    /// The tied ones taken from the far end, the chosen last in their group.
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

    /// Every order of `n` things.
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
                let ours = criterion(&Orders::new(&x, &y, false), k);
                let mut all = Vec::new();
                for p in permutations(5) {
                    for q in permutations(5) {
                        let (x, y) = (broken(&x, &p), broken(&y, &q));
                        all.push(criterion(&Orders::new(&x, &y, false), k).value);
                    }
                }
                let mean = all.iter().sum::<f64>() / all.len() as f64;
                let (min, max) = all.iter().fold((f64::MAX, f64::MIN), |(a, b), v| (a.min(*v), b.max(*v)));
                prop_assert!((ours.expected - mean).abs() < 1e-9, "{} {:?} mean {}", name, ours, mean);
                prop_assert!((ours.min - min).abs() < 1e-9 && (ours.max - max).abs() < 1e-9,
                    "{} {:?} range {} {}", name, ours, min, max);
                prop_assert!(ours.min <= ours.value && ours.value <= ours.max);
            }
        }
    }
}

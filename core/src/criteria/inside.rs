//! tau-b inside the predicted best or worst k architectures.
//!
//! Where a tie of scores crosses the boundary of k, any of its members may be inside. They are tied
//! with one another, and all on the same side of those that are surely inside. So a choice of them
//! only adds each member's pairs with the sure ones, and ties of truth: O(k) per tie-breaking.

use super::{
    correlation::{Pairs, RankedPair, choose_two, kendall_tau_b},
    rank::dense,
    top_k::{End, Membership, Orders, TieAware},
};
use osee_model::seed::{below, stream};

/// If there are at most this many tie-breakings, all are tried; else this many are drawn.
const TIE_BREAKINGS: usize = 1000;

impl Orders<'_> {
    /// tau-b inside the predicted top or bottom k: mean and range over all tie-breakings if there
    /// are at most 1,000, else over 1,000 drawn with `seed`. Tie-breakings with an undefined tau-b
    /// are left out; `None` if all are.
    pub fn kd_inside(&self, k: usize, end: End, seed: u64) -> Option<TieAware> {
        let mut inside = Inside::new(self.scores, self.truths, k, end);
        let mut found: Option<TieAware> = None;
        let mut defined = 0.0;
        inside.each_tie_breaking(seed, |tau| {
            let all =
                found.get_or_insert(TieAware { value: tau, expected: 0.0, min: tau, max: tau });
            all.expected += tau;
            (all.min, all.max) = (all.min.min(tau), all.max.max(tau));
            defined += 1.0;
        });
        let mut all = found?;
        all.expected = (all.expected / defined).clamp(all.min, all.max);
        let Some(chosen) = self.chosen(k, end) else {
            return Some(TieAware { value: all.expected, ..all });
        };
        let pick = |values: &[f64]| chosen.iter().map(|&at| values[at]).collect::<Vec<f64>>();
        let value = kendall_tau_b(&pick(self.scores), &pick(self.truths))?;
        Some(TieAware { value, min: all.min.min(value), max: all.max.max(value), ..all })
    }
}

struct Inside {
    /// Pairs among the architectures that are surely inside.
    sure: Pairs,
    /// Number of architectures inside, by truth.
    per_truth: Vec<u64>,
    /// For each member of the tie, in ascending order of truth: concordant minus discordant pairs
    /// with the sure ones, and the rank of its truth.
    tie: Vec<(i64, usize)>,
    /// Number of members of the tie that are inside.
    open: usize,
    k: usize,
}

impl Inside {
    fn new(scores: &[f64], truths: &[f64], k: usize, end: End) -> Self {
        let class = Membership::of(scores, k, end).class;
        let (ranks, distinct) = dense(truths);
        let of_class = |wanted: u8| {
            class.iter().enumerate().filter_map(move |(at, it)| (*it == wanted).then_some(at))
        };
        let sure: Vec<usize> = of_class(0).collect();
        let pick = |values: &[f64]| sure.iter().map(|&at| values[at]).collect::<Vec<f64>>();
        let pairs = RankedPair::new(&pick(scores), &pick(truths)).pairs();
        let mut per_truth = vec![0u64; distinct];
        sure.iter().for_each(|&at| per_truth[ranks[at] as usize] += 1);
        // The number of sure architectures with a lower truth, for each truth.
        let mut lower = vec![0u64; distinct + 1];
        for truth in 0..distinct {
            lower[truth + 1] = lower[truth] + per_truth[truth];
        }
        let mut tie: Vec<(i64, usize)> = of_class(1)
            .map(|at| {
                let truth = ranks[at] as usize;
                let higher = sure.len() as u64 - lower[truth + 1];
                let net = higher as i64 - lower[truth] as i64;
                (if end == End::Top { net } else { -net }, truth)
            })
            .collect();
        tie.sort_unstable_by_key(|(_, truth)| *truth);
        Self { sure: pairs, per_truth, tie, open: k - sure.len(), k }
    }

    /// tau-b if these members of the tie are inside.
    fn tau_b(&mut self, chosen: &[usize]) -> Option<f64> {
        let mut pairs = Pairs { all: choose_two(self.k as u64) as f64, ..self.sure };
        pairs.tied_in_score += choose_two(self.open as u64) as f64;
        for &at in chosen {
            let (net, truth) = self.tie[at];
            pairs.concordant_minus_discordant += net as f64;
            pairs.tied_in_truth += self.per_truth[truth] as f64;
            self.per_truth[truth] += 1;
        }
        chosen.iter().for_each(|&at| self.per_truth[self.tie[at].1] -= 1);
        pairs.tau_b()
    }

    fn each_tie_breaking(&mut self, seed: u64, mut seen: impl FnMut(f64)) {
        let (tied, open) = (self.tie.len(), self.open);
        if few_ways(tied, open) {
            let mut chosen: Vec<usize> = (0..open).collect();
            loop {
                self.tau_b(&chosen).into_iter().for_each(&mut seen);
                if !next_choice(&mut chosen, tied) {
                    return;
                }
            }
        }
        let mut stream = stream(seed, &["tie-breakings"]);
        let mut order: Vec<usize> = (0..tied).collect();
        for _ in 0..TIE_BREAKINGS {
            for i in 0..open {
                let j = i + below(&mut stream, tied - i);
                order.swap(i, j);
            }
            self.tau_b(&order[..open]).into_iter().for_each(&mut seen);
        }
    }
}

/// True if k of n can be chosen in at most [`TIE_BREAKINGS`] ways.
fn few_ways(n: usize, k: usize) -> bool {
    let k = k.min(n - k);
    let mut ways = 1;
    for i in 1..=k {
        ways = ways * (n - k + i) / i;
        if ways > TIE_BREAKINGS {
            return false;
        }
    }
    true
}

/// Advances to the next choice from `n` in lexicographic order; false after the last.
fn next_choice(chosen: &mut [usize], n: usize) -> bool {
    let k = chosen.len();
    let Some(at) = (0..k).rev().find(|&i| chosen[i] < n - k + i) else { return false };
    chosen[at] += 1;
    for i in at + 1..k {
        chosen[i] = chosen[i - 1] + 1;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::criteria::Compat;
    use proptest::prelude::*;

    /// tau-b inside each set of k rows that some order of the ties puts at one end.
    fn by_definition(scores: &[f64], truths: &[f64], k: usize, end: End) -> Vec<Option<f64>> {
        let m = scores.len();
        let better = |a: usize, b: usize| match end {
            End::Top => scores[a] > scores[b],
            End::Bottom => scores[a] < scores[b],
        };
        let sets = (0u32..1 << m).filter(|set| set.count_ones() as usize == k);
        let inside = |set: u32| (0..m).partition::<Vec<usize>, _>(|at| set >> at & 1 == 1);
        sets.map(inside)
            .filter(|(inside, outside)| {
                outside.iter().all(|&out| inside.iter().all(|&of| !better(out, of)))
            })
            .map(|(inside, _)| {
                let pick = |v: &[f64]| inside.iter().map(|&at| v[at]).collect::<Vec<f64>>();
                kendall_tau_b(&pick(scores), &pick(truths))
            })
            .collect()
    }

    proptest! {
        #[test]
        fn mean_and_range_are_those_over_all_tie_breakings(
            rows in prop::collection::vec((0i32..4, 0i32..5), 3..11),
            part in 0.0f64..1.0,
        ) {
            let x: Vec<f64> = rows.iter().map(|r| f64::from(r.0)).collect();
            let y: Vec<f64> = rows.iter().map(|r| f64::from(r.1)).collect();
            let k = 1 + (part * rows.len() as f64) as usize;
            for end in [End::Top, End::Bottom] {
                let ours = Orders::new(&x, &y, Compat::Osee).kd_inside(k, end, 0);
                let all: Vec<f64> = by_definition(&x, &y, k, end).into_iter().flatten().collect();
                let Some(ours) = ours else {
                    prop_assert!(all.is_empty());
                    continue;
                };
                let mean = all.iter().sum::<f64>() / all.len() as f64;
                let least = all.iter().copied().fold(f64::MAX, f64::min);
                let most = all.iter().copied().fold(f64::MIN, f64::max);
                prop_assert!((ours.value - mean).abs() < 1e-12, "{:?} {}", ours, mean);
                prop_assert!((ours.min - least).abs() < 1e-12 && (ours.max - most).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn of_many_tie_breakings_a_thousand_are_drawn() {
        // 15 are surely inside, and 35 of 85 tied ones: about 10^24 ways.
        let truth: Vec<f64> = (0..100).map(|i| f64::from(i * 37 % 100)).collect();
        let scores: Vec<f64> = truth.iter().map(|t| t.max(84.0)).collect();
        let ours = Orders::new(&scores, &truth, Compat::Osee).kd_inside(50, End::Top, 0).unwrap();
        // Whichever members of the tie are inside, they are below all sure ones in truth too. So
        // every tie-breaking has 105 + 15 * 35 concordant pairs and 595 tied ones.
        let tau = (105.0 + 525.0) / (1225.0f64 * (1225.0 - 595.0)).sqrt();
        assert!((ours.value - tau).abs() < 1e-12 && ours.max - ours.min < 1e-12, "{ours:?}");
        let mixed: Vec<f64> = truth.iter().map(|t| (t * 7.0) % 100.0).collect();
        let drawn = |seed| Orders::new(&scores, &mixed, Compat::Osee).kd_inside(50, End::Top, seed);
        let (one, other) = (drawn(0).unwrap(), drawn(1).unwrap());
        assert_eq!(drawn(0), Some(one));
        assert!(one != other && (one.value - other.value).abs() < 0.02, "{one:?} {other:?}");
        assert!(one.min < one.value && one.value < one.max, "{one:?}");
    }
}

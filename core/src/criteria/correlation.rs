//! Correlation of a score with the truth.

use super::rank::{average, compare, dense};

/// Score and truth as dense ranks, sorted once, so that tau-b can be computed for many resamples.
/// Rows are in ascending order of truth, then of score, whatever order they were given in.
pub struct RankedPair {
    /// Dense ranks of the scores, by row.
    scores: Vec<u32>,
    /// Dense ranks of the truth, by row; ascending.
    truths: Vec<u32>,
    /// Input position of each row.
    positions: Vec<usize>,
    distinct_scores: usize,
}

/// For each input, the number of others with which it forms pairs of some kind. Sums over inputs
/// count every pair twice.
pub struct Concordance {
    /// Concordant minus discordant pairs.
    pub net: Vec<i64>,
    /// Pairs that differ in score.
    pub untied_in_score: Vec<u64>,
    /// Pairs that differ in truth.
    pub untied_in_truth: Vec<u64>,
}

/// Numbers of pairs, from which Kendall's coefficients follow.
#[derive(Debug, Clone, Copy)]
pub struct Pairs {
    pub all: f64,
    pub concordant_minus_discordant: f64,
    pub tied_in_score: f64,
    pub tied_in_truth: f64,
}

impl RankedPair {
    pub fn new(scores: &[f64], truths: &[f64]) -> Self {
        let (score_ranks, distinct_scores) = dense(scores);
        let (truth_ranks, _) = dense(truths);
        let mut positions: Vec<usize> = (0..scores.len()).collect();
        positions.sort_by_key(|&at| (truth_ranks[at], score_ranks[at]));
        Self {
            scores: positions.iter().map(|&at| score_ranks[at]).collect(),
            truths: positions.iter().map(|&at| truth_ranks[at]).collect(),
            positions,
            distinct_scores,
        }
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.truths.len()
    }

    /// Numbers of pairs where every row counts once.
    pub fn pairs(&self) -> Pairs {
        self.count(|_| 1)
    }

    /// tau-b where row `i`, in ascending order of truth and score, counts `times[i]` times.
    pub fn tau_b(&self, times: &[u32]) -> Option<f64> {
        self.count(|row| times[row]).tau_b()
    }

    /// Sizes of the groups of equal score, and of equal truth.
    pub fn tie_sizes(&self) -> [Vec<u64>; 2] {
        [&self.scores, &self.truths].map(|ranks| {
            let mut sizes = vec![0u64; self.truths.len()];
            ranks.iter().for_each(|rank| sizes[*rank as usize] += 1);
            sizes
        })
    }

    /// The pairs of every input with all others, in input order; takes O(M log M).
    pub fn concordance(&self) -> Concordance {
        let m = self.truths.len();
        let mut net = vec![0i64; m];
        self.add_lower(0..m, 1, &mut net);
        self.add_lower((0..m).rev(), -1, &mut net);
        let mut per_score = vec![0u64; self.distinct_scores];
        let mut per_truth = vec![0u64; m];
        for (&score, &truth) in self.scores.iter().zip(&self.truths) {
            per_score[score as usize] += 1;
            per_truth[truth as usize] += 1;
        }
        let mut all = Concordance { net, untied_in_score: vec![0; m], untied_in_truth: vec![0; m] };
        for (i, &at) in self.positions.iter().enumerate() {
            all.untied_in_score[at] = m as u64 - per_score[self.scores[i] as usize];
            all.untied_in_truth[at] = m as u64 - per_truth[self.truths[i] as usize];
        }
        all
    }

    /// Adds to each input, times `sign`, the number of inputs with another truth that come before
    /// it in `order` with a lower score, minus the number of those with a higher score.
    fn add_lower(&self, order: impl Iterator<Item = usize>, sign: i64, net: &mut [i64]) {
        let mut tree = vec![0u32; self.distinct_scores + 1];
        let mut seen = 0u32;
        let mut group: Vec<usize> = Vec::new();
        for i in order {
            if group.first().is_some_and(|&first| self.truths[first] != self.truths[i]) {
                seen += group.len() as u32;
                group.drain(..).for_each(|i| add(&mut tree, self.scores[i] as usize, 1));
            }
            let rank = self.scores[i] as usize;
            let (below, up_to) = (prefix(&tree, rank), prefix(&tree, rank + 1));
            net[self.positions[i]] += sign * (i64::from(below) - i64::from(seen - up_to));
            group.push(i);
        }
    }

    /// Knight's algorithm (JASA 1966) with a Fenwick tree over score ranks.
    fn count(&self, times: impl Fn(usize) -> u32) -> Pairs {
        let mut tree = vec![0u32; self.distinct_scores + 1];
        let mut per_score = vec![0u32; self.distinct_scores];
        let mut seen = 0u64;
        let (mut concordant, mut discordant) = (0u64, 0u64);
        let mut tied_in_truth = 0u64;
        let mut start = 0;
        while start < self.truths.len() {
            let mut end = start;
            let mut group = 0u64;
            while end < self.truths.len() && self.truths[end] == self.truths[start] {
                let count = u64::from(times(end));
                if count > 0 {
                    let rank = self.scores[end] as usize;
                    let below = u64::from(prefix(&tree, rank));
                    concordant += count * below;
                    discordant += count * (seen - below - u64::from(per_score[rank]));
                    group += count;
                }
                end += 1;
            }
            for row in start..end {
                let (rank, count) = (self.scores[row] as usize, times(row));
                if count > 0 {
                    add(&mut tree, rank, count);
                    per_score[rank] += count;
                }
            }
            seen += group;
            tied_in_truth += choose_two(group);
            start = end;
        }
        let tied_in_score: u64 = per_score.into_iter().map(|n| choose_two(n.into())).sum();
        Pairs {
            all: choose_two(seen) as f64,
            concordant_minus_discordant: concordant as f64 - discordant as f64,
            tied_in_score: tied_in_score as f64,
            tied_in_truth: tied_in_truth as f64,
        }
    }
}

impl Pairs {
    /// Kendall's tau-b; `None` if either side is constant.
    pub fn tau_b(&self) -> Option<f64> {
        let scale = ((self.all - self.tied_in_score) * (self.all - self.tied_in_truth)).sqrt();
        (scale > 0.0).then(|| (self.concordant_minus_discordant / scale).clamp(-1.0, 1.0))
    }

    /// Kendall's tau-a; `None` if there are fewer than two rows.
    pub fn tau_a(&self) -> Option<f64> {
        (self.all > 0.0).then(|| self.concordant_minus_discordant / self.all)
    }
}

pub(super) fn choose_two(n: u64) -> u64 {
    n * n.saturating_sub(1) / 2
}

/// Sum of the counts of all ranks below `rank`.
fn prefix(tree: &[u32], rank: usize) -> u32 {
    let (mut i, mut sum) = (rank, 0);
    while i > 0 {
        sum += tree[i];
        i &= i - 1;
    }
    sum
}

fn add(tree: &mut [u32], rank: usize, count: u32) {
    let mut i = rank + 1;
    while i < tree.len() {
        tree[i] += count;
        i += i & i.wrapping_neg();
    }
}

/// Kendall's tau-b, which corrects for ties: the paper's KD, and `scipy.stats.kendalltau`. `None`
/// if either side is constant.
pub fn kendall_tau_b(scores: &[f64], truths: &[f64]) -> Option<f64> {
    RankedPair::new(scores, truths).pairs().tau_b()
}

/// Kendall's tau-a: ties count as neither concordant nor discordant. `None` for fewer than two.
pub fn kendall_tau_a(scores: &[f64], truths: &[f64]) -> Option<f64> {
    RankedPair::new(scores, truths).pairs().tau_a()
}

/// Spearman's rho on average ranks. `None` if either side is constant.
pub fn spearman(scores: &[f64], truths: &[f64]) -> Option<f64> {
    pearson(&average(scores), &average(truths))
}

/// Pearson's linear correlation, the paper's LC. `None` if either side is constant or not finite.
/// Sums are taken in ascending order of score and truth, so that they do not depend on the order of
/// the rows.
pub fn pearson(scores: &[f64], truths: &[f64]) -> Option<f64> {
    let mut rows: Vec<(f64, f64)> = scores.iter().copied().zip(truths.iter().copied()).collect();
    rows.sort_by(|a, b| compare(a.0, b.0).then_with(|| compare(a.1, b.1)));
    let (scores, truths): (Vec<f64>, Vec<f64>) = rows.into_iter().unzip();
    let (x, y) = (centred(&scores)?, centred(&truths)?);
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let correlation = dot(&x, &y) / (dot(&x, &x) * dot(&y, &y)).sqrt();
    correlation.is_finite().then(|| correlation.clamp(-1.0, 1.0))
}

/// The values minus their mean, in units of their range. Without the scaling, synflow's squares
/// would overflow f64; without the centring, a common offset would cost digits. `None` if the range
/// is 0.
fn centred(values: &[f64]) -> Option<Vec<f64>> {
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    // The range itself may be too large for f64.
    let scale = if (high - low).is_finite() { 1.0 } else { 0.5 };
    let range = high * scale - low * scale;
    if range.is_nan() || range <= 0.0 {
        return None;
    }
    let shares: Vec<f64> = values.iter().map(|v| (v * scale - low * scale) / range).collect();
    let mean = shares.iter().sum::<f64>() / shares.len() as f64;
    Some(shares.into_iter().map(|share| share - mean).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The coefficients over all pairs, by definition.
    fn by_definition(x: &[f64], y: &[f64]) -> (f64, f64, f64, f64) {
        let (mut s, mut all, mut tied_x, mut tied_y) = (0.0, 0.0, 0.0, 0.0);
        for i in 0..x.len() {
            for j in 0..i {
                let sign = |a: f64, b: f64| (a > b) as i32 as f64 - (a < b) as i32 as f64;
                let (dx, dy) = (sign(x[i], x[j]), sign(y[i], y[j]));
                s += dx * dy;
                all += 1.0;
                tied_x += f64::from(dx == 0.0);
                tied_y += f64::from(dy == 0.0);
            }
        }
        (s, all, tied_x, tied_y)
    }

    proptest! {
        #[test]
        fn tau_is_that_of_the_definition_under_heavy_ties(
            pairs in prop::collection::vec((0i32..6, 0i32..9), 2..60)
        ) {
            let x: Vec<f64> = pairs.iter().map(|p| f64::from(p.0)).collect();
            let y: Vec<f64> = pairs.iter().map(|p| f64::from(p.1)).collect();
            let (s, all, tied_x, tied_y) = by_definition(&x, &y);
            prop_assert!((kendall_tau_a(&x, &y).unwrap() - s / all).abs() < 1e-12);
            let scale = ((all - tied_x) * (all - tied_y)).sqrt();
            match kendall_tau_b(&x, &y) {
                Some(tau) => prop_assert!((tau - s / scale).abs() < 1e-12),
                None => prop_assert_eq!(scale, 0.0),
            }
        }

        #[test]
        fn concordance_is_that_of_the_definition(
            pairs in prop::collection::vec((0i32..6, 0i32..9), 1..60)
        ) {
            let x: Vec<f64> = pairs.iter().map(|p| f64::from(p.0)).collect();
            let y: Vec<f64> = pairs.iter().map(|p| f64::from(p.1)).collect();
            let all = RankedPair::new(&x, &y).concordance();
            for i in 0..x.len() {
                let (mut net, mut score, mut truth) = (0, 0, 0);
                for j in 0..x.len() {
                    let sign = |a: f64, b: f64| i64::from(a > b) - i64::from(a < b);
                    net += sign(x[i], x[j]) * sign(y[i], y[j]);
                    score += u64::from(x[i] != x[j]);
                    truth += u64::from(y[i] != y[j]);
                }
                prop_assert_eq!(all.net[i], net);
                prop_assert_eq!((all.untied_in_score[i], all.untied_in_truth[i]), (score, truth));
            }
        }

        #[test]
        fn multiplicities_are_repetitions(
            rows in prop::collection::vec((0i32..6, 0i32..9, 0u32..4), 2..40)
        ) {
            let x: Vec<f64> = rows.iter().map(|r| f64::from(r.0)).collect();
            let y: Vec<f64> = rows.iter().map(|r| f64::from(r.1)).collect();
            let times: Vec<u32> = rows.iter().map(|r| r.2).collect();
            let repeat = |v: &[f64]| -> Vec<f64> {
                v.iter().zip(&times).flat_map(|(v, &t)| vec![*v; t as usize]).collect()
            };
            let direct = kendall_tau_b(&repeat(&x), &repeat(&y));
            let pair = RankedPair::new(&x, &y);
            let sorted: Vec<u32> = pair.positions.iter().map(|&at| times[at]).collect();
            let counted = pair.tau_b(&sorted);
            match (direct, counted) {
                (Some(a), Some(b)) => prop_assert!((a - b).abs() < 1e-12),
                (a, b) => prop_assert_eq!(a, b),
            }
        }
    }

    #[test]
    fn values_of_scipy_are_reproduced() {
        // scipy 1.16: kendalltau, spearmanr, pearsonr
        let x = [12.0, 2.0, 1.0, 12.0, 2.0];
        let y = [1.0, 4.0, 7.0, 1.0, 0.0];
        assert!((kendall_tau_b(&x, &y).unwrap() + 0.471_404_520_791_031_7).abs() < 1e-12);
        let x = [1.0, 2.0, 3.0, 4.0, 5.0];
        let y = [5.0, 6.0, 7.0, 8.0, 7.0];
        assert!((spearman(&x, &y).unwrap() - 0.820_782_681_668_123_3).abs() < 1e-12);
        assert!((pearson(&x, &y).unwrap() - 0.832_050_294_337_843_7).abs() < 1e-12);
    }

    #[test]
    fn a_constant_side_has_no_correlation() {
        let (flat, slope) = ([1.0; 4], [1.0, 2.0, 3.0, 4.0]);
        assert_eq!(kendall_tau_b(&flat, &slope), None);
        assert_eq!(spearman(&slope, &flat), None);
        assert_eq!(pearson(&flat, &slope), None);
    }

    #[test]
    fn large_scores_do_not_overflow() {
        let x = [1e300, 2e300, 3e300];
        assert!((pearson(&x, &[1.0, 2.0, 3.0]).unwrap() - 1.0).abs() < 1e-12);
    }
}

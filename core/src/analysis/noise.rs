//! How good can any estimator look? A truth that is the mean of a few
//! trainings is itself an estimate.
//!
//! Reproducibility of the mean of n trainings follows from that of one by
//! Spearman and Brown's formula (Brit. J. Psychol. 3, 1910), and the
//! correlation with what infinitely many trainings would give is the root of
//! it (Spearman 1904). Both hold for Pearson's correlation; tau is taken there
//! and back by Greiner's relation for normal pairs, tau = 2/pi asin(rho)
//! (Kruskal, JASA 53, 1958). [`SplitCheck`] says how well that fits the data.

use super::{AnalysisError, at_least};
use crate::{
    criteria::{INTERVAL_FROM, kendall_tau_b, pearson},
    mean::mean as mean_of,
};
use serde::Serialize;
use std::f64::consts::PI;

/// Two trainings against one another.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SeedPair {
    /// Position of the one.
    pub first: usize,
    /// Position of the other.
    pub second: usize,
    /// Architectures that have both.
    pub architectures: usize,
    /// tau-b; `None` where a side is constant or there are fewer than two.
    pub kd: Option<f64>,
    /// Pearson's correlation; `None` likewise.
    pub lc: Option<f64>,
}

/// What the mean of n trainings is worth, estimated.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Ceiling {
    /// n.
    pub seeds: usize,
    /// tau between the mean of n and the mean of another n.
    pub reproducibility_kd: f64,
    /// tau that a perfect estimator would have with the mean of n.
    pub ceiling_kd: f64,
}

/// One training against the mean of the others, where there are three or more.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SplitCheck {
    /// Trainings per architecture that are used.
    pub seeds: usize,
    /// Architectures that have as many.
    pub architectures: usize,
    /// tau-b found, mean over which one is left out.
    pub kd: f64,
    /// tau that the same formula predicts from single trainings of these
    /// architectures.
    pub predicted_kd: f64,
}

/// Noise of a truth.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NoiseReport {
    /// Architectures by number of trainings, from none.
    pub trainings: Vec<usize>,
    /// All pairs of positions that two or more architectures have.
    pub pairs: Vec<SeedPair>,
    /// The fewest architectures of a pair that has a tau-b; 0 without one.
    pub architectures: usize,
    /// Mean tau-b over the pairs; `None` without one that is defined.
    pub seed_kd: Option<f64>,
    /// Mean Pearson's correlation over the pairs.
    pub seed_lc: Option<f64>,
    /// For 1 to the most trainings there are; empty where `seed_kd` is
    /// `None` or not above 0, or of so few architectures that a tau-b has no
    /// interval.
    pub ceilings: Vec<Ceiling>,
    /// `None` where no two architectures have three trainings.
    pub check: Option<SplitCheck>,
}

/// Noise of a truth; `runs[i]` are the results of architecture `i`'s trainings
/// by seed, NaN or cut off where there is none.
///
/// # Errors
/// Fewer than two architectures, or an infinite result.
pub fn noise_ceiling(runs: &[Vec<f64>]) -> Result<NoiseReport, AnalysisError> {
    at_least("architectures", runs.len(), 2)?;
    if let Some(row) = runs.iter().position(|runs| runs.iter().any(|it| it.is_infinite())) {
        return Err(AnalysisError::NotFinite { what: "result".to_owned(), row });
    }
    let most = runs.iter().map(Vec::len).max().unwrap_or(0);
    let mut trainings = vec![0; most + 1];
    runs.iter().for_each(|runs| trainings[there(runs)] += 1);
    let pairs = seed_pairs(runs, most);
    let seed_kd = mean(pairs.iter().filter_map(|pair| pair.kd));
    let defined = pairs.iter().filter(|pair| pair.kd.is_some());
    let architectures = defined.map(|pair| pair.architectures).min().unwrap_or(0);
    let ceilings = match seed_kd {
        Some(tau) if tau > 0.0 && architectures >= INTERVAL_FROM => {
            (1..=most).map(|n| ceiling(tau, n)).collect()
        }
        _ => Vec::new(),
    };
    Ok(NoiseReport {
        trainings,
        seed_lc: mean(pairs.iter().filter_map(|pair| pair.lc)),
        check: check(runs, most),
        pairs,
        architectures,
        seed_kd,
        ceilings,
    })
}

fn there(runs: &[f64]) -> usize {
    runs.iter().filter(|run| !run.is_nan()).count()
}

fn seed_pairs(runs: &[Vec<f64>], most: usize) -> Vec<SeedPair> {
    let mut pairs = Vec::new();
    for second in 0..most {
        for first in 0..second {
            let both = |runs: &Vec<f64>| Some((*runs.get(first)?, *runs.get(second)?));
            let both = runs.iter().filter_map(both).filter(|(x, y)| !x.is_nan() && !y.is_nan());
            let (x, y): (Vec<f64>, Vec<f64>) = both.unzip();
            if x.len() > 1 {
                let (kd, lc) = (kendall_tau_b(&x, &y), pearson(&x, &y));
                pairs.push(SeedPair { first, second, architectures: x.len(), kd, lc });
            }
        }
    }
    pairs
}

fn ceiling(seed_kd: f64, seeds: usize) -> Ceiling {
    let reliability = spearman_brown(rho(seed_kd), seeds);
    Ceiling { seeds, reproducibility_kd: tau(reliability), ceiling_kd: tau(reliability.sqrt()) }
}

fn check(runs: &[Vec<f64>], most: usize) -> Option<SplitCheck> {
    let full: Vec<Vec<f64>> = runs.iter().filter(|runs| there(runs) == most).cloned().collect();
    if most < 3 || full.len() < 2 {
        return None;
    }
    let single = mean(seed_pairs(&full, most).iter().filter_map(|pair| pair.kd))?;
    let left_out = |at: usize| {
        let rest = |runs: &Vec<f64>| {
            let others = runs.iter().enumerate().filter(|(seed, run)| *seed != at && !run.is_nan());
            mean_of(&others.map(|(_, run)| *run).collect::<Vec<_>>())
        };
        let (one, others): (Vec<f64>, Vec<f64>) = full.iter().map(|it| (it[at], rest(it))).unzip();
        kendall_tau_b(&one, &others)
    };
    // Between means of different n it is the root of both reliabilities.
    let one = rho(single).max(0.0);
    Some(SplitCheck {
        seeds: most,
        architectures: full.len(),
        kd: mean((0..most).filter_map(left_out))?,
        predicted_kd: tau((one * spearman_brown(one, most - 1)).sqrt()),
    })
}

fn spearman_brown(single: f64, n: usize) -> f64 {
    n as f64 * single / (1.0 + (n as f64 - 1.0) * single)
}

fn rho(tau: f64) -> f64 {
    (PI * tau / 2.0).sin()
}

fn tau(rho: f64) -> f64 {
    2.0 / PI * rho.clamp(-1.0, 1.0).asin()
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, n) = values.fold((0.0, 0), |(sum, n), value| (sum + value, n + 1));
    (n > 0).then(|| sum / f64::from(n))
}

#[cfg(test)]
mod tests {
    use super::*;
    use osee_model::seed::stream;
    use rand::Rng;

    /// Standard normal values (sum of twelve uniform ones).
    fn normal(label: &str, n: usize) -> Vec<f64> {
        let mut stream = stream(5, &[label]);
        let mut uniform = || f64::from(stream.next_u32()) / f64::from(u32::MAX);
        (0..n).map(|_| (0..12).map(|_| uniform()).sum::<f64>() - 6.0).collect()
    }

    #[test]
    fn the_ceiling_is_what_a_perfect_estimator_gets() {
        let n = 4000;
        let quality = normal("quality", n);
        let noise: Vec<Vec<f64>> = ["a", "b", "c"].map(|it| normal(it, n)).to_vec();
        let runs: Vec<Vec<f64>> =
            (0..n).map(|i| noise.iter().map(|e| quality[i] + 0.7 * e[i]).collect()).collect();
        let report = noise_ceiling(&runs).unwrap();
        for ceiling in &report.ceilings {
            let k = ceiling.seeds;
            let means: Vec<f64> =
                runs.iter().map(|r| r[..k].iter().sum::<f64>() / k as f64).collect();
            let perfect = kendall_tau_b(&quality, &means).unwrap();
            assert!((ceiling.ceiling_kd - perfect).abs() < 0.01, "{ceiling:?} {perfect}");
        }
        let check = report.check.unwrap();
        assert!((check.kd - check.predicted_kd).abs() < 0.01, "{check:?}");
        assert!((report.ceilings[0].reproducibility_kd - report.seed_kd.unwrap()).abs() < 1e-12);
    }

    #[test]
    fn architectures_may_have_different_numbers_of_trainings() {
        let report = noise_ceiling(&[vec![1.0, 2.0], vec![2.0, 3.0], vec![5.0], vec![]]).unwrap();
        assert_eq!(report.trainings, [1, 1, 2]);
        let pair = SeedPair { first: 0, second: 1, architectures: 2, kd: Some(1.0), lc: Some(1.0) };
        assert_eq!((report.pairs, report.check), (vec![pair], None));
        // A seed in the middle may be missing.
        let gap = noise_ceiling(&[vec![1.0, f64::NAN, 2.0], vec![2.0, 9.0, 1.0]]).unwrap();
        assert_eq!(
            (gap.trainings, gap.pairs.len(), gap.seed_kd),
            (vec![0, 0, 1, 1], 1, Some(-1.0))
        );
        let once = noise_ceiling(&[vec![1.0], vec![2.0]]).unwrap();
        assert_eq!((once.seed_kd, once.ceilings), (None, vec![]));
    }
}

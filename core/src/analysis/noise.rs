//! Noise of the truth: a truth that is the mean of a few trainings is itself an estimate, and
//! limits how good any estimator can look.
//!
//! The reproducibility of the mean of n trainings follows from that of one by Spearman and Brown's
//! formula (Brit. J. Psychol. 3, 1910). Its square root is the correlation with what infinitely
//! many trainings would give (Spearman 1904). Both hold for Pearson's correlation; tau is converted
//! to it and back by Greiner's relation for normal pairs, tau = 2/pi asin(rho) (Kruskal, JASA 53,
//! 1958). [`SplitCheck`] says how well that fits the data.

use super::{AnalysisError, at_least};
use crate::{
    criteria::{INTERVAL_FROM, kendall_tau_b, pearson},
    mean::mean as mean_of,
};
use serde::Serialize;
use std::f64::consts::PI;

/// Two seeds, compared over the architectures trained with both.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SeedPair {
    /// Seed index of the first training.
    pub first: usize,
    /// Seed index of the second training.
    pub second: usize,
    /// Number of architectures that have both trainings.
    pub architectures: usize,
    /// tau-b; `None` where either side is constant.
    pub kd: Option<f64>,
    /// Pearson's correlation; `None` where either side is constant.
    pub lc: Option<f64>,
}

/// Estimated quality of the mean of n trainings as a truth.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Ceiling {
    /// Number of trainings, n.
    pub seeds: usize,
    /// tau between the mean of n trainings and the mean of another n.
    pub reproducibility_kd: f64,
    /// tau of a perfect estimator with the mean of n trainings.
    pub ceiling_kd: f64,
}

/// One training against the mean of the others, if there are three or more.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SplitCheck {
    /// Number of trainings per architecture that are used.
    pub seeds: usize,
    /// Number of architectures that have all of them.
    pub architectures: usize,
    /// Observed tau-b, averaged over which training is left out.
    pub kd: f64,
    /// tau that the same formula predicts from single trainings of these architectures.
    pub predicted_kd: f64,
}

/// Noise of a truth.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NoiseReport {
    /// `trainings[n]` is the number of architectures with n trainings, n from 0.
    pub trainings: Vec<usize>,
    /// All pairs of seeds that two or more architectures have.
    pub pairs: Vec<SeedPair>,
    /// Smallest number of architectures of a pair with a defined tau-b; 0 if there is no such pair.
    pub architectures: usize,
    /// Mean tau-b over the pairs; `None` if it is defined for no pair.
    pub seed_kd: Option<f64>,
    /// Mean of Pearson's correlation over the pairs; `None` if it is defined for no pair.
    pub seed_lc: Option<f64>,
    /// Ceilings for 1 up to the largest number of trainings. Empty if `seed_kd` is `None` or not
    /// above 0, or if it is from so few architectures that a tau-b has no interval.
    pub ceilings: Vec<Ceiling>,
    /// Check of the formula; `None` unless two architectures have three trainings.
    pub check: Option<SplitCheck>,
}

/// Noise of a truth. `runs[i]` are the results of architecture `i`'s trainings by seed index; where
/// there is no training, the value is NaN or the list ends.
///
/// # Errors
/// If there are fewer than two architectures, or a result is infinite.
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
    // Between means of different n, it is the square root of the product of both reliabilities.
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

    /// Standard normal values (sums of twelve uniform ones).
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

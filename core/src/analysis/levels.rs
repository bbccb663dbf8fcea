//! How much validation data a one-shot score needs (section 4.1, figure 3).

use super::{AnalysisError, Bins, Distribution, at_least, judged, mean_scores, same_length};
use crate::criteria::{
    Compat, TieAware, kendall_tau_b,
    rank::{ascending, compare},
    top_k::{End, Orders},
};
use serde::Serialize;

/// Architectures that one batch cannot tell apart.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Level {
    /// Their common accuracy on one batch, in the unit of the accuracies.
    pub accuracy: f64,
    /// Number of architectures, at least two.
    pub count: usize,
    /// tau-b between the accuracy on all batches and the truth, among these architectures; `None`
    /// where either is constant.
    pub kd: Option<f64>,
}

/// All levels of accuracy on one batch.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LevelReport {
    /// Number of levels, including those of a single architecture; failures are in none.
    pub levels: usize,
    /// Levels of two or more architectures, by ascending accuracy. The paper's legend shows their
    /// number over `levels`.
    pub shared: Vec<Level>,
    /// Number of architectures without a score on one batch.
    pub failures: usize,
    /// Distribution of the levels' tau-b over [-1, 1] in 20 bins; its `failures` are levels where
    /// tau-b is undefined.
    pub kd: Distribution,
}

/// Tests whether more data orders correctly what one batch ties. `first` is the accuracy on one
/// batch, `all` the accuracy on all batches.
///
/// # Errors
/// If columns differ in length, or a truth is not finite.
pub fn levels(first: &[f64], all: &[f64], truths: &[f64]) -> Result<LevelReport, AnalysisError> {
    judged(first, truths)?;
    same_length("scores of all batches", all.len(), truths.len())?;
    let mut order = ascending(first);
    order.retain(|&at| !first[at].is_nan());
    let failures = first.len() - order.len();
    let tied = || order.chunk_by(|&a, &b| compare(first[a], first[b]).is_eq());
    let level = |members: &[usize]| {
        let pick = |values: &[f64]| members.iter().map(|&at| values[at]).collect::<Vec<f64>>();
        let kd = kendall_tau_b(&pick(all), &pick(truths));
        Level { accuracy: first[members[0]], count: members.len(), kd }
    };
    let shared: Vec<Level> = tied().filter(|members| members.len() > 1).map(level).collect();
    let kds: Vec<f64> = shared.iter().map(|level| level.kd.unwrap_or(f64::NAN)).collect();
    let kd = Distribution::of(&kds, Bins::Range { low: -1.0, high: 1.0, bins: 20 });
    Ok(LevelReport { levels: tied().count(), shared, failures, kd })
}

/// Quality of the mean score over the first batches.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BatchPoint {
    /// Number of batches that are averaged.
    pub batches: usize,
    /// tau-b; `None` where score or truth is constant.
    pub kd: Option<f64>,
    /// P@top5%; `None` for fewer than 20 architectures.
    pub p_top_5: Option<TieAware>,
    /// Number of distinct mean scores.
    pub distinct: usize,
}

/// Quality for 1, 2, ... batches; `batches[b][i]` is the score of architecture `i` on batch `b`.
///
/// # Errors
/// If there is no batch, columns differ in length, or a truth is not finite.
pub fn batch_study<S: AsRef<[f64]>>(
    batches: &[S],
    truths: &[f64],
) -> Result<Vec<BatchPoint>, AnalysisError> {
    at_least("batches", batches.len(), 1)?;
    let point = |n: usize| {
        let scores = mean_scores(&batches[..n])?;
        judged(&scores, truths)?;
        let k = (truths.len() as f64 * 0.05) as usize;
        let precision = || Orders::new(&scores, truths, Compat::Osee).precision(k, End::Top);
        Ok(BatchPoint {
            batches: n,
            kd: kendall_tau_b(&scores, truths),
            p_top_5: (k >= 1).then(precision),
            distinct: crate::criteria::rank::dense(&scores).1,
        })
    };
    (1..=batches.len()).map(point).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inside_a_level_only_more_data_can_order() {
        let first = [0.5, 0.5, 0.5, 0.7, f64::NAN, 0.9, 0.9];
        let all = [0.1, 0.2, 0.3, 0.7, 0.0, 0.8, 0.8];
        let truth = [3.0, 2.0, 1.0, 0.0, 0.0, 1.0, 2.0];
        let report = levels(&first, &all, &truth).unwrap();
        assert_eq!((report.levels, report.shared.len(), report.failures), (3, 2, 1));
        assert_eq!((report.shared[0].kd, report.shared[1].kd), (Some(-1.0), None));
        assert_eq!((report.kd.count, report.kd.failures), (1, 1));
    }

    #[test]
    fn every_number_of_batches_has_a_point() {
        let truth: Vec<f64> = (0..40).map(f64::from).collect();
        let flat = vec![0.5; 40];
        let points = batch_study(&[&flat, &truth], &truth).unwrap();
        assert_eq!((points[0].kd, points[0].distinct), (None, 1));
        assert_eq!((points[1].batches, points[1].kd), (2, Some(1.0)));
        assert_eq!(points[1].p_top_5.unwrap().value, 1.0);
    }
}

//! Results as stored: scores, or why there are none.

use crate::mean::mean;
use osee_model::estimator::Failure;

/// The id of a row, valid in one store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RowId(pub(super) i64);

/// A score, or why there is none.
pub type Outcome = Result<f64, Failure>;

/// A result to store.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// The row that the result belongs to.
    pub row: RowId,
    /// Index of the architecture in the plan.
    pub arch_index: usize,
    /// Initialisation seed.
    pub seed: u64,
    /// The score, or why there is none.
    pub outcome: Outcome,
    /// Cost of the estimator if it ran alone, in milliseconds.
    pub milliseconds: f64,
    /// Device that it was computed on, such as `cpu`.
    pub device: String,
}

/// A stored result of a row.
#[derive(Debug, Clone, PartialEq)]
pub struct Score {
    /// Index of the architecture in the plan.
    pub arch_index: usize,
    /// Initialisation seed.
    pub seed: u64,
    /// The score, or why there is none.
    pub outcome: Outcome,
    /// Cost of the estimator if it ran alone, in milliseconds.
    pub milliseconds: f64,
}

/// For each architecture, the [mean](crate::mean::mean) over the seeds that have a score; NaN if
/// none has. With a single seed, scores are not rounded.
pub fn seed_means(scores: &[Score], architectures: usize) -> Vec<f64> {
    let score = |it: &Score| Some((it.arch_index, *it.outcome.as_ref().ok()?));
    let mut there: Vec<(usize, f64)> = scores.iter().filter_map(score).collect();
    // The store returns them in this order already.
    there.sort_by_key(|(arch, _)| *arch);
    let several = scores.windows(2).any(|pair| pair[0].seed != pair[1].seed);
    let mut means = vec![f64::NAN; architectures];
    let mut values = Vec::new();
    for of_one in there.chunk_by(|(one, _), (other, _)| one == other) {
        values.clear();
        values.extend(of_one.iter().map(|(_, score)| *score));
        if let Some(slot) = means.get_mut(of_one[0].0) {
            *slot = if several { mean(&values) } else { values[0] };
        }
    }
    means
}

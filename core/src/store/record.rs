//! What is stored: scores, and all they depend on.

use crate::mean::mean;
use osee_model::estimator::{Direction, EstimatorKind, Failure};
use serde::{Deserialize, Serialize};

/// Everything a score depends on besides architecture and seed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScorerKey {
    /// Name of the leaderboard's row.
    pub name: String,
    /// Estimator id.
    pub estimator: String,
    /// Estimator version.
    pub version: String,
    /// Estimator kind.
    pub kind: EstimatorKind,
    /// Which end is good.
    pub direction: Direction,
    /// Estimator settings, resolved, as JSON.
    pub settings: String,
    /// SHA-256 of the estimator's plugin.
    pub plugin_sha256: String,
    /// Space id.
    pub space: String,
    /// Space version.
    pub space_version: String,
    /// Space settings, resolved, as JSON.
    pub space_settings: String,
    /// SHA-256 of the space's plugin.
    pub space_sha256: String,
    /// The protocol, as JSON.
    pub protocol: String,
    /// What the images were.
    pub data: String,
}

impl ScorerKey {
    /// Those of a study's `seeds` that it has scores of: what does not depend
    /// on the seed is scored once.
    pub fn seeds<'a>(&self, seeds: &'a [u64]) -> &'a [u64] {
        match self.kind {
            EstimatorKind::Baseline | EstimatorKind::Meta => &seeds[..seeds.len().min(1)],
            _ => seeds,
        }
    }
}

/// A scorer in one store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ScorerId(pub(super) i64);

/// A score, or why there is none.
pub type Outcome = Result<f64, Failure>;

/// One result to store.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// By what.
    pub scorer: ScorerId,
    /// Position in the plan.
    pub arch: usize,
    /// Initialisation seed.
    pub seed: u64,
    /// What came out.
    pub outcome: Outcome,
    /// What it would cost alone, milliseconds.
    pub milliseconds: f64,
    /// Where it ran.
    pub device: String,
}

/// One stored result of a scorer.
#[derive(Debug, Clone, PartialEq)]
pub struct Score {
    /// Position in the plan.
    pub arch: usize,
    /// Initialisation seed.
    pub seed: u64,
    /// What came out.
    pub outcome: Outcome,
    /// What it would cost alone, milliseconds.
    pub milliseconds: f64,
}

/// Per architecture the [mean](crate::mean::mean) over the seeds that have a
/// score; NaN if none. Scores of one seed are as they are.
pub fn seed_means(scores: &[Score], architectures: usize) -> Vec<f64> {
    let score = |it: &Score| Some((it.arch, *it.outcome.as_ref().ok()?));
    let mut there: Vec<(usize, f64)> = scores.iter().filter_map(score).collect();
    // A store has them in this order already.
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

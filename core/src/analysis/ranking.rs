//! The paper's ranking difference RD = r - n, which shows over- and underestimation (section 5.1).
//!
//! Invariant: the differences sum to 0.

use super::{AnalysisError, judged};
use crate::criteria::average_ranks;
use serde::Serialize;

/// True and estimated rank of every architecture, in input order.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RankingDifferences {
    /// r: rank by truth, 1 the best of M.
    pub true_ranks: Vec<f64>,
    /// n: rank by score, 1 the best of M.
    pub estimated_ranks: Vec<f64>,
    /// RD / M = (r - n) / M, in (-1, 1); positive for an overestimated architecture.
    pub normalised: Vec<f64>,
}

/// Ranking differences. Equal values share the mean of their ranks, so a tie is neither over- nor
/// underestimation.
///
/// # Errors
/// If columns differ in length, or a truth is not finite.
pub fn ranking_differences(
    scores: &[f64],
    truths: &[f64],
) -> Result<RankingDifferences, AnalysisError> {
    judged(scores, truths)?;
    let m = truths.len() as f64;
    let from_best = |values| average_ranks(values).into_iter().map(|rank| m + 1.0 - rank).collect();
    let (true_ranks, estimated_ranks): (Vec<f64>, Vec<f64>) =
        (from_best(truths), from_best(scores));
    let normalised = true_ranks.iter().zip(&estimated_ranks).map(|(r, n)| (r - n) / m).collect();
    Ok(RankingDifferences { true_ranks, estimated_ranks, normalised })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_ranked_best_is_overestimated() {
        let rd = ranking_differences(&[9.0, 5.0, f64::NAN, 5.0], &[1.0, 2.0, 3.0, 4.0]).unwrap();
        assert_eq!(rd.true_ranks, [4.0, 3.0, 2.0, 1.0]);
        assert_eq!(rd.estimated_ranks, [1.0, 2.5, 4.0, 2.5]);
        assert_eq!(rd.normalised, [0.75, 0.125, -0.5, -0.375]);
    }
}

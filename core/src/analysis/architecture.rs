//! Architecture-level bias (section 5.2): which architectures does a score
//! put first and last, and what are they really?

use super::{AnalysisError, RankingDifferences, judged, ranking_differences, same_length};
use crate::criteria::rank::descending;
use serde::Serialize;
use std::collections::BTreeMap;

/// One architecture in the order of a score.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Placed {
    /// Position in the input.
    pub index: usize,
    /// `None` for a failure.
    pub score: Option<f64>,
    /// In the unit of the truth.
    pub truth: f64,
    /// Rank by score, 1 the best; ties share the mean.
    pub estimated_rank: f64,
    /// Rank by truth, 1 the best; ties share the mean.
    pub true_rank: f64,
    /// (true - estimated rank) / M; positive for an overestimated one.
    pub rd: f64,
    /// The caller's columns, such as `params` or `depth`, in their own units;
    /// `None` where not a number.
    pub columns: BTreeMap<String, Option<f64>>,
}

/// Both ends of an order.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Extremes {
    /// Highest scores, best first.
    pub best: Vec<Placed>,
    /// Lowest scores, worst first; failures are the worst.
    pub worst: Vec<Placed>,
}

/// The `n` best and the `n` worst by score (all, where there are fewer), with
/// `columns` of the caller's beside them. Equal scores are in input order
/// from the best end.
///
/// # Errors
/// Columns of different length, or a truth that is not finite.
pub fn extremes(
    scores: &[f64],
    truths: &[f64],
    columns: &[(&str, &[f64])],
    n: usize,
) -> Result<Extremes, AnalysisError> {
    judged(scores, truths)?;
    for (name, values) in columns {
        same_length(name, values.len(), truths.len())?;
    }
    let RankingDifferences { true_ranks, estimated_ranks, normalised } =
        ranking_differences(scores, truths)?;
    let number = |value: f64| (!value.is_nan()).then_some(value);
    let place = |&index: &usize| Placed {
        index,
        score: number(scores[index]),
        truth: truths[index],
        estimated_rank: estimated_ranks[index],
        true_rank: true_ranks[index],
        rd: normalised[index],
        columns: columns
            .iter()
            .map(|(name, values)| ((*name).to_owned(), number(values[index])))
            .collect(),
    };
    let order = descending(scores);
    Ok(Extremes {
        best: order.iter().take(n).map(place).collect(),
        worst: order.iter().rev().take(n).map(place).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_come_with_what_they_really_are() {
        let depth = [3.0, f64::NAN, 5.0];
        let found =
            extremes(&[2.0, f64::NAN, 7.0], &[9.0, 8.0, 7.0], &[("depth", &depth)], 2).unwrap();
        let order = |placed: &[Placed]| placed.iter().map(|p| p.index).collect::<Vec<_>>();
        assert_eq!((order(&found.best), order(&found.worst)), (vec![2, 0], vec![1, 0]));
        let top = &found.best[0];
        assert_eq!(
            (top.estimated_rank, top.true_rank, top.columns["depth"]),
            (1.0, 3.0, Some(5.0))
        );
        assert_eq!((found.worst[0].score, found.worst[0].columns["depth"]), (None, None));
    }
}

//! Architecture-level bias (section 5.2): the architectures that a score ranks first and last, with
//! their true ranks.

use super::{
    AnalysisError, RankingDifferences, at_least, judged, ranking_differences, same_length,
};
use crate::criteria::rank::compare;
use serde::Serialize;
use std::collections::BTreeMap;

/// One architecture in the ranking of a score.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Placed {
    /// Position in the input.
    pub index: usize,
    /// The score; `None` if it failed.
    pub score: Option<f64>,
    /// True value, in the unit of the truth.
    pub truth: f64,
    /// Rank by score, 1 the best; ties share the mean.
    pub estimated_rank: f64,
    /// Number of architectures with the same score, including this one.
    pub tied: usize,
    /// Rank by truth, 1 the best; ties share the mean.
    pub true_rank: f64,
    /// (true rank - estimated rank) / M; positive for an overestimated architecture.
    pub rd: f64,
    /// The caller's columns, such as `params` or `depth`, in their own units; `None` where a value
    /// is not a number.
    pub columns: BTreeMap<String, Option<f64>>,
}

/// Both ends of a ranking.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Extremes {
    /// Architectures with the highest scores, best first.
    pub best: Vec<Placed>,
    /// Architectures with the lowest scores, worst first; failures are the worst.
    pub worst: Vec<Placed>,
    /// True rank of the architecture with the highest score, 1 the best: mean, smallest and largest
    /// over all architectures that share this score.
    pub first_choice: [f64; 3],
}

/// The `n` best and the `n` worst architectures by score (all, if there are fewer), with the
/// caller's `columns`. Equal scores are ordered by `names`, which must be unique.
///
/// # Errors
/// If there is no architecture, columns differ in length, or a truth is not finite.
pub fn extremes(
    scores: &[f64],
    truths: &[f64],
    names: &[&str],
    columns: &[(&str, &[f64])],
    n: usize,
) -> Result<Extremes, AnalysisError> {
    at_least("architectures", truths.len(), 1)?;
    judged(scores, truths)?;
    same_length("names", names.len(), truths.len())?;
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
        tied: scores.iter().filter(|score| compare(**score, scores[index]).is_eq()).count(),
        true_rank: true_ranks[index],
        rd: normalised[index],
        columns: columns
            .iter()
            .map(|(name, values)| ((*name).to_owned(), number(values[index])))
            .collect(),
    };
    let mut order: Vec<usize> = (0..scores.len()).collect();
    let by_name = |a: usize, b: usize| names[a].cmp(names[b]);
    order.sort_by(|&a, &b| compare(scores[b], scores[a]).then_with(|| by_name(a, b)));
    let best = order.iter().take(n).map(place).collect();
    let first = scores[order[0]];
    let firsts = order.iter().take_while(|&&at| compare(scores[at], first).is_eq());
    let mut firsts: Vec<f64> = firsts.map(|&at| true_ranks[at]).collect();
    firsts.sort_by(f64::total_cmp);
    order.sort_by(|&a, &b| compare(scores[a], scores[b]).then_with(|| by_name(a, b)));
    Ok(Extremes {
        best,
        worst: order.iter().take(n).map(place).collect(),
        first_choice: [
            firsts.iter().sum::<f64>() / firsts.len() as f64,
            firsts[0],
            firsts[firsts.len() - 1],
        ],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_come_with_what_they_really_are() {
        let depth = [3.0, f64::NAN, 5.0];
        let names = ["a", "b", "c"];
        let found =
            extremes(&[2.0, f64::NAN, 7.0], &[9.0, 8.0, 7.0], &names, &[("depth", &depth)], 2)
                .unwrap();
        let order = |placed: &[Placed]| placed.iter().map(|p| p.index).collect::<Vec<_>>();
        assert_eq!((order(&found.best), order(&found.worst)), (vec![2, 0], vec![1, 0]));
        let top = &found.best[0];
        assert_eq!(
            (top.estimated_rank, top.true_rank, top.columns["depth"], top.tied),
            (1.0, 3.0, Some(5.0), 1)
        );
        assert_eq!((found.worst[0].score, found.worst[0].columns["depth"]), (None, None));
        assert_eq!(found.first_choice, [3.0; 3]);
    }

    #[test]
    fn equal_scores_are_told_by_name_and_the_first_choice_is_any_of_them() {
        let chosen = |rows: &[usize]| {
            let pick = |values: [f64; 4]| rows.iter().map(|&at| values[at]).collect::<Vec<f64>>();
            let names: Vec<&str> = rows.iter().map(|&at| ["d", "c", "b", "a"][at]).collect();
            let scores = pick([5.0, 5.0, 1.0, 5.0]);
            let found = extremes(&scores, &pick([1.0, 2.0, 3.0, 4.0]), &names, &[], 2).unwrap();
            let named = |placed: &[Placed]| -> Vec<String> {
                placed.iter().map(|it| names[it.index].to_owned()).collect()
            };
            (named(&found.best), named(&found.worst), found.first_choice, found.best[0].tied)
        };
        // The true ranks of d, c and a are 4, 3 and 1.
        let expected = (vec!["a".to_owned(), "c".to_owned()], vec!["b".to_owned(), "a".to_owned()]);
        for rows in [[0, 1, 2, 3], [3, 2, 1, 0], [1, 3, 0, 2]] {
            let (best, worst, first, tied) = chosen(&rows);
            assert_eq!((&best, &worst, tied), (&expected.0, &expected.1, 3));
            assert_eq!(first, [8.0 / 3.0, 1.0, 4.0]);
        }
        assert!(extremes(&[], &[], &[], &[], 1).is_err());
    }
}

//! Complexity-level bias (section 5.1): does an estimator favour small or
//! large architectures, and does it compare them less well?
//!
//! Invariant: groups are of equal count, the first ones one larger where the
//! division leaves a remainder.

use super::{AnalysisError, all_finite, at_least, ranking_differences, same_length};
use crate::criteria::{kendall_tau_b, rank::ascending};
use serde::Serialize;

/// Architectures cut into groups of equal count, by some measure ascending.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EqualGroups {
    /// Per architecture, its group from 0, the least measure.
    pub group: Vec<usize>,
    /// Architectures whose measure occurs in more than one group: which group
    /// they are in is their input order alone.
    pub split_ties: usize,
}

/// Cuts by `measure`, equal ones in input order.
///
/// # Errors
/// A measure that is not finite, no group, or fewer architectures than groups.
pub fn equal_groups(measure: &[f64], groups: usize) -> Result<EqualGroups, AnalysisError> {
    all_finite("complexity", measure)?;
    at_least("groups", groups, 1)?;
    at_least("architectures to group", measure.len(), groups)?;
    let order = ascending(measure);
    let (each, larger) = (order.len() / groups, order.len() % groups);
    let mut group = vec![0; order.len()];
    let mut start = 0;
    for index in 0..groups {
        let end = start + each + usize::from(index < larger);
        order[start..end].iter().for_each(|&at| group[at] = index);
        start = end;
    }
    let ties = order.chunk_by(|&a, &b| measure[a] == measure[b]);
    let split = ties.filter(|tie| tie.iter().any(|&at| group[at] != group[tie[0]]));
    let split_ties = split.map(<[usize]>::len).sum();
    Ok(EqualGroups { group, split_ties })
}

/// One group of similar complexity.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ComplexityGroup {
    /// Least and greatest complexity in the group, in the unit given.
    pub complexity: [f64; 2],
    /// Architectures.
    pub count: usize,
    /// Of them, failed scores.
    pub failures: usize,
    /// tau-b inside the group; `None` where score or truth is constant.
    pub kd: Option<f64>,
    /// Mean of RD / M, ranks over all M architectures; positive where the
    /// group is overestimated.
    pub mean_rd: f64,
}

/// Groups by ascending complexity.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ComplexityReport {
    /// The groups, smallest architectures first.
    pub groups: Vec<ComplexityGroup>,
    /// See [`EqualGroups::split_ties`].
    pub split_ties: usize,
}

/// KD and ranking difference by complexity, such as FLOPs or parameters.
///
/// # Errors
/// As [`equal_groups`], or columns of different length, or a truth that is
/// not finite.
pub fn complexity_groups(
    scores: &[f64],
    truths: &[f64],
    complexity: &[f64],
    groups: usize,
) -> Result<ComplexityReport, AnalysisError> {
    same_length("complexity", complexity.len(), truths.len())?;
    let rd = ranking_differences(scores, truths)?.normalised;
    let EqualGroups { group, split_ties } = equal_groups(complexity, groups)?;
    let mut members = vec![Vec::new(); groups];
    group.iter().enumerate().for_each(|(at, &group)| members[group].push(at));
    let describe = |members: Vec<usize>| {
        let pick = |values: &[f64]| members.iter().map(|&at| values[at]).collect::<Vec<f64>>();
        let (scores, sizes) = (pick(scores), pick(complexity));
        ComplexityGroup {
            complexity: [
                sizes.iter().copied().fold(f64::INFINITY, f64::min),
                sizes.iter().copied().fold(f64::NEG_INFINITY, f64::max),
            ],
            count: members.len(),
            failures: scores.iter().filter(|score| score.is_nan()).count(),
            kd: kendall_tau_b(&scores, &pick(truths)),
            mean_rd: pick(&rd).iter().sum::<f64>() / members.len() as f64,
        }
    };
    Ok(ComplexityReport { groups: members.into_iter().map(describe).collect(), split_ties })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_equal_and_say_what_ties_they_cut() {
        let cut = equal_groups(&[5.0, 1.0, 1.0, 3.0, 3.0], 2).unwrap();
        assert_eq!((cut.group, cut.split_ties), (vec![1, 0, 0, 0, 1], 2));
        assert!(equal_groups(&[1.0], 2).is_err() && equal_groups(&[1.0], 0).is_err());
    }

    #[test]
    fn a_score_that_is_minus_complexity_overestimates_the_small() {
        let flops: Vec<f64> = (0..100).map(f64::from).collect();
        let scores: Vec<f64> = flops.iter().map(|f| -f).collect();
        let report = complexity_groups(&scores, &flops, &flops, 2).unwrap();
        let [small, large] = report.groups.as_slice() else { panic!("two groups") };
        assert_eq!((small.complexity, small.count, small.kd), ([0.0, 49.0], 50, Some(-1.0)));
        assert!((small.mean_rd - 0.5).abs() < 1e-12 && (large.mean_rd + 0.5).abs() < 1e-12);
    }
}

//! Complexity-level bias (section 5.1): whether an estimator favours small or large architectures,
//! and how well it ranks each group of similar size.
//!
//! Invariant: architectures of equal complexity are in the same group, so the order of the rows
//! changes nothing; groups have about equal numbers of members.

use super::{AnalysisError, all_finite, at_least, column::pick, ranking_differences, same_length};
use crate::{
    criteria::{Compat, kendall_tau_b, rank::ascending},
    mean::mean,
};
use serde::Serialize;

/// Architectures split by some measure into groups of about equal size.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EqualGroups {
    /// The group of each architecture, from 0; group 0 has the smallest measures.
    pub group: Vec<usize>,
    /// Smallest and largest measure of each group. There are as many groups as requested, or fewer
    /// if many measures are equal.
    pub bounds: Vec<[f64; 2]>,
}

/// Splits architectures by `measure`. Architectures of equal measure are in the group of the middle
/// one of them. With [`Compat::Awnas`] groups have equal counts, the first ones one more where the
/// division leaves a remainder, and equal measures may be split in input order.
///
/// # Errors
/// If a measure is not finite, or there are no groups or fewer architectures than groups.
pub fn equal_groups(
    measure: &[f64],
    groups: usize,
    compat: Compat,
) -> Result<EqualGroups, AnalysisError> {
    all_finite("complexity", measure)?;
    at_least("groups", groups, 1)?;
    at_least("architectures to group", measure.len(), groups)?;
    let order = ascending(measure);
    let (each, larger) = (order.len() / groups, order.len() % groups);
    let by_count = (0..groups)
        .flat_map(|group| std::iter::repeat_n(group, each + usize::from(group < larger)));
    let mut sorted: Vec<usize> = by_count.collect();
    if compat == Compat::Osee {
        let mut start = 0;
        for tie in order.chunk_by(|&a, &b| measure[a] == measure[b]) {
            let middle = sorted[start + (tie.len() - 1) / 2];
            sorted[start..start + tie.len()].fill(middle);
            start += tie.len();
        }
    }
    let mut found = EqualGroups { group: vec![0; order.len()], bounds: Vec::new() };
    let mut last = None;
    for (&at, group) in order.iter().zip(sorted) {
        if last != Some(group) {
            found.bounds.push([measure[at]; 2]);
            last = Some(group);
        }
        found.group[at] = found.bounds.len() - 1;
        if let Some(bounds) = found.bounds.last_mut() {
            bounds[1] = measure[at];
        }
    }
    Ok(found)
}

/// One group of architectures with similar complexity.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ComplexityGroup {
    /// Smallest and largest complexity in the group, in the caller's unit.
    pub complexity: [f64; 2],
    /// Number of architectures that are judged.
    pub count: usize,
    /// Number of these whose score failed.
    pub failures: usize,
    /// tau-b inside the group; `None` where score or truth is constant.
    pub kd: Option<f64>,
    /// Mean of RD / M, with ranks over all M judged architectures; positive if the group is
    /// overestimated. `None` if no architecture of the group is judged.
    pub mean_rd: Option<f64>,
}

/// KD and ranking difference per group of `groups`, smallest complexity first. Positions in
/// `missing` (ascending) are in a group, but have no score and are not judged.
///
/// # Errors
/// If columns differ in length, or a truth is not finite.
pub fn complexity_groups(
    scores: &[f64],
    truths: &[f64],
    groups: &EqualGroups,
    missing: &[usize],
) -> Result<Vec<ComplexityGroup>, AnalysisError> {
    same_length("groups", groups.group.len(), truths.len())?;
    same_length("scores", scores.len(), truths.len())?;
    let there = |at: &usize| missing.binary_search(at).is_err();
    let judged: Vec<usize> = (0..truths.len()).filter(there).collect();
    let (scores, truths) = (pick(scores, &judged), pick(truths, &judged));
    let rd = ranking_differences(&scores, &truths)?.normalised;
    let mut members = vec![Vec::new(); groups.bounds.len()];
    judged.iter().enumerate().for_each(|(at, &row)| members[groups.group[row]].push(at));
    let describe = |(members, &complexity): (Vec<usize>, &[f64; 2])| {
        let scores = pick(&scores, &members);
        ComplexityGroup {
            complexity,
            count: members.len(),
            failures: scores.iter().filter(|score| score.is_nan()).count(),
            kd: kendall_tau_b(&scores, &pick(&truths, &members)),
            mean_rd: (!members.is_empty()).then(|| mean(&pick(&rd, &members))),
        }
    };
    Ok(members.into_iter().zip(&groups.bounds).map(describe).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_keep_equal_ones_together() {
        let cut = |measure: &[f64], groups| equal_groups(measure, groups, Compat::Osee).unwrap();
        // Sorted, the values are 1 1 3 3 5, and the first three are the first half.
        let found = cut(&[5.0, 1.0, 1.0, 3.0, 3.0], 2);
        assert_eq!(
            (found.group, found.bounds),
            (vec![1, 0, 0, 0, 0], vec![[1.0, 3.0], [5.0, 5.0]])
        );
        let found = cut(&[2.0, 7.0, 7.0, 7.0, 7.0, 7.0], 3);
        assert_eq!((found.group, found.bounds.len()), (vec![0, 1, 1, 1, 1, 1], 2));
        assert_eq!(cut(&[4.0; 9], 5).bounds, [[4.0, 4.0]]);
        let distinct = cut(&[3.0, 1.0, 4.0, 2.0, 5.0], 2);
        assert_eq!(distinct.group, [0, 0, 1, 0, 1]);
        assert!(equal_groups(&[1.0], 2, Compat::Osee).is_err());
        assert!(equal_groups(&[1.0], 0, Compat::Osee).is_err());
    }

    #[test]
    fn the_studys_groups_are_of_equal_count() {
        let cut = equal_groups(&[5.0, 1.0, 1.0, 3.0, 3.0], 2, Compat::Awnas).unwrap();
        assert_eq!((cut.group, cut.bounds), (vec![1, 0, 0, 0, 1], vec![[1.0, 3.0], [3.0, 5.0]]));
    }

    #[test]
    fn a_score_that_is_minus_complexity_overestimates_the_small() {
        let flops: Vec<f64> = (0..100).map(f64::from).collect();
        let scores: Vec<f64> = flops.iter().map(|f| -f).collect();
        let groups = equal_groups(&flops, 2, Compat::Osee).unwrap();
        let found = complexity_groups(&scores, &flops, &groups, &[]).unwrap();
        let [small, large] = found.as_slice() else { panic!("two groups") };
        assert_eq!((small.complexity, small.count, small.kd), ([0.0, 49.0], 50, Some(-1.0)));
        let rd = [small, large].map(|group| group.mean_rd.unwrap());
        assert!((rd[0] - 0.5).abs() < 1e-12 && (rd[1] + 0.5).abs() < 1e-12);
    }

    #[test]
    fn what_is_missing_is_not_judged() {
        let flops = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        let groups = equal_groups(&flops, 2, Compat::Osee).unwrap();
        let scores = [1.0, f64::NAN, 3.0, 4.0, f64::NAN, 6.0];
        // Position 5 failed and 2 was not measured, so ranks are among five.
        let found = complexity_groups(&scores, &flops, &groups, &[1]).unwrap();
        assert_eq!(
            found.iter().map(|it| (it.count, it.failures)).collect::<Vec<_>>(),
            [(2, 0), (3, 1)]
        );
        // True ranks are 5 4 3 2 1, estimated ranks 4 3 2 5 1.
        let rd = [(1.0 + 1.0) / 2.0 / 5.0, (1.0 - 3.0 + 0.0) / 3.0 / 5.0];
        for (group, rd) in found.iter().zip(rd) {
            assert!((group.mean_rd.unwrap() - rd).abs() < 1e-12, "{group:?}");
        }
        let none = complexity_groups(&scores, &flops, &groups, &[0, 1, 2]).unwrap();
        assert_eq!((none[0].count, none[0].kd, none[0].mean_rd), (0, None, None));
    }
}

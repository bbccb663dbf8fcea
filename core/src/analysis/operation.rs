//! Operation-level bias (section 5.1): how often the truth and the score rise when one operation is
//! exchanged for another.
//!
//! Invariant: a pair has a direction. If a set has every mutation, it has each pair of
//! architectures in both directions, as `a` to `b` and as `b` to `a`.

use super::{AnalysisError, judged, same_length};
use crate::criteria::rank::compare;
use osee_model::space::Mutation;
use serde::Serialize;
use std::collections::{BTreeMap, HashMap, HashSet};

/// An architecture, and another one that differs from it in one operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct MutationPair<'a> {
    /// Position of the original architecture.
    pub from: usize,
    /// Position of the mutated architecture.
    pub to: usize,
    /// The operation that is replaced.
    pub from_op: &'a str,
    /// The operation that takes its place.
    pub to_op: &'a str,
}

/// Mutation pairs inside a set of architectures.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FoundPairs<'a> {
    /// Every mutation whose result is in the set, in input order.
    pub pairs: Vec<MutationPair<'a>>,
    /// Number of mutations whose result is not in the set.
    pub outside: usize,
    /// Number of mutations whose result is the same architecture in canonical form.
    pub same: usize,
}

/// Finds the `mutations` of every architecture that lead to another one of `keys`. Architectures
/// are identified by their canonical string; of repeated keys only the first is used.
///
/// # Errors
/// If there is not one list of mutations per key.
pub fn pairs_in_set<'a>(
    keys: &[String],
    mutations: &'a [Vec<Mutation>],
) -> Result<FoundPairs<'a>, AnalysisError> {
    same_length("mutations", mutations.len(), keys.len())?;
    let mut index: HashMap<&str, usize> = HashMap::with_capacity(keys.len());
    keys.iter().enumerate().for_each(|(at, key)| {
        index.entry(key).or_insert(at);
    });
    let mut found = FoundPairs { pairs: Vec::new(), outside: 0, same: 0 };
    for (from, (key, mutations)) in keys.iter().zip(mutations).enumerate() {
        if index[key.as_str()] != from {
            continue;
        }
        for Mutation { arch, from: from_op, to: to_op, .. } in mutations {
            match index.get(arch.as_str()) {
                None => found.outside += 1,
                Some(&to) if to == from => found.same += 1,
                Some(&to) => found.pairs.push(MutationPair { from, to, from_op, to_op }),
            }
        }
    }
    Ok(found)
}

/// The pairs whose architectures are both in `group`; see [`equal_groups`](super::equal_groups).
pub fn within_group<'a>(
    pairs: &[MutationPair<'a>],
    groups: &[usize],
    group: usize,
) -> Vec<MutationPair<'a>> {
    let inside = |at: usize| groups.get(at) == Some(&group);
    pairs.iter().filter(|pair| inside(pair.from) && inside(pair.to)).copied().collect()
}

/// The effect of one exchange of operations.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OpChange {
    /// The operation that is replaced.
    pub from: String,
    /// The operation that takes its place.
    pub to: String,
    /// Number of pairs, at least one.
    pub pairs: usize,
    /// Share of pairs whose truth rises. A tie counts as half a rise, so that both directions of an
    /// exchange add up to 1.
    pub truth_increase: f64,
    /// Share of pairs whose score rises. A tie counts as half a rise; a failure is below every
    /// score.
    pub score_increase: f64,
    /// `score_increase` - `truth_increase`: positive if the estimator overestimates the exchange.
    pub bias: f64,
    /// Number of pairs with equal truth.
    pub truth_ties: usize,
    /// Number of pairs with equal score, including those of two failures.
    pub score_ties: usize,
    /// Number of pairs with a failed score on either side.
    pub failures: usize,
}

/// The effects of all exchanges that occur.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OpBiasReport {
    /// Number of pairs, counted per direction.
    pub pairs: usize,
    /// Number of distinct pairs of architectures, whatever the direction and the operations.
    pub unordered_pairs: usize,
    /// The effect of each exchange, ordered by the names of the operations.
    pub changes: Vec<OpChange>,
}

/// Operation-level bias over `pairs`.
///
/// # Errors
/// If columns differ in length, a truth is not finite, or a pair refers to an architecture that
/// does not exist.
pub fn op_bias(
    pairs: &[MutationPair<'_>],
    scores: &[f64],
    truths: &[f64],
) -> Result<OpBiasReport, AnalysisError> {
    judged(scores, truths)?;
    let architectures = truths.len();
    let mut by_ops: BTreeMap<(&str, &str), Vec<[usize; 2]>> = BTreeMap::new();
    let mut unordered = HashSet::with_capacity(pairs.len());
    for (pair, &MutationPair { from, to, from_op, to_op }) in pairs.iter().enumerate() {
        let index = from.max(to);
        if index >= architectures {
            return Err(AnalysisError::Pair { pair, index, architectures });
        }
        by_ops.entry((from_op, to_op)).or_default().push([from, to]);
        unordered.insert([from.min(to), index]);
    }
    let change = |((from, to), pairs): ((&str, &str), Vec<[usize; 2]>)| {
        let n = pairs.len();
        let count = |values: &[f64]| {
            let order = |[a, b]: &[usize; 2]| compare(values[*b], values[*a]);
            let rises = pairs.iter().filter(|pair| order(pair).is_gt()).count();
            let ties = pairs.iter().filter(|pair| order(pair).is_eq()).count();
            ((rises as f64 + 0.5 * ties as f64) / n as f64, ties)
        };
        let (truth_increase, truth_ties) = count(truths);
        let (score_increase, score_ties) = count(scores);
        let failed = |[a, b]: &&[usize; 2]| scores[*a].is_nan() || scores[*b].is_nan();
        OpChange {
            from: from.to_owned(),
            to: to.to_owned(),
            pairs: n,
            truth_increase,
            score_increase,
            bias: score_increase - truth_increase,
            truth_ties,
            score_ties,
            failures: pairs.iter().filter(failed).count(),
        }
    };
    Ok(OpBiasReport {
        pairs: pairs.len(),
        unordered_pairs: unordered.len(),
        changes: by_ops.into_iter().map(change).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mutation(arch: &str, from: &str, to: &str) -> Mutation {
        Mutation::new(arch, "op", from, to)
    }

    fn small() -> (Vec<String>, Vec<Vec<Mutation>>) {
        let keys = ["skip", "conv", "pool"].map(str::to_owned).to_vec();
        let all = |key: &String| {
            let others = ["skip", "conv", "pool", "none"].into_iter().filter(|it| it != key);
            others.map(|other| mutation(other, key, other)).collect()
        };
        let mutations = keys.iter().map(all).collect();
        (keys, mutations)
    }

    #[test]
    fn pairs_are_those_whose_result_is_in_the_set() {
        let (keys, mutations) = small();
        let found = pairs_in_set(&keys, &mutations).unwrap();
        assert_eq!((found.pairs.len(), found.outside, found.same), (6, 3, 0));
        let first = MutationPair { from: 0, to: 1, from_op: "skip", to_op: "conv" };
        assert_eq!(found.pairs[0], first);
        let twice = [keys, vec!["skip".to_owned()]].concat();
        let mutations = [mutations.clone(), vec![mutations[0].clone()]].concat();
        assert_eq!(pairs_in_set(&twice, &mutations).unwrap().pairs.len(), 6);
    }

    #[test]
    fn both_directions_mirror_one_another() {
        let (keys, mutations) = small();
        let found = pairs_in_set(&keys, &mutations).unwrap();
        let report = op_bias(&found.pairs, &[1.0, f64::NAN, 1.0], &[1.0, 2.0, 0.0]).unwrap();
        assert_eq!((report.pairs, report.unordered_pairs, report.changes.len()), (6, 3, 6));
        let of = |from: &str, to: &str| {
            report.changes.iter().find(|c| c.from == from && c.to == to).unwrap()
        };
        let there = of("skip", "conv");
        assert_eq!((there.truth_increase, there.score_increase, there.bias), (1.0, 0.0, -1.0));
        assert_eq!((there.failures, of("conv", "skip").bias), (1, 1.0));
        let tied = of("skip", "pool");
        assert_eq!((tied.score_ties, tied.score_increase, tied.truth_increase), (1, 0.5, 0.0));
        for one in &report.changes {
            let back = of(&one.to, &one.from);
            assert_eq!(one.truth_increase + back.truth_increase, 1.0);
            assert_eq!(
                (one.score_increase + back.score_increase, one.bias + back.bias),
                (1.0, 0.0)
            );
        }
        assert_eq!(within_group(&found.pairs, &[0, 1, 1], 1).len(), 2);
    }

    #[test]
    fn a_pair_outside_is_refused() {
        let pair = MutationPair { from: 0, to: 7, from_op: "a", to_op: "b" };
        let error = op_bias(&[pair], &[1.0], &[1.0]).unwrap_err();
        assert_eq!(error, AnalysisError::Pair { pair: 0, index: 7, architectures: 1 });
    }
}

//! Vote: prefers, of two architectures, the one that at least half of the experts
//! score higher (Abdelfattah et al. 2021).
//!
//! Majorities need not be transitive, so a ranking needs a rule: Copeland's
//! (wins minus losses, independent of order), or the paper's comparison sort,
//! whose result depends on the order it starts from.

use osee_sdk::prelude::*;
use std::cmp::Ordering;

osee_sdk::export! { meta: Vote }

const RULES: [(&str, Rule); 2] =
    [("copeland", Rule::Copeland), ("comparison-sort", Rule::ComparisonSort)];

/// How pairwise majorities become a ranking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rule {
    Copeland,
    ComparisonSort,
}

/// A majority vote of other rows, the experts.
pub struct Vote {
    experts: Vec<String>,
    rule: Rule,
}

impl Meta for Vote {
    fn info() -> EstimatorInfo {
        EstimatorInfo::new("vote", "1")
            .group(Group::Classic)
            .summary("pairwise majority of experts")
            .citation("Abdelfattah et al., Zero-Cost Proxies for Lightweight NAS, ICLR 2021")
            .setting(
                SettingSpec::new(
                    "experts",
                    "relu_logdet,jacob_cov,synflow",
                    "estimators that vote; a leading - reverses one",
                )
                .list(),
            )
            .setting(
                SettingSpec::new(
                    "rule",
                    "copeland",
                    "wins minus losses, or the paper's sort, which depends on the order",
                )
                .one_of(RULES.map(|(word, _)| word)),
            )
    }

    fn new(settings: &Settings) -> Result<Self> {
        let experts: Vec<String> = settings.get("experts")?;
        if experts.is_empty() {
            return Err(Error::new("vote needs at least one expert"));
        }
        Ok(Self { experts, rule: settings.choice("rule", &RULES)? })
    }

    fn needs(&self) -> Vec<String> {
        self.experts.iter().map(|expert| expert.trim_start_matches('-').to_owned()).collect()
    }

    fn scores(&self, population: &Population) -> Result<Vec<f64>> {
        let experts = self.columns(population)?;
        let n = population.architectures.len();
        Ok(match self.rule {
            Rule::Copeland => (0..n).map(|i| copeland(&experts, i, n)).collect(),
            Rule::ComparisonSort => comparison_sort(&experts, n),
        })
    }
}

impl Vote {
    /// The experts' columns, oriented so that higher is better. A failure is minus
    /// infinity.
    fn columns(&self, population: &Population) -> Result<Vec<Vec<f64>>> {
        let find = |name: &str| population.estimators.iter().position(|it| it == name);
        self.experts
            .iter()
            .map(|expert| {
                let name = expert.trim_start_matches('-');
                let sign = if expert.starts_with('-') { -1.0 } else { 1.0 };
                let at = find(name).ok_or_else(|| {
                    Error::new(format!("expert `{name}` is not among the study's estimators"))
                })?;
                let oriented = population.columns[at]
                    .iter()
                    .map(|&score| if score.is_nan() { f64::NEG_INFINITY } else { sign * score });
                Ok(oriented.collect())
            })
            .collect()
    }
}

/// True if at least half of the experts score `i` above `j`.
fn preferred(experts: &[Vec<f64>], i: usize, j: usize) -> bool {
    let above = experts.iter().filter(|column| column[i] > column[j]).count();
    2 * above >= experts.len()
}

fn majority(experts: &[Vec<f64>], i: usize, j: usize) -> Ordering {
    // With an even number of experts each may be preferred to the other, with ties neither.
    preferred(experts, i, j).cmp(&preferred(experts, j, i))
}

/// Wins minus losses of `i` against all other architectures.
fn copeland(experts: &[Vec<f64>], i: usize, n: usize) -> f64 {
    (0..n).map(|j| majority(experts, i, j) as i32).sum::<i32>() as f64
}

/// Minus each position after a binary insertion sort by majority. A sort of the
/// standard library may panic on an order that is not transitive.
fn comparison_sort(experts: &[Vec<f64>], n: usize) -> Vec<f64> {
    let mut order: Vec<usize> = Vec::with_capacity(n);
    for i in 0..n {
        let at = order.partition_point(|&j| majority(experts, j, i) != Ordering::Less);
        order.insert(at, i);
    }
    let mut scores = vec![0.0; n];
    for (position, &i) in order.iter().enumerate() {
        scores[i] = -(position as f64);
    }
    scores
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vote(rule: &str, columns: &[&[f64]]) -> Vec<f64> {
        let names: Vec<String> = (0..columns.len()).map(|i| format!("e{i}")).collect();
        let settings = [
            ("experts".to_owned(), Value::from(names.join(",").as_str())),
            ("rule".to_owned(), Value::from(rule)),
        ];
        let population = Population {
            architectures: (0..columns[0].len()).map(|i| i.to_string()).collect(),
            estimators: names,
            columns: columns.iter().map(|column| column.to_vec()).collect(),
            ..Population::default()
        };
        Vote::new(&settings.into_iter().collect()).unwrap().scores(&population).unwrap()
    }

    #[test]
    fn a_majority_outvotes_one_expert() {
        let columns: [&[f64]; 3] = [&[1.0, 2.0, 3.0], &[1.0, 2.0, 3.0], &[3.0, 2.0, 1.0]];
        assert_eq!(vote("copeland", &columns), [-2.0, 0.0, 2.0]);
        assert_eq!(vote("comparison-sort", &columns), [-2.0, -1.0, 0.0]);
    }

    #[test]
    fn a_circle_of_majorities_is_a_tie_by_copeland() {
        let columns: [&[f64]; 3] = [&[1.0, 2.0, 3.0], &[3.0, 1.0, 2.0], &[2.0, 3.0, 1.0]];
        assert_eq!(vote("copeland", &columns), [0.0, 0.0, 0.0]);
    }

    #[test]
    fn a_failed_score_loses() {
        assert_eq!(vote("copeland", &[&[f64::NAN, 0.0]]), [-1.0, 1.0]);
    }
}

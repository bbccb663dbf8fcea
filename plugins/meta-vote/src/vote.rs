//! Vote: prefers, of two architectures, the one that at least half of the experts
//! score higher (Abdelfattah et al. 2021).

use crate::{
    experts::{Experts, failures_last},
    majority::{comparison_sort, copeland},
};
use osee_sdk::prelude::*;

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
    experts: Experts,
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
        let experts = Experts::new(&settings.get::<Vec<String>>("experts")?);
        if experts.is_empty() {
            return Err(Error::new("vote needs at least one expert"));
        }
        Ok(Self { experts, rule: settings.choice("rule", &RULES)? })
    }

    fn needs(&self) -> Vec<String> {
        self.experts.names()
    }

    fn scores(&self, population: &Population) -> Result<Vec<f64>> {
        let columns = failures_last(self.experts.columns(population)?);
        let n = population.architectures.len();
        Ok(match self.rule {
            Rule::Copeland => copeland(&columns, n),
            Rule::ComparisonSort => comparison_sort(&columns, n),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experts::tests::population;

    fn vote(rule: &str, columns: &[&[f64]]) -> Vec<f64> {
        let population = population(columns);
        let settings = [
            ("experts".to_owned(), Value::from(population.estimators.join(",").as_str())),
            ("rule".to_owned(), Value::from(rule)),
        ];
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

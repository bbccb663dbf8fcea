//! Combine: rank aggregation of other rows by one of several rules.

use crate::{
    experts::Experts,
    rules::{RULES, Rule},
};
use osee_sdk::prelude::*;

/// One score of several rows', by a [`Rule`].
pub struct Combine {
    members: Experts,
    rule: Rule,
}

impl Combine {
    /// Combines `members`, at least one, with signs as in the setting.
    pub(crate) fn of(members: &[impl AsRef<str>], rule: Rule) -> Self {
        Self { members: Experts::new(members), rule }
    }
}

impl Meta for Combine {
    fn info() -> EstimatorInfo {
        EstimatorInfo::new("combine", "1")
            .summary("rank aggregation of members over the population")
            .citation("the rules of AZ-NAS, TE-NAS, FreeREA and vote, and the mean of z-scores")
            .setting(
                SettingSpec::new(
                    "members",
                    "relu_logdet,jacob_cov,synflow",
                    "estimators that are combined; a leading - reverses one",
                )
                .list(),
            )
            .setting(
                SettingSpec::new(
                    "rule",
                    "log-rank",
                    "sum of ln(rank / M), of ranks, of x / max |x| or of z-scores; or wins minus \
                     losses by majority",
                )
                .one_of(RULES.map(|(word, _)| word)),
            )
    }

    fn new(settings: &Settings) -> Result<Self> {
        let members: Vec<String> = settings.get("members")?;
        if members.is_empty() {
            return Err(Error::new("combine needs at least one member"));
        }
        Ok(Self::of(&members, settings.choice("rule", &RULES)?))
    }

    fn needs(&self) -> Vec<String> {
        self.members.names()
    }

    /// Where a member failed, `max-norm` and `z-score` give NaN; the other rules rank the
    /// architecture last by that member.
    fn scores(&self, population: &Population) -> Result<Vec<f64>> {
        let columns = self.members.columns(population)?;
        Ok(self.rule.scores(columns, population.architectures.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Vote, experts::tests::population};

    fn settings(given: &[(&str, &str)]) -> Settings {
        let given = given.iter().map(|(key, value)| ((*key).to_owned(), Value::from(*value)));
        Settings::resolve("combine", &Combine::info().settings, &given.collect()).unwrap()
    }

    #[test]
    fn a_leading_minus_reverses_a_member_under_every_rule() {
        let [good, bad] = [[1.0, 4.0, 2.0], [-1.0, -4.0, -2.0]];
        for (rule, _) in RULES {
            let scores = |members, columns: &[&[f64]]| {
                let given = settings(&[("members", members), ("rule", rule)]);
                Combine::new(&given).unwrap().scores(&population(columns)).unwrap()
            };
            let one = scores("e0,-e1", &[&good, &[3.0, 9.0, f64::NAN]]);
            let other = scores("-e0,e1", &[&bad, &[-3.0, -9.0, f64::NAN]]);
            let equal = one.iter().zip(&other).all(|(a, b)| a.to_bits() == b.to_bits());
            assert!(equal, "{rule}: {one:?}, {other:?}");
        }
    }

    #[test]
    fn copeland_is_the_vote_of_the_members() {
        let columns: [&[f64]; 3] =
            [&[1.0, 2.0, 2.0, f64::NAN], &[3.0, 1.0, 2.0, 5.0], &[2.0, 3.0, 1.0, 2.0]];
        let population = population(&columns);
        let given = [("experts".to_owned(), Value::from("e0,-e1,e2"))].into();
        let vote = Settings::resolve("vote", &Vote::info().settings, &given).unwrap();
        let vote = Vote::new(&vote).unwrap().scores(&population).unwrap();
        let given = settings(&[("members", "e0,-e1,e2"), ("rule", "copeland")]);
        assert_eq!(Combine::new(&given).unwrap().scores(&population).unwrap(), vote);
    }

    #[test]
    fn the_members_and_the_rule_are_those_of_the_settings() {
        let default = Combine::new(&settings(&[])).unwrap();
        assert_eq!(default.needs(), ["relu_logdet", "jacob_cov", "synflow"]);
        assert_eq!(default.rule, Rule::LogRank);
        let twice = Combine::new(&settings(&[("members", "a,-b,a")])).unwrap();
        assert_eq!(twice.needs(), ["a", "b"]);
        let other = [("rule".to_owned(), Value::from("mean"))].into();
        assert!(Settings::resolve("combine", &Combine::info().settings, &other).is_err());
    }
}

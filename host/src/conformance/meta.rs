//! The rules of meta estimators.

use super::{
    respondent::{self, Respondent},
    rules::{Tell, broken, rule},
};
use crate::loader::Plugin;
use osee_core::{estimator::EstimatorInfo, settings::Settings};
use osee_sdk::{
    Error, Population, Result,
    abi::root::{Foreign, ForeignMeta},
};

/// Architectures of the populations that are scored.
const SIZES: [usize; 4] = [40, 41, 7, 2];

fn create(plugin: &Plugin, info: &EstimatorInfo) -> Result<ForeignMeta> {
    match plugin.functions.create(&info.id, &Settings::defaults(&info.settings))? {
        Foreign::Meta(meta) => Ok(meta),
        _ => Err(Error::new(format!("`{}` is no meta estimator", info.id))),
    }
}

/// So many architectures, their scores distinct numbers without a pattern:
/// multiples modulo a prime.
fn population(experts: &[String], count: usize) -> Population {
    let column =
        |expert: usize| (0..count).map(|i| ((i + 1) * (7 + expert % 30) % 43) as f64).collect();
    Population {
        architectures: (0..count).map(|i| i.to_string()).collect(),
        columns: (0..experts.len()).map(column).collect(),
        estimators: experts.to_vec(),
    }
}

/// Checks a meta estimator on populations that are made up.
pub fn check(plugin: &Plugin, info: &EstimatorInfo, tell: Tell<'_>) -> Result<()> {
    let meta = create(plugin, info)?;
    let mut experts = Vec::new();
    rule(tell, "it says what it needs", || {
        let mend = "return the names of the estimators whose columns you read";
        experts = meta.needs().map_err(broken(mend))?;
        match experts.is_empty() {
            true => Err(("it needs no estimator".to_owned(), mend)),
            false => Ok(()),
        }
    });
    let populations: Vec<Population> =
        SIZES.iter().map(|count| population(&experts, *count)).collect();
    rule(tell, "there is one finite score per architecture", || {
        let mend = "return population.architectures.len() finite numbers";
        for population in &populations {
            let scores = meta.scores(population).map_err(broken(mend))?;
            if let Some(score) = scores.iter().find(|score| !score.is_finite()) {
                return Err((format!("a score is {score}"), mend));
            }
        }
        Ok(())
    });
    rule(tell, "scores tell architectures apart", || {
        let first = meta.scores(&populations[0]);
        match first.is_ok_and(|first| first.windows(2).all(|pair| pair[0] == pair[1])) {
            true => Err(("all are equal".to_owned(), "a constant ranks nothing")),
            false => Ok(()),
        }
    });
    rule(tell, "the same population gets the same scores again", || {
        for population in &populations {
            if meta.scores(population) != meta.scores(population) {
                let mend = "draw from `population.random(..)`";
                return Err(("they differ".to_owned(), mend));
            }
        }
        Ok(())
    });
    rule(tell, "an expert's failure is no failure of all", || {
        let mut spoilt = populations[0].clone();
        for column in &mut spoilt.columns {
            column[3] = f64::NAN;
        }
        meta.scores(&spoilt).map(drop).map_err(broken("rank NaN below every number"))
    });
    Ok(())
}

/// Asked for the scores of one population after another.
pub struct Asked {
    meta: ForeignMeta,
    experts: Vec<String>,
}

impl Asked {
    pub fn new(plugin: &Plugin, info: &EstimatorInfo) -> Result<Self> {
        let meta = create(plugin, info)?;
        Ok(Self { experts: meta.needs()?, meta })
    }
}

impl Respondent for Asked {
    fn questions(&self) -> usize {
        SIZES.len()
    }

    fn answer(&self, question: usize) -> String {
        let scores = self.meta.scores(&population(&self.experts, SIZES[question]));
        respondent::text(scores, |scores| format!("scores {scores:?}"))
    }
}

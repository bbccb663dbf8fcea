//! A meta estimator: scores architectures by the scores of other estimators.

use osee_sdk::prelude::*;

osee_sdk::export! { meta: {{project-name | upper_camel_case}} }

pub struct {{project-name | upper_camel_case}};

impl Meta for {{project-name | upper_camel_case}} {
    fn info() -> EstimatorInfo {
        EstimatorInfo::new("{{crate_name}}", "1")
            .summary("worst rank among the experts")
            .citation("this work")
    }

    fn new(_: &Settings) -> Result<Self> {
        Ok(Self)
    }

    fn needs(&self) -> Vec<String> {
        ["relu_logdet", "synflow"].map(str::to_owned).to_vec()
    }

    fn scores(&self, population: &Population) -> Result<Vec<f64>> {
        let below = |column: &[f64], score: f64| column.iter().filter(|s| **s < score).count();
        let of_one = |at: usize| {
            let ranks = population.columns.iter().map(|column| below(column, column[at]));
            ranks.min().unwrap_or(0) as f64
        };
        Ok((0..population.architectures.len()).map(of_one).collect())
    }
}

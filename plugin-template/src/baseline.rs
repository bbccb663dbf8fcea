//! A baseline: scores the graph alone.

use osee_sdk::prelude::*;

osee_sdk::export! { baseline: {{project-name | upper_camel_case}} }

pub struct {{project-name | upper_camel_case}};

impl Baseline for {{project-name | upper_camel_case}} {
    fn info() -> EstimatorInfo {
        EstimatorInfo::new("{{crate_name}}", "1")
            .summary("multiply-accumulates per parameter")
            .citation("this work")
    }

    fn new(_: &Settings) -> Result<Self> {
        Ok(Self)
    }

    fn score(&self, graph: &Graph) -> Result<f64> {
        let cost = graph.cost();
        if cost.params == 0 {
            return Err(Error::undefined("the network has no parameters"));
        }
        Ok(cost.flops() as f64 / cost.params as f64)
    }
}

//! The baselines of the paper: parameters, multiply-accumulates, ReLU calls.

use osee_sdk::prelude::*;

fn info(id: &str, summary: &str) -> EstimatorInfo {
    EstimatorInfo::new(id, "1")
        .group(Group::Classic)
        .summary(summary)
        .citation("Ning et al., Evaluating Efficient Performance Estimators of Neural Architectures, NeurIPS 2021")
}

/// Scores by the number of trainable parameters.
pub struct Params;

impl Baseline for Params {
    fn info() -> EstimatorInfo {
        info("params", "trainable parameters")
    }
    fn new(_: &Settings) -> Result<Self> {
        Ok(Self)
    }
    fn score(&self, graph: &Graph) -> Result<f64> {
        Ok(graph.cost().params as f64)
    }
}

/// Scores by the multiply-accumulates of one image.
pub struct Flops;

impl Baseline for Flops {
    fn info() -> EstimatorInfo {
        info("flops", "multiply-accumulates of one image")
    }
    fn new(_: &Settings) -> Result<Self> {
        Ok(Self)
    }
    fn score(&self, graph: &Graph) -> Result<f64> {
        Ok(graph.cost().flops() as f64)
    }
}

/// Scores by the number of ReLU calls in one forward pass.
pub struct Relu;

impl Baseline for Relu {
    fn info() -> EstimatorInfo {
        info("relu", "ReLU calls of one forward pass")
    }
    fn new(_: &Settings) -> Result<Self> {
        Ok(Self)
    }
    fn score(&self, graph: &Graph) -> Result<f64> {
        Ok(graph.relu_count() as f64)
    }
}

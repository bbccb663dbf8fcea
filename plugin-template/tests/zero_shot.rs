//! Tests the estimator natively and through its library, with the same assertions.

use osee_sdk::{Measurement, prelude::*};
use osee_testkit::{FixedNetwork, Library, small_graph};
use {{crate_name}}::{{project-name | upper_camel_case}};

fn network() -> FixedNetwork {
    let graph = small_graph();
    let shapes = graph.parameters.iter().map(|p| p.shape().iter().map(|&n| n as i64).collect());
    let ones = |shape: Vec<i64>| Tensor::ones(shape, (Kind::Float, tch::Device::Cpu));
    let parameters: Vec<Tensor> = shapes.map(ones).collect();
    let gradients = parameters.iter().map(|p| p * 2.0).collect();
    FixedNetwork::new(graph)
        .with(Measurement::Parameters, parameters)
        .with(Measurement::LossGradients, gradients)
}

#[test]
fn the_score_is_finite_and_the_same_everywhere() {
    let settings = {{project-name | upper_camel_case}}::info().defaults();
    let own = {{project-name | upper_camel_case}}::new(&settings).unwrap();
    let native = own.score(&network().view()).unwrap();
    assert!(native.is_finite());
    let loaded = Library::of_crate("{{crate_name}}").unwrap().zero_shot("{{crate_name}}").unwrap();
    assert_eq!(loaded.score(&network()), Ok(native));
}

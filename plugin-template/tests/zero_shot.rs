//! The estimator natively and through its library, by the same assertions.

use osee_sdk::{Measurement, prelude::*, testkit};

fn network() -> testkit::FixedNetwork {
    let graph = testkit::small_graph();
    let shapes = graph.parameters.iter().map(|p| p.shape().iter().map(|&n| n as i64).collect());
    let ones = |shape: Vec<i64>| Tensor::ones(shape, (Kind::Float, tch::Device::Cpu));
    let parameters: Vec<Tensor> = shapes.map(ones).collect();
    let gradients = parameters.iter().map(|p| p * 2.0).collect();
    testkit::FixedNetwork::new(graph)
        .with(Measurement::Parameters, parameters)
        .with(Measurement::LossGradients, gradients)
}

fn library() -> std::path::PathBuf {
    std::env::current_exe().unwrap().with_file_name("lib{{crate_name}}.so")
}

#[test]
fn the_score_is_finite_and_the_same_everywhere() {
    let native = testkit::score::<{{crate_name}}::{{project-name | upper_camel_case}}>(&network()).unwrap();
    assert!(native.is_finite());
    let loaded = testkit::score_through_library(&library(), "{{crate_name}}", &network()).unwrap();
    assert_eq!(native, loaded);
}

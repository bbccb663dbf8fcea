//! Tests the meta estimator natively and through its library, with the same assertions.

use osee_sdk::prelude::*;
use osee_testkit::Library;
use {{crate_name}}::{{project-name | upper_camel_case}};

#[test]
fn the_scores_follow_the_worse_expert() {
    let population = Population {
        architectures: ["a", "b", "c"].map(str::to_owned).to_vec(),
        estimators: ["relu_logdet", "synflow"].map(str::to_owned).to_vec(),
        columns: vec![vec![1.0, 2.0, 3.0], vec![5.0, 4.0, 6.0]],
        ..Population::default()
    };
    let settings = {{project-name | upper_camel_case}}::info().defaults();
    let own = {{project-name | upper_camel_case}}::new(&settings).unwrap();
    let native = own.scores(&population).unwrap();
    assert_eq!(native, [0.0, 0.0, 2.0]);
    let loaded = Library::of_crate("{{crate_name}}").unwrap().meta("{{crate_name}}").unwrap();
    assert_eq!(loaded.scores(&population), Ok(native));
}

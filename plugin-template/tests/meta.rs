//! The meta estimator natively and through its library, by the same assertions.

use osee_sdk::model::settings::Settings;
use osee_sdk::{prelude::*, testkit};

#[test]
fn the_scores_follow_the_worse_expert() {
    let population = Population {
        architectures: ["a", "b", "c"].map(str::to_owned).to_vec(),
        estimators: ["relu_logdet", "synflow"].map(str::to_owned).to_vec(),
        columns: vec![vec![1.0, 2.0, 3.0], vec![5.0, 4.0, 6.0]],
        ..Population::default()
    };
    let own = {{crate_name}}::{{project-name | upper_camel_case}}::new(&Settings::default()).unwrap();
    let native = own.scores(&population).unwrap();
    assert_eq!(native, [0.0, 0.0, 2.0]);
    let library = std::env::current_exe().unwrap().with_file_name("lib{{crate_name}}.so");
    let loaded = testkit::meta_through_library(&library, "{{crate_name}}", &population).unwrap();
    assert_eq!(native, loaded);
}

//! The baseline natively and through its library, by the same assertions.

use osee_sdk::model::settings::Settings;
use osee_sdk::{prelude::*, testkit};

#[test]
fn the_score_is_finite_and_the_same_everywhere() {
    let graph = testkit::small_graph();
    let own = {{crate_name}}::{{project-name | upper_camel_case}}::new(&Settings::default()).unwrap();
    let native = own.score(&graph).unwrap();
    assert!(native.is_finite());
    let library = std::env::current_exe().unwrap().with_file_name("lib{{crate_name}}.so");
    let loaded = testkit::baseline_through_library(&library, "{{crate_name}}", &graph).unwrap();
    assert_eq!(native, loaded);
}

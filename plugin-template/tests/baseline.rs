//! Tests the baseline natively and through its library, with the same assertions.

use osee_sdk::prelude::*;
use osee_testkit::{Library, small_graph};
use {{crate_name}}::{{project-name | upper_camel_case}};

#[test]
fn the_score_is_finite_and_the_same_everywhere() {
    let graph = small_graph();
    let settings = {{project-name | upper_camel_case}}::info().defaults();
    let native = {{project-name | upper_camel_case}}::new(&settings).unwrap().score(&graph).unwrap();
    assert!(native.is_finite());
    let loaded = Library::of_crate("{{crate_name}}").unwrap().baseline("{{crate_name}}").unwrap();
    assert_eq!(loaded.score(&graph.into()), Ok(native));
}

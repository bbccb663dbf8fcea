//! Tests the one-shot estimator natively and through its library, with the same assertions.

use osee_sdk::prelude::*;
use osee_testkit::{Library, small_space};
use {{crate_name}}::{{project-name | upper_camel_case}};

#[test]
fn it_samples_what_can_be_trained_and_scores_by_the_loss() {
    let lent = small_space();
    let space = lent.view().unwrap();
    let epoch = Epoch { epochs: 2, steps: 50, seed: 1, ..Epoch::default() };
    let settings = {{project-name | upper_camel_case}}::info().defaults();
    let own = {{project-name | upper_camel_case}}::new(&settings).unwrap();
    let native = own.sample(&epoch, &space).unwrap();
    assert_eq!(native.steps.len(), 50);
    assert!(native.steps.iter().flatten().all(|arch| space.trainable(arch).unwrap()));
    let batches = [1.0, 2.0].map(|loss| BatchResult { images: 8, loss, correct: 4 });
    assert_eq!(own.score(&batches), Ok(-1.5));

    let loaded = Library::of_crate("{{crate_name}}").unwrap().one_shot("{{crate_name}}").unwrap();
    assert_eq!(loaded.sample(&epoch, &lent), Ok(native));
    assert_eq!(loaded.score(&batches), Ok(-1.5));
}

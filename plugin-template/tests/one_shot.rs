//! The one-shot estimator natively and through its library, by the same assertions.

use osee_sdk::model::settings::Settings;
use osee_sdk::{prelude::*, testkit};

#[test]
fn it_samples_what_can_be_trained_and_scores_by_the_loss() {
    let lent = testkit::small_space().unwrap();
    let space = lent.view().unwrap();
    let epoch =
        Epoch { number: 0, epochs: 2, steps: 50, seed: 1, surveyed: vec![], memory: vec![] };
    let own = {{crate_name}}::{{project-name | upper_camel_case}}::new(&Settings::default()).unwrap();
    let native = own.sample(&epoch, &space).unwrap();
    assert_eq!(native.steps.len(), 50);
    assert!(native.steps.iter().flatten().all(|arch| space.trainable(arch).unwrap()));
    let batches = [1.0, 2.0].map(|loss| BatchResult { images: 8, loss, correct: 4 });
    assert_eq!(own.score(&batches), Ok(-1.5));

    let library = std::env::current_exe().unwrap().with_file_name("lib{{crate_name}}.so");
    let loaded = testkit::one_shot_of_library(&library, "{{crate_name}}").unwrap();
    assert_eq!(loaded.sample(&epoch, &lent), Ok(native));
    assert_eq!(loaded.score(&batches), Ok(-1.5));
}

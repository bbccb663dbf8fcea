use super::*;
use crate::study::TruthChoice;
use osee_model::estimator::{Direction, EstimatorKind};

pub(in crate::store) fn key() -> ScorerKey {
    let text = String::new;
    ScorerKey {
        name: "a".to_owned(),
        estimator: "a".to_owned(),
        version: "1".to_owned(),
        kind: EstimatorKind::ZeroShot,
        direction: Direction::HigherIsBetter,
        settings: text(),
        plugin_sha256: text(),
        space: "nb201".to_owned(),
        space_version: text(),
        space_settings: text(),
        space_sha256: text(),
        protocol: text(),
        data: text(),
    }
}

pub(in crate::store) fn record(scorer: ScorerId, arch: usize, outcome: Outcome) -> Record {
    Record { scorer, arch, seed: u64::MAX, outcome, milliseconds: 1.5, device: "cpu".to_owned() }
}

#[test]
fn what_was_stored_is_found_again_and_not_overwritten() {
    let dir = tempfile::tempdir().unwrap();
    let study = Study::default();
    let failure = Failure::new(FailureKind::Panic, "at the disco");
    {
        let mut store = Store::for_run(dir.path(), &study).unwrap();
        store.set_plan(&["x".to_owned(), "y".to_owned()]).unwrap();
        let scorer = store.scorer(&key()).unwrap();
        store
            .record(&[record(scorer, 0, Ok(0.1)), record(scorer, 1, Err(failure.clone()))])
            .unwrap();
    }
    let mut store = Store::for_run(dir.path(), &study).unwrap();
    let scorer = store.scorer(&key()).unwrap();
    store.record(&[record(scorer, 0, Ok(9.9))]).unwrap();
    let outcomes: Vec<Outcome> =
        store.scores(scorer).unwrap().into_iter().map(|score| score.outcome).collect();
    assert_eq!(outcomes, [Ok(0.1), Err(failure)]);
    assert!(store.done(scorer, &[u64::MAX], 2).unwrap().has(1, 0));
}

#[test]
fn what_was_not_trained_is_outstanding_and_gives_way_to_a_score() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::for_run(dir.path(), &Study::default()).unwrap();
    store.set_plan(&["x".to_owned()]).unwrap();
    let scorer = store.scorer(&key()).unwrap();
    let untrained = |why| Err(Failure::new(FailureKind::Untrained, why));
    for outcome in [untrained("the disk is full"), untrained("the loss is NaN")] {
        store.record(&[record(scorer, 0, outcome.clone())]).unwrap();
        assert_eq!(store.scores(scorer).unwrap()[0].outcome, outcome);
        assert!(!store.done(scorer, &[u64::MAX], 1).unwrap().has(0, 0));
        let why = outcome.unwrap_err().message;
        assert_eq!(store.untrained(scorer).unwrap(), Some(why));
        assert_eq!(store.cost(scorer).unwrap(), (0.0, 0));
        let failures = store.failures().unwrap();
        assert_eq!(failures, [("a".to_owned(), FailureKind::Untrained, 1)]);
    }
    for (given, kept) in [(Ok(0.5), 0.5), (Ok(0.7), 0.5), (untrained("no"), 0.5)] {
        store.record(&[record(scorer, 0, given)]).unwrap();
        assert_eq!(store.scores(scorer).unwrap()[0].outcome, Ok(kept));
    }
    assert!(store.done(scorer, &[u64::MAX], 1).unwrap().has(0, 0));
    assert_eq!(store.untrained(scorer).unwrap(), None);
}

#[test]
fn reading_changes_nothing_even_while_another_writes() {
    let dir = tempfile::Builder::new().prefix("50% of? it#").tempdir().unwrap();
    let listing = || {
        let mut files: Vec<_> =
            std::fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        files.sort();
        files
    };
    let mut writer = Store::for_run(dir.path(), &Study::default()).unwrap();
    writer.set_plan(&["x".to_owned()]).unwrap();
    assert_eq!(Store::open(dir.path()).unwrap().plan().unwrap(), ["x"]);
    drop(writer);
    let before = listing();
    assert_eq!(Store::open(dir.path()).unwrap().plan().unwrap(), ["x"]);
    assert_eq!(listing(), before);
}

#[test]
fn a_scorer_that_is_asked_again_is_the_last_used() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::for_run(dir.path(), &Study::default()).unwrap();
    let other = ScorerKey { settings: "{\"epochs\":3}".to_owned(), ..key() };
    let last = || store.scorers().unwrap().pop().unwrap().1;
    let first = store.scorer(&key()).unwrap();
    store.scorer(&other).unwrap();
    assert_eq!(last(), other);
    assert_eq!(store.scorer(&key()).unwrap(), first);
    assert_eq!(last(), key());
}

#[test]
fn a_store_knows_which_of_its_architectures_are_neighbours() {
    for (drawn, counts) in [(None, (3, 0)), (Some(2), (2, 1)), (Some(9), (3, 0))] {
        let dir = tempfile::tempdir().unwrap();
        let mut study = Study::default();
        study.architectures.drawn = drawn;
        let mut store = Store::for_run(dir.path(), &study).unwrap();
        store.set_plan(&["x", "y", "z"].map(str::to_owned)).unwrap();
        assert_eq!(store.drawn().unwrap(), counts);
    }
}

#[test]
fn a_truth_named_later_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let bare = Study::default();
    drop(Store::for_run(dir.path(), &bare).unwrap());
    let truth = TruthChoice::plain("truth.csv".into());
    let judged = Study { truth: Some(truth), ..bare.clone() };
    drop(Store::for_run(dir.path(), &judged).unwrap());
    assert_eq!(Store::for_run(dir.path(), &bare).unwrap().study().unwrap(), judged);
}

#[test]
fn a_foreign_folder_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("thesis.tex"), "precious").unwrap();
    let refused = Store::for_run(dir.path(), &Study::default());
    assert!(matches!(refused, Err(StoreError::Foreign(_))));
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[test]
fn another_study_and_a_second_writer_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let study = Study::default();
    let first = Store::for_run(dir.path(), &study).unwrap();
    let second = Store::for_run(dir.path(), &study);
    assert!(matches!(second, Err(StoreError::Locked(_))));
    drop(first);
    let other = Study { seeds: vec![5], ..study };
    let refused = Store::for_run(dir.path(), &other);
    assert!(matches!(refused, Err(StoreError::OtherStudy { field, .. }) if field == "seeds"));
}

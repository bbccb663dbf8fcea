use super::*;
use crate::{
    row::{Conditions, EstimatorKey, RowKey, SpaceKey},
    study::{Seeds, Study, TableSource, TruthChoice},
};
use osee_model::{
    device::DeviceKind,
    estimator::{Direction, EstimatorKind, Failure, FailureKind},
    protocol::Protocol,
    settings::Settings,
};
use std::path::Path;

pub(crate) fn key() -> RowKey {
    let [name, plugin] = ["a", ""];
    let estimator = EstimatorKey {
        id: name.to_owned(),
        version: "1".to_owned(),
        kind: EstimatorKind::ZeroShot,
        direction: Direction::HigherIsBetter,
        settings: Settings::default(),
        plugin_sha256: plugin.to_owned(),
    };
    let space = SpaceKey {
        id: "nb201".to_owned(),
        version: "1".to_owned(),
        settings: Settings::default(),
        plugin_sha256: String::new(),
    };
    let protocol = Protocol::preset("paper").unwrap();
    RowKey {
        name: name.to_owned(),
        estimator,
        space,
        conditions: Conditions::Untrained(protocol),
        images: Some("noise".to_owned()),
        device: DeviceKind::Cpu,
        checkpoint_of: None,
    }
}

pub(in crate::store) fn record(row: RowId, arch_index: usize, outcome: Outcome) -> Record {
    let device = "cpu".to_owned();
    Record { row, arch_index, seed: u64::MAX, outcome, milliseconds: 1.5, device }
}

#[test]
fn what_was_stored_is_found_again_and_not_overwritten() {
    let dir = tempfile::tempdir().unwrap();
    let study = Study::default();
    let failure = Failure::new(FailureKind::Panic, "at the disco");
    {
        let mut store = StoreWriter::open(dir.path(), &study).unwrap();
        store.fix_architectures(&["x".to_owned(), "y".to_owned()]).unwrap();
        let row = store.register(&[key()]).unwrap()[0];
        store.record(&[record(row, 0, Ok(0.1)), record(row, 1, Err(failure.clone()))]).unwrap();
    }
    let mut store = StoreWriter::open(dir.path(), &study).unwrap();
    let row = store.register(&[key()]).unwrap()[0];
    store.record(&[record(row, 0, Ok(9.9))]).unwrap();
    let outcomes: Vec<Outcome> =
        store.scores(row).unwrap().into_iter().map(|score| score.outcome).collect();
    assert_eq!(outcomes, [Ok(0.1), Err(failure)]);
    assert!(store.done(row, &[u64::MAX], 2).unwrap().has(1, 0));
}

#[test]
fn what_was_not_trained_is_outstanding_and_gives_way_to_a_score() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = StoreWriter::open(dir.path(), &Study::default()).unwrap();
    store.fix_architectures(&["x".to_owned()]).unwrap();
    let row = store.register(&[key()]).unwrap()[0];
    let untrained = |why| Err(Failure::new(FailureKind::Untrained, why));
    for outcome in [untrained("the disk is full"), untrained("the loss is NaN")] {
        store.record(&[record(row, 0, outcome.clone())]).unwrap();
        assert_eq!(store.scores(row).unwrap()[0].outcome, outcome);
        assert!(!store.done(row, &[u64::MAX], 1).unwrap().has(0, 0));
        let why = outcome.unwrap_err().message;
        assert_eq!(store.untrained(row).unwrap(), Some(why));
        assert_eq!(store.cost(row).unwrap(), (0.0, 0));
        let failures = store.failures().unwrap();
        assert_eq!(failures, [("a".to_owned(), FailureKind::Untrained, 1)]);
    }
    for (given, kept) in [(Ok(0.5), 0.5), (Ok(0.7), 0.5), (untrained("no"), 0.5)] {
        store.record(&[record(row, 0, given)]).unwrap();
        assert_eq!(store.scores(row).unwrap()[0].outcome, Ok(kept));
    }
    assert!(store.done(row, &[u64::MAX], 1).unwrap().has(0, 0));
    assert_eq!(store.untrained(row).unwrap(), None);
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
    let mut writer = StoreWriter::open(dir.path(), &Study::default()).unwrap();
    writer.fix_architectures(&["x".to_owned()]).unwrap();
    assert_eq!(Store::open(dir.path()).unwrap().architectures().unwrap(), ["x"]);
    drop(writer);
    let before = listing();
    assert_eq!(Store::open(dir.path()).unwrap().architectures().unwrap(), ["x"]);
    assert_eq!(listing(), before);
}

#[test]
fn a_row_that_is_asked_for_again_is_the_last_used() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = StoreWriter::open(dir.path(), &Study::default()).unwrap();
    let other = RowKey { images: Some("digits".to_owned()), ..key() };
    let first = store.register(&[key(), other.clone()]).unwrap()[0];
    let last = |store: &Store| store.rows().unwrap().pop().unwrap().1;
    assert_eq!(last(&store), other);
    assert_eq!(store.find(&key()).unwrap(), Some(first));
    assert_eq!(last(&store), other);
    assert_eq!(store.register(&[key()]).unwrap(), [first]);
    assert_eq!(last(&store), key());
}

#[test]
fn a_store_knows_which_of_its_architectures_are_neighbours() {
    for (drawn, counts) in [(None, (3, 0)), (Some(2), (2, 1)), (Some(9), (3, 0))] {
        let dir = tempfile::tempdir().unwrap();
        let mut study = Study::default();
        study.architectures.drawn = drawn;
        let mut store = StoreWriter::open(dir.path(), &study).unwrap();
        store.fix_architectures(&["x", "y", "z"].map(str::to_owned)).unwrap();
        assert_eq!(store.drawn().unwrap(), counts);
    }
}

#[test]
fn a_truth_named_later_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let bare = Study::default();
    drop(StoreWriter::open(dir.path(), &bare).unwrap());
    let truth = TruthChoice::plain(TableSource::of(Path::new("truth.csv")));
    let judged = Study { truth: Some(truth), ..bare.clone() };
    drop(StoreWriter::open(dir.path(), &judged).unwrap());
    assert_eq!(StoreWriter::open(dir.path(), &bare).unwrap().study().unwrap(), judged);
}

#[test]
fn a_foreign_folder_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("thesis.tex"), "precious").unwrap();
    let refused = StoreWriter::open(dir.path(), &Study::default());
    assert!(matches!(refused, Err(StoreError::Foreign(_))));
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[test]
fn another_study_and_a_second_writer_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let study = Study::default();
    let first = StoreWriter::open(dir.path(), &study).unwrap();
    let second = StoreWriter::open(dir.path(), &study);
    assert!(matches!(second, Err(StoreError::Locked(_))));
    drop(first);
    let other = Study { seeds: Seeds::one(5), ..study };
    let refused = StoreWriter::open(dir.path(), &other);
    assert!(matches!(refused, Err(StoreError::OtherStudy { field, .. }) if field == "seeds"));
}

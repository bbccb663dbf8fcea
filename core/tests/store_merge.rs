//! Merging the parts of a study gives what one process would have stored, in any order and any
//! number of times, and parts that do not fit together are refused.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use osee_core::{
    shard::{Shard, unit_name},
    store::{
        MergeError, Merged, PopulationId, Progress, Record, Retry, Score, Store, StoreError,
        StoreWriter, UnitTimes,
    },
    study::{Seeds, Study},
};
use osee_model::estimator::{Failure, FailureKind, Limit};
use std::{path::Path, time::Duration};
use support::key;

const SEEDS: [u64; 2] = [3, u64::MAX];

fn plan() -> Vec<String> {
    (0..100).map(|i| format!("arch {i}")).collect()
}

fn study(shard: Shard) -> Study {
    Study { shard, seeds: SEEDS.to_vec().try_into().unwrap(), ..Study::default() }
}

/// A run of this shard with its first `units` units.
fn made(dir: &Path, shard: Shard, plugin: &str, units: usize) -> Store {
    let mut store = StoreWriter::open(dir, &study(shard)).unwrap();
    store.fix_architectures(&plan()).unwrap();
    let rows = store.register(&["a", "b"].map(|name| key(name, plugin))).unwrap();
    let all = SEEDS.iter().flat_map(|seed| (0..100).map(move |arch| (arch, *seed)));
    let held = all.filter(|(arch, seed)| shard.holds(&unit_name(&plan()[*arch], *seed)));
    for (arch, seed) in held.take(units) {
        let outcome = |scale: f64| match arch % 7 {
            0 => Err(Failure::new(FailureKind::Panic, format!("at {arch}"))),
            _ => Ok(scale * arch as f64 + (seed % 5) as f64),
        };
        let record = |(row, scale)| Record {
            row,
            arch_index: arch,
            seed,
            outcome: outcome(scale),
            milliseconds: arch as f64,
            device: "cpu".to_owned(),
        };
        store.record(&[(rows[0], 0.1), (rows[1], -3.0)].map(record)).unwrap();
    }
    store.finish()
}

fn scores(store: &Store) -> Vec<(String, Vec<Score>)> {
    let newest = store.newest().unwrap().into_iter();
    newest.map(|(name, (id, _))| (name, store.scores(id).unwrap())).collect()
}

fn shards(root: &Path, count: u32) -> Vec<Store> {
    let shard = |k| Shard::new(k, count).unwrap();
    (1..=count).map(|k| made(&root.join(shard(k).folder()), shard(k), "x", usize::MAX)).collect()
}

fn into(dir: &Path) -> StoreWriter {
    StoreWriter::open(dir, &study(Shard::WHOLE)).unwrap()
}

#[test]
fn parts_in_any_order_come_to_the_whole() {
    let [apart, folder] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let whole = made(apart.path(), Shard::WHOLE, "x", usize::MAX);
    let mut parts = shards(folder.path(), 5);
    // The folder contains the shards, and still becomes the merged run.
    let mut merged = into(folder.path());
    parts.swap(0, 3);
    parts.swap(1, 4);
    assert_eq!(merged.merge(&parts).unwrap(), Merged { added: 400, ..Merged::default() });
    assert_eq!(merged.architectures().unwrap(), whole.architectures().unwrap());
    assert_eq!(scores(&merged), scores(&whole));
    assert_eq!(merged.progress().unwrap(), Some(Progress { units: 200, outstanding: 0 }));
    let before = std::fs::read(folder.path().join("study.toml")).unwrap();
    assert_eq!(merged.merge(&parts).unwrap(), Merged { known: 400, ..Merged::default() });
    assert_eq!(scores(&merged), scores(&whole));
    assert_eq!(std::fs::read(folder.path().join("study.toml")).unwrap(), before);
}

#[test]
fn what_is_missing_is_counted_and_comes_later() {
    let folder = tempfile::tempdir().unwrap();
    let mut parts = shards(folder.path(), 5);
    let late = parts.pop().unwrap();
    let mut merged = into(&folder.path().join("merged"));
    merged.merge(&parts).unwrap();
    let held = late.progress().unwrap().unwrap();
    assert_eq!(held.outstanding, 0);
    assert!(merged.progress().unwrap().unwrap().outstanding >= held.units);
    // The architectures that only the missing shard has are unknown.
    assert!(matches!(merged.architectures(), Err(StoreError::Part { .. })));
    assert!(
        matches!(parts[0].architectures(), Err(StoreError::Part { shard, .. }) if shard.number() == 1)
    );
    merged.merge(&[late]).unwrap();
    assert_eq!(merged.architectures().unwrap(), plan());
    assert_eq!(merged.progress().unwrap().unwrap().outstanding, 0);
}

#[test]
fn a_shard_that_was_stopped_says_how_far_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let shard = Shard::new(2, 4).unwrap();
    let all = made(&folder.path().join("all"), shard, "x", usize::MAX).progress().unwrap().unwrap();
    let some = made(&folder.path().join("some"), shard, "x", 11).progress().unwrap().unwrap();
    assert_eq!((some.units, some.outstanding), (all.units, all.units - 11));
}

#[test]
fn another_plugin_list_study_or_score_is_refused_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let [one, two] = [1, 2].map(|k| Shard::new(k, 2).unwrap());
    let first = made(&folder.path().join("1"), one, "x", usize::MAX);
    let mut merged = into(&folder.path().join("merged"));
    let refused = |merged: &mut StoreWriter, parts: &[Store]| {
        let error = merged.merge(parts).unwrap_err();
        assert!(scores(merged).is_empty() && merged.list().unwrap().is_none(), "{error}");
        error
    };

    let other = made(&folder.path().join("plugin"), two, "y", 3);
    let parts = [first, other];
    let error = refused(&mut merged, &parts).to_string();
    assert!(error.contains("plugin (its SHA-256) differs"), "{error}");
    let [first, _] = parts;

    let mut list = StoreWriter::open(folder.path().join("list"), &study(two)).unwrap();
    list.fix_architectures(&plan()[..99]).unwrap();
    let parts = [first, list.finish()];
    assert!(matches!(refused(&mut merged, &parts), MergeError::OtherStudy { .. }));
    let [first, _] = parts;

    let seeds = Study { seeds: Seeds::one(3), ..study(two) };
    let parts = [first, StoreWriter::open(folder.path().join("seeds"), &seeds).unwrap().finish()];
    let error = refused(&mut merged, &parts).to_string();
    assert!(error.contains("their seeds differs"), "{error}");
    let [first, _] = parts;

    // The same unit with another score.
    let mut again = StoreWriter::open(folder.path().join("again"), &study(two)).unwrap();
    again.fix_architectures(&plan()).unwrap();
    let row = again.register(&[key("a", "x")]).unwrap()[0];
    let taken = first.scores(first.newest().unwrap()["a"].0).unwrap();
    let taken = taken.iter().find(|score| score.outcome.is_ok()).unwrap();
    let (arch, seed) = (taken.arch_index, taken.seed);
    let device = String::new();
    let wrong = Record { row, arch_index: arch, seed, outcome: Ok(0.5), milliseconds: 0.0, device };
    again.record(&[wrong]).unwrap();
    let error = refused(&mut merged, &[first, again.finish()]);
    assert!(matches!(error, MergeError::OtherResult { .. }), "{error}");
}

/// Kernels of two models of GPUs differ in their last bits.
#[test]
fn scores_of_two_models_of_gpus_may_differ_and_the_first_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let made = |name: &str, shard: u32, device: &str, scores: [f64; 2]| {
        let study = study(Shard::new(shard, 2).unwrap());
        let mut store = StoreWriter::open(folder.path().join(name), &study).unwrap();
        store.fix_architectures(&plan()).unwrap();
        let row = store.register(&[key("a", "x")]).unwrap()[0];
        let record = |(arch_index, score)| {
            let (seed, device) = (SEEDS[0], device.to_owned());
            Record { row, arch_index, seed, outcome: Ok(score), milliseconds: 0.0, device }
        };
        store.record(&scores.into_iter().enumerate().map(record).collect::<Vec<_>>()).unwrap();
        store.finish()
    };
    let first = made("first", 1, "cuda:0, NVIDIA H100", [0.25, 0.5]);
    let other = made("other", 2, "cuda:0, NVIDIA A100", [0.25, 0.75]);
    let same = made("same", 2, "cuda:1, NVIDIA H100", [0.25, 0.75]);
    let mut merged = into(&folder.path().join("two models"));
    let report = merged.merge(&[first, other]).unwrap();
    assert_eq!(report, Merged { added: 2, known: 2, of_other_gpu: 1 });
    let kept: Vec<Score> = scores(&merged).remove(0).1;
    let kept: Vec<f64> = kept.into_iter().map(|score| score.outcome.unwrap()).collect();
    assert_eq!(kept, [0.25, 0.5]);

    let first = made("again", 1, "cuda:0, NVIDIA H100", [0.25, 0.5]);
    let error = into(&folder.path().join("one model")).merge(&[first, same]).unwrap_err();
    assert!(matches!(error, MergeError::OtherResult { .. }), "{error}");
}

/// A unit that failed in one part gets its score, or its failure under the wider limit, from
/// another part, whatever the order.
#[test]
fn a_failure_gives_way_to_a_score_and_to_a_wider_limit() {
    let folder = tempfile::tempdir().unwrap();
    let seconds = Duration::from_secs;
    let slow = |limit| {
        let failure = Failure::new(FailureKind::Timeout, "slow");
        Err(failure.by(Some(Limit::Time(seconds(limit)))))
    };
    let part = |name: &str, outcomes: [Result<f64, Failure>; 2]| {
        let mut store = StoreWriter::open(folder.path().join(name), &study(Shard::WHOLE)).unwrap();
        store.fix_architectures(&plan()).unwrap();
        let row = store.register(&[key("a", "x")]).unwrap()[0];
        for (arch, outcome) in outcomes.into_iter().enumerate() {
            let device = "cpu".to_owned();
            let record =
                Record { row, arch_index: arch, seed: 3, outcome, milliseconds: 2.0, device };
            store.record_unit(&[record], 1.5).unwrap();
        }
        store.finish()
    };
    let mut parts = [part("one", [slow(4), slow(9)]), part("two", [Ok(0.5), slow(4)])];
    for name in ["forwards", "backwards"] {
        let mut merged = into(&folder.path().join(name));
        merged.merge(&parts[..1]).unwrap();
        merged.merge(&parts).unwrap();
        let (id, _) = merged.newest().unwrap()["a"];
        assert_eq!(merged.scores(id).unwrap()[0].outcome, Ok(0.5), "{name}");
        let open = |limit| {
            let retry = Retry::within(seconds(limit), u64::MAX);
            let done = merged.done_but(id, &[3], 2, &retry).unwrap();
            [0, 1].map(|arch| !done.has(arch, 0))
        };
        assert_eq!([open(9), open(10)], [[false, false], [false, true]], "{name}");
        // The time of a unit that two parts have counts once.
        let times = UnitTimes { units: 2, milliseconds: 3.0, alone: 4.0 };
        assert_eq!(merged.unit_times().unwrap(), times);
        parts.reverse();
    }
}

#[test]
fn a_merge_keeps_what_the_scores_of_a_meta_estimator_are_about() {
    let folder = tempfile::tempdir().unwrap();
    let population = |failed: &'static str| {
        PopulationId::of(["arch 0", "arch 1"], |at| if at == 0 { vec![failed] } else { vec![] })
    };
    let record = |row| Record {
        row,
        arch_index: 0,
        seed: 3,
        outcome: Ok(0.5),
        milliseconds: 2.0,
        device: "cpu".to_owned(),
    };
    let part = |name: &str, failed: Option<&'static str>| {
        let mut store = StoreWriter::open(folder.path().join(name), &study(Shard::WHOLE)).unwrap();
        store.fix_architectures(&plan()).unwrap();
        let row = store.register(&[key("a", "x")]).unwrap()[0];
        store.replace(row, &[record(row)], failed.map(population).as_ref()).unwrap();
        store.finish()
    };
    // Two parts never disagree about it, unless their scores do not depend on it.
    let parts = [part("none", None), part("first", Some("x")), part("second", Some("y"))];
    let mut merged = into(&folder.path().join("merged"));
    for _ in 0..2 {
        merged.merge(&parts).unwrap();
        let (id, _) = merged.newest().unwrap()["a"];
        assert_eq!(merged.population(id).unwrap(), Some(population("x")));
    }
}

#[test]
fn a_file_that_was_copied_in_part_is_known_as_such() {
    let folder = tempfile::tempdir().unwrap();
    drop(made(folder.path(), Shard::new(1, 2).unwrap(), "x", usize::MAX));
    let file = folder.path().join("results.sqlite");
    assert!(Store::open(folder.path()).unwrap().check().is_ok());
    let whole = std::fs::metadata(&file).unwrap().len();
    std::fs::OpenOptions::new().write(true).open(&file).unwrap().set_len(whole / 2).unwrap();
    let checked = Store::open(folder.path()).and_then(|store| store.check());
    assert!(matches!(checked, Err(StoreError::Damaged { .. } | StoreError::Sqlite { .. })));
}

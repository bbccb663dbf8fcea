//! A run directory survives its process, whenever that dies, and no one else's files are taken for
//! a run.

mod support;

use osee_core::{
    store::{Record, Store, StoreError, StoreWriter},
    study::{Seeds, Study},
};
use std::{
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};
use support::key;

const CHILD: &str = "OSEE_TEST_WRITER";
const PER_UNIT: usize = 7;

/// The child process: stores units until it is killed, and reports each one after it is stored.
#[test]
fn child_writes_until_killed() {
    let Ok(dir) = std::env::var(CHILD) else { return };
    let dir = Path::new(&dir);
    let mut store = StoreWriter::open(dir, &Study::default()).unwrap();
    let plan: Vec<String> = (0..100_000).map(|i| format!("arch {i}")).collect();
    store.fix_architectures(&plan).unwrap();
    let keys: Vec<_> = (0..PER_UNIT).map(|i| key(&i.to_string(), "")).collect();
    let rows = store.register(&keys).unwrap();
    for arch in 0..plan.len() {
        let unit: Vec<Record> = rows
            .iter()
            .map(|&row| Record {
                row,
                arch_index: arch,
                seed: 1,
                outcome: Ok(arch as f64),
                milliseconds: 1.0,
                device: "cpu".to_owned(),
            })
            .collect();
        store.record(&unit).unwrap();
        std::fs::write(dir.join("told"), arch.to_string()).unwrap();
    }
}

#[test]
fn kill_9_loses_no_unit_that_was_stored_and_leaves_none_in_part() {
    for turn in 0..5u64 {
        let dir = tempfile::tempdir().unwrap();
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child_writes_until_killed"])
            .env(CHILD, dir.path())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let start = Instant::now();
        while !dir.path().join("told").exists() {
            assert!(start.elapsed() < Duration::from_secs(60), "the child never wrote");
            std::thread::sleep(Duration::from_millis(1));
        }
        std::thread::sleep(Duration::from_millis(37 * turn));
        child.kill().unwrap();
        child.wait().unwrap();
        let told = std::fs::read_to_string(dir.path().join("told")).unwrap();
        // The child's file may have been cut off between truncation and writing.
        let told: usize = told.parse().unwrap_or(0);
        // The dead process no longer holds the lock.
        let mut store = StoreWriter::open(dir.path(), &Study::default()).unwrap();
        let counts: Vec<usize> = (0..PER_UNIT)
            .map(|i| {
                let row = store.register(&[key(&i.to_string(), "")]).unwrap()[0];
                store.scores(row).unwrap().len()
            })
            .collect();
        assert!(counts.iter().all(|count| *count == counts[0]), "a unit in part: {counts:?}");
        assert!(counts[0] > told, "told of unit {told}, found {}", counts[0]);
    }
}

/// Tries every set of files that a kill can leave in the first moments of a run.
#[test]
fn a_run_killed_while_it_was_made_can_be_made_again() {
    for left in [&["lock"][..], &["lock", "study.toml.part"], &["lock", "study.toml"]] {
        let dir = tempfile::tempdir().unwrap();
        for file in left {
            let text = match *file {
                "study.toml" => Study::default().to_toml(),
                _ => String::new(),
            };
            std::fs::write(dir.path().join(file), text).unwrap();
        }
        let store = StoreWriter::open(dir.path(), &Study::default());
        assert!(store.is_ok(), "{left:?}: {}", store.unwrap_err());
    }
}

#[test]
fn a_study_file_of_the_users_own_is_not_overwritten() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("study.toml");
    std::fs::write(&file, "# my notes\nseeds = [1]\n").unwrap();
    let refused = StoreWriter::open(dir.path(), &Study::default());
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "# my notes\nseeds = [1]\n");
    assert!(matches!(refused, Err(StoreError::Foreign(_))), "{refused:?}");
}

#[test]
fn other_data_is_another_study() {
    let dir = tempfile::tempdir().unwrap();
    drop(StoreWriter::open(dir.path(), &Study::default()).unwrap());
    let other = Study { data: "cifar10:/data".parse().unwrap(), ..Study::default() };
    let refused = StoreWriter::open(dir.path(), &other);
    assert!(matches!(refused, Err(StoreError::OtherStudy { .. })), "{refused:?}");
}

#[test]
fn a_damaged_store_is_an_error_not_a_panic() {
    let dir = tempfile::tempdir().unwrap();
    drop(StoreWriter::open(dir.path(), &Study::default()).unwrap());
    std::fs::write(dir.path().join("results.sqlite"), "no database at all").unwrap();
    assert!(matches!(Store::open(dir.path()), Err(StoreError::Damaged { .. })));
}

#[test]
fn a_run_can_be_resumed_after_its_files_were_moved() {
    let dir = tempfile::tempdir().unwrap();
    let at = |folder: &str| {
        let mut study = Study { data: format!("cifar10:{folder}").into(), ..Study::default() };
        study.architectures.file = Some(Path::new(folder).join("archs.txt"));
        study
    };
    drop(StoreWriter::open(dir.path(), &at("here")).unwrap());
    StoreWriter::open(dir.path(), &at("/there")).unwrap();
}

#[test]
fn the_largest_seed_survives_a_resume() {
    let dir = tempfile::tempdir().unwrap();
    let study = Study { seeds: Seeds::one(u64::MAX), ..Study::default() };
    drop(StoreWriter::open(dir.path(), &study).unwrap());
    let store = StoreWriter::open(dir.path(), &study).unwrap();
    assert_eq!(*store.study().unwrap().seeds, [u64::MAX]);
}

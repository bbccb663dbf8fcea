//! Rows are told apart by what they are, whatever they are called.

use crate::support::{self, run, stores};
use osee_core::{
    row::{Checkpoint, Conditions, SupernetWeights},
    shard::Shard,
    study::{EstimatorChoice, Study},
};
use osee_model::{estimator::EstimatorKind::OneShot, recipe::Recipe};
use serde_json::{Value, json};
use std::{fs, path::Path};
use stores::{Row, architectures, noise, store, study, table, truth};

const ARCHITECTURES: usize = 30;
const SEEDS: [u64; 2] = [0, 1];

/// A row of the estimator `one_shot`; `of` names the row whose trend it is a point of.
fn row(name: &str, supernet: &str, epoch: u32, of: Option<&str>) -> Row {
    let salt = name.len() * 97 + epoch as usize;
    let mut row = Row::new(name, OneShot, 0..ARCHITECTURES, &SEEDS, |arch, seed| {
        noise(salt + arch * 7 + seed as usize) + arch as f64 / 40.0
    });
    row.key.estimator.id = "one_shot".to_owned();
    row.key.conditions = Conditions::Supernet(Box::new(SupernetWeights {
        key: supernet.to_owned(),
        recipe: Recipe::preset("small").unwrap(),
        epochs: vec![epoch],
        seeds: None,
        protocol: None,
    }));
    row.key.checkpoint_of = of.map(|row| Checkpoint { row: row.to_owned(), epoch });
    row
}

/// `mine` with two points of its trend, and another row that the user calls
/// `mine@3`.
fn rows() -> [Row; 4] {
    [
        row("mine", "a", 50, None),
        row("mine@3", "b", 50, None),
        row("mine@20", "a", 20, Some("mine")),
        row("mine@40", "a", 40, Some("mine")),
    ]
}

fn named(name: &str) -> EstimatorChoice {
    EstimatorChoice { name: Some(name.to_owned()), ..EstimatorChoice::plain("one_shot") }
}

fn asked(folder: &Path, archs: &[String]) -> Study {
    let file = truth(&folder.join("truth.csv"), archs, |at| Some(noise(at) + at as f64 / 20.0));
    let mut study = study("rows", &SEEDS, Some(&file));
    study.estimators = vec![named("mine"), named("mine@3")];
    study
}

/// The name of every row and the row whose checkpoint it is, from the leaderboard's JSON.
fn checkpoints(out: &str) -> Vec<(String, Value)> {
    let text = run(&["leaderboard", out, "--format", "json", "--no-timing"]);
    let board: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(board["not_run"], json!([]));
    let rows = board["rows"].as_array().unwrap();
    let of =
        |row: &Value| (row["estimator"].as_str().unwrap().to_owned(), row["checkpoint_of"].clone());
    let mut all: Vec<_> = rows.iter().map(of).collect();
    all.sort_by(|one, other| one.0.cmp(&other.0));
    all
}

fn expected() -> Vec<(String, Value)> {
    let point = |epoch: u32| json!({ "row": "mine", "epoch": epoch });
    [("mine", Value::Null), ("mine@20", point(20)), ("mine@3", Value::Null), ("mine@40", point(40))]
        .map(|(name, of)| (name.to_owned(), of))
        .to_vec()
}

#[test]
fn a_row_called_like_a_checkpoint_is_a_row_everywhere() {
    let folder = tempfile::tempdir().unwrap();
    let archs = architectures(ARCHITECTURES);
    let study = asked(folder.path(), &archs);
    let dir = folder.path().join("run");
    drop(store(&dir, &study, &archs, &rows()));
    let out = dir.to_str().unwrap();
    assert_eq!(checkpoints(out), expected());

    run(&["report", out]);
    let figure = |name: &str| {
        let text = fs::read_to_string(dir.join("report/figures").join(name)).unwrap();
        text.lines().skip(1).map(str::to_owned).collect::<Vec<_>>()
    };
    // Only rows of their own are compared; points of a trend appear in the trend.
    let compared: Vec<String> = figure("significance-kd.csv");
    let names: Vec<&str> = compared.iter().filter_map(|line| line.split(',').next()).collect();
    assert!(names.contains(&"mine") && names.contains(&"mine@3"), "{compared:?}");
    assert!(!names.iter().any(|name| ["mine@20", "mine@40"].contains(name)), "{compared:?}");
    let trend = run(&["analyze", out, "--only", "trend"]);
    assert!(trend.contains("20") && trend.contains("40"), "{trend}");
    assert!(!trend.contains("mine@3"), "{trend}");

    let exported = run(&["export", out, "--no-timing"]);
    let mut reader = csv::Reader::from_reader(exported.as_bytes());
    let header = reader.headers().unwrap().clone();
    let at = |name: &str| header.iter().position(|it| it == name).unwrap();
    for record in reader.records() {
        let record = record.unwrap();
        let of = match &record[at("estimator")] {
            "mine@20" => ("mine", "20"),
            "mine@40" => ("mine", "40"),
            _ => ("", ""),
        };
        assert_eq!((&record[at("checkpoint_of")], &record[at("epoch")]), of, "{record:?}");
    }
    assert_eq!(table(&exported, "estimator").len(), 4);
}

#[test]
fn a_merge_keeps_rows_apart() {
    let folder = tempfile::tempdir().unwrap();
    let archs = architectures(ARCHITECTURES);
    let whole = asked(folder.path(), &archs);
    let out = folder.path().join("out");
    for number in [1, 2] {
        let shard = Shard::new(number, 2).unwrap();
        let held =
            |arch: usize, seed: u64| shard.holds(&osee_core::shard::unit_name(&archs[arch], seed));
        let rows = rows().map(|mut row| {
            row.scores.retain(|(arch, seed), _| held(*arch, *seed));
            row
        });
        let study = Study { shard, ..whole.clone() };
        drop(store(&out.join(shard.folder()), &study, &archs, &rows));
    }
    let out = out.to_str().unwrap();
    let said = support::run(&["merge", out]);
    assert!(said.contains("complete"), "{said}");
    assert_eq!(checkpoints(out), expected());
}

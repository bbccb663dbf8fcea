//! A leaderboard in each format, and the table of criteria, letter by letter.

use crate::support;
use crate::support::{
    snapshots::snapshot,
    stores::{Row, architectures, noise, store, study, truth},
};
use osee_model::estimator::EstimatorKind::{Baseline, Meta, ZeroShot};
use serde_json::Value;
use std::{fmt::Write, fs};

const SEEDS: [u64; 2] = [3, 5];
const ARCHITECTURES: usize = 24;

/// Ties, failures, a row in which low is good, one with equal scores, one that
/// is not judged, and names that formats have to quote.
fn rows() -> Vec<Row> {
    let score = |row: usize| move |arch, seed| noise(9_000 * row + 90 * arch + seed as usize);
    let all = 0..ARCHITECTURES;
    let ranks = |size: f64| move |arch, _| size * (8.0 * noise(1_000 + arch)).floor();
    vec![
        Row::new("good", ZeroShot, all.clone(), &SEEDS, ranks(1.0)).fails(3, 3).fails(3, 5),
        Row::new("loss|a,b", ZeroShot, all.clone(), &SEEDS, ranks(-1e21)).lower_is_better(),
        Row::new("noise", ZeroShot, all.clone(), &SEEDS, score(1)),
        Row::new("constant", Baseline, all.clone(), &SEEDS[..1], |_, _| 1.0),
        Row::new("young", ZeroShot, 0..2, &SEEDS, score(2)),
        Row::new("vote", Meta, all, &SEEDS[..1], score(3)),
    ]
}

/// Whatever the last digits are that this processor comes to.
fn rounded(document: &mut Value) {
    match document {
        Value::Array(all) => all.iter_mut().for_each(rounded),
        Value::Object(all) => all.values_mut().for_each(rounded),
        Value::Number(number) if number.is_f64() => {
            let text = format!("{:.11e}", number.as_f64().unwrap());
            *document = text.parse::<f64>().unwrap().into();
        }
        _ => {}
    }
}

#[test]
fn leaderboards_and_criteria_are_printed_as_they_were() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let archs = architectures(ARCHITECTURES);
    let value = |arch| (arch != 7).then(|| (30.0 * noise(1_000 + arch)).floor());
    let table = truth(&at("truth.csv"), &archs, value);
    drop(store(&at("run"), &study("made up", &SEEDS, Some(&table)), &archs, &rows()));
    let printed = |args: &[&str]| {
        let output = support::osee(args).current_dir(folder.path()).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    let place = folder.path().to_str().unwrap();
    for format in ["table", "markdown", "csv", "scores-csv", "json"] {
        let mut text = printed(&["leaderboard", "run", "--format", format]);
        if format == "json" {
            let mut board: Value = serde_json::from_str(&text).unwrap();
            rounded(&mut board);
            text = serde_json::to_string_pretty(&board).unwrap();
        }
        snapshot(&format!("leaderboard-{format}"), &text, &[(place, "FOLDER")]);
    }

    let mut scores = "arch,good,loss,few\n".to_owned();
    for (at, arch) in archs.iter().enumerate() {
        let few = if at < 4 { at.to_string() } else { String::new() };
        writeln!(scores, "{arch},{},{},{few}", 10.0 * noise(at), (5.0 * noise(at)).floor())
            .unwrap();
    }
    fs::write(at("scores.csv"), scores).unwrap();
    let args = "criteria --truth truth.csv --truth-column acc --scores scores.csv --key arch --negate loss";
    let args: Vec<&str> = args.split(' ').collect();
    snapshot("criteria-table", &printed(&args), &[(place, "FOLDER")]);
}

//! Estimators that combine others, from a study to every output: their scores, what a
//! member's failure does, and the population that they depend on.

use crate::support;
use crate::support::{osee, stores::architectures};
use osee_core::store::{List, PopulationId, Store};
use osee_host::loader::Plugin;
use osee_model::estimator::{Direction, FailureKind};
use osee_sdk::ExportInfo;
use serde_json::Value;
use std::{fs, path::Path};

const RULES: [&str; 5] = ["log-rank", "rank-sum", "max-norm", "z-score", "copeland"];

/// Runs a study of these architectures with a combination by each rule, and returns its
/// directory.
fn combined(folder: &Path, name: &str, archs: &[String]) -> String {
    fs::write(folder.join(format!("{name}.txt")), archs.join("\n")).unwrap();
    let mut text = format!("seeds = [4, 5]\n[architectures]\nfile = \"{name}.txt\"\n");
    for id in ["params", "skip_count", "entropy", "conv_depth"] {
        text += &format!("[[estimators]]\nid = \"{id}\"\n");
    }
    for rule in RULES {
        text += &format!(
            "[[estimators]]\nid = \"combine\"\nname = \"{rule}\"\n\
             settings = {{ members = \"params,-skip_count,entropy\", rule = \"{rule}\" }}\n"
        );
    }
    text +=
        "[[estimators]]\nid = \"vote\"\nsettings = { experts = \"params,-skip_count,entropy\" }\n";
    text += "[[estimators]]\nid = \"combine\"\nname = \"whole\"\n\
             settings = { members = \"params,conv_depth\" }\n";
    let (output, out) = support::run_study(folder, name, &text, &[]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    out
}

/// The scores of a row, NaN where there is none, and the failures' kinds and messages.
fn column(store: &Store, row: &str) -> (Vec<f64>, Vec<(FailureKind, String)>) {
    let (id, _) = store.newest().unwrap()[row];
    let mut failures = Vec::new();
    let scores = store.scores(id).unwrap().into_iter().map(|score| {
        score.outcome.unwrap_or_else(|failure| {
            failures.push((failure.kind, failure.message));
            f64::NAN
        })
    });
    (scores.collect(), failures)
}

/// Rank from 1, the worst, failures below all; tied ones share their mean.
fn rank(column: &[f64], i: usize) -> f64 {
    let above = |a: f64, b: f64| a > b || !a.is_nan() && b.is_nan();
    let below = column.iter().filter(|it| above(column[i], **it)).count();
    let level = column.iter().filter(|it| !above(**it, column[i])).count() - below;
    below as f64 + (level as f64 + 1.0) / 2.0
}

fn population(store: &Store, row: &str) -> PopulationId {
    store.population(store.newest().unwrap()[row].0).unwrap().unwrap()
}

#[test]
fn each_rule_combines_the_stored_scores_and_a_failed_member_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let archs = architectures(60);
    let out = combined(folder.path(), "sixty", &archs);
    let store = Store::open(Path::new(&out)).unwrap();
    let members: Vec<Vec<f64>> = [("params", 1.0), ("skip_count", -1.0), ("entropy", 1.0)]
        .map(|(row, sign)| column(&store, row).0.into_iter().map(|it| sign * it).collect())
        .to_vec();
    // The first cell has no operation, so no path leads to its output.
    let failed: Vec<usize> = (0..60).filter(|at| members[2][*at].is_nan()).collect();
    assert!(failed.contains(&0) && failed.len() < 20, "{failed:?}");

    let sum = |term: &dyn Fn(&[f64], usize) -> f64| -> Vec<f64> {
        (0..60).map(|i| members.iter().map(|member| term(member, i)).sum()).collect()
    };
    let there =
        |member: &[f64]| -> Vec<f64> { member.iter().copied().filter(|it| !it.is_nan()).collect() };
    let wanted = [
        sum(&|member, i| (rank(member, i) / 60.0).ln()),
        sum(&rank),
        sum(&|member, i| {
            let largest = there(member).iter().fold(0.0, |all: f64, it| all.max(it.abs()));
            member[i] / (largest + 1e-9)
        }),
        sum(&|member, i| {
            let (there, count) = (there(member), there(member).len() as f64);
            let mean = there.iter().sum::<f64>() / count;
            let square = there.iter().map(|it| (it - mean).powi(2)).sum::<f64>() / count;
            (member[i] - mean) / square.sqrt()
        }),
        column(&store, "vote").0,
    ];
    for (rule, wanted) in RULES.into_iter().zip(wanted) {
        let (own, failures) = column(&store, rule);
        for (at, (own, wanted)) in own.iter().zip(&wanted).enumerate() {
            let close = (own - wanted).abs() <= 1e-9 * (1.0 + wanted.abs());
            assert!(close || own.is_nan() && wanted.is_nan(), "{rule} {at}: {own}, {wanted}");
        }
        let has_none = matches!(rule, "max-norm" | "z-score");
        assert_eq!(failures.len(), if has_none { failed.len() } else { 0 }, "{rule}");
        let why = "its expert `entropy` has no score of this architecture";
        assert!(failures.iter().all(|it| *it == (FailureKind::Undefined, why.to_owned())));
    }
}

#[test]
fn the_population_is_stored_and_shown_in_every_format() {
    let folder = tempfile::tempdir().unwrap();
    let archs = architectures(60);
    let out = combined(folder.path(), "sixty", &archs);
    let store = Store::open(Path::new(&out)).unwrap();
    // Of `whole`'s members none failed.
    let whole = population(&store, "whole");
    let list = List::of(archs.iter().map(String::as_str));
    assert_eq!((whole.architectures, &whole.sha256), (60, &list.sha256));
    let some = population(&store, "rank-sum");
    assert_ne!(some, whole);
    assert!(RULES.iter().chain(&["vote"]).all(|row| population(&store, row) == some));
    assert_eq!(store.population(store.newest().unwrap()["params"].0).unwrap(), None);
    drop(store);

    let notes = [
        format!("whole: scores depend on the population of {whole}\n"),
        format!(
            "copeland, log-rank, max-norm, rank-sum, vote, z-score: scores depend on the \
             population of {some}\n"
        ),
    ];
    for format in ["table", "markdown"] {
        let text = support::run(&["leaderboard", &out, "--format", format]);
        assert!(notes.iter().all(|note| text.contains(note)), "{text}");
    }
    let json = support::run(&["leaderboard", &out, "--format", "json"]);
    let json: Value = serde_json::from_str(&json).unwrap();
    let rows = json["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 11);
    for row in rows {
        let id = &row["population"];
        match row["kind"].as_str() {
            Some("meta") => assert_eq!(id["architectures"], 60),
            _ => assert!(id.is_null(), "{id}"),
        }
    }
    for args in [["leaderboard", &out, "--format", "csv"], ["export", &out, "--format", "csv"]] {
        let text = match args[0] {
            "export" => {
                let file = folder.path().join("results.csv");
                support::run(&[&args[..], &["--out", file.to_str().unwrap()]].concat());
                fs::read_to_string(file).unwrap()
            }
            _ => support::run(&args),
        };
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let names = reader.headers().unwrap().clone();
        let at = |name| names.iter().position(|it| it == name).unwrap();
        for row in reader.records().map(Result::unwrap) {
            let wanted = match &row[at("estimator")] {
                "whole" => whole.sha256.as_str(),
                name if RULES.contains(&name) || name == "vote" => some.sha256.as_str(),
                _ => "",
            };
            assert_eq!(&row[at("population")], wanted);
        }
    }

    // Other architectures give other scores to the same one, and another hash.
    let fewer = combined(folder.path(), "fifty", &archs[..50]);
    let [all, few] = [&out, &fewer].map(|out| Store::open(Path::new(out)).unwrap());
    assert_ne!(population(&all, "whole"), population(&few, "whole"));
    assert_ne!(column(&all, "rank-sum").0[..50], column(&few, "rank-sum").0[..]);
    drop((all, few));
    let warned = |other: &str| {
        let text = support::run(&["compare", &out, other]);
        let line = text.lines().find(|line| line.contains("depend on the population"));
        line.map(str::to_owned)
    };
    let warning = warned(&fewer).unwrap();
    assert!(
        warning.starts_with("copeland, log-rank, max-norm, rank-sum, vote, whole, z-score: scores")
            && warning.contains("which differs in"),
        "{warning}"
    );
    assert_eq!(warned(&out), None);
    let csv = support::run(&["compare", &out, &fewer, "--format", "csv"]);
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let names = reader.headers().unwrap().clone();
    let at = |name| names.iter().position(|it| it == name).unwrap();
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    let of = |row: &str| rows.iter().find(|it| &it[at("estimator")] == row).unwrap();
    assert_eq!(&of("whole")[at("population first")], whole.sha256);
    assert_ne!(&of("whole")[at("population second")], whole.sha256);
    assert_eq!(&of("params")[at("population first")], "");
}

#[test]
fn a_preset_needs_its_members() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("none");
    let out = out.to_str().unwrap();
    let args = ["run", "--archs", "5", "--estimators", "freerea,skip_distance", "--out", out];
    let output = osee(&args).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(
        said.contains("`freerea` needs `relu_logdet`, which the study does not have"),
        "{said}"
    );
}

/// `all` has no combination of what is not there, whether or not it has others.
#[test]
fn all_estimators_are_all_that_can_be_computed() {
    let folder = tempfile::tempdir().unwrap();
    let exe = std::env::current_exe().unwrap();
    let rows = |plugins: &[&str], name: &str| -> Vec<String> {
        let beside = folder.path().join(name);
        fs::create_dir(&beside).unwrap();
        for plugin in plugins {
            let file = format!("lib{plugin}.so");
            fs::copy(exe.with_file_name(&file), beside.join(&file)).unwrap();
        }
        let out = folder.path().join(format!("run {name}"));
        let args = ["run", "--archs", "5", "--estimators", "all", "--out", out.to_str().unwrap()];
        let args = [&args[..], &support::SMALL].concat();
        let output = osee(&args).env("OSEE_PLUGIN_PATH", &beside).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Store::open(&out).unwrap().newest().unwrap().into_keys().collect()
    };
    let counts = ["space_nb201", "baselines", "meta_vote"];
    let few = rows(&counts, "few");
    let has = |id: &str| few.iter().any(|row| row == id);
    assert!(has("skip_distance") && !has("vote") && !has("freerea"), "{few:?}");
    let more = rows(&[&counts[..], &["zse_activation", "zse_synflow"]].concat(), "more");
    let has = |id: &str| more.iter().any(|row| row == id);
    assert!(has("vote") && has("combine") && !has("te_nas"), "{more:?}");
}

/// The presets name their members without signs, so each has to declare its direction.
#[test]
fn of_the_members_of_presets_only_a_condition_number_is_better_low() {
    let exe = std::env::current_exe().unwrap();
    let members = ["az_", "ntk_cond", "linear_regions", "relu_logdet", "logsynflow", "vkdnw"];
    let mut found = 0;
    for entry in fs::read_dir(exe.parent().unwrap()).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if !(name.starts_with("libzse_") && name.ends_with(".so")) {
            continue;
        }
        for export in Plugin::load(&path, |_, _| Ok(())).unwrap().exports {
            let ExportInfo::Estimator(info) = export else { continue };
            if members.iter().any(|it| info.id.starts_with(it)) {
                let wanted = match info.id.as_str() {
                    "ntk_cond" => Direction::LowerIsBetter,
                    _ => Direction::HigherIsBetter,
                };
                assert_eq!(info.direction, wanted, "{}", info.id);
                found += 1;
            }
        }
    }
    assert!(found >= 1, "relu_logdet is always there");
}

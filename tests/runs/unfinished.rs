//! An unfinished run is judged by the architectures that all its rows have scored, says
//! how many those are, and ends with 9. Every figure is recomputed by brute
//! force over exactly those architectures.

use crate::support;
use crate::support::stores::{Row, architectures, noise, store, study, table, tau_b, truth};
use osee_core::store::Record;
use osee_model::estimator::{
    EstimatorKind::{Baseline, Meta, OneShot, ZeroShot},
    Failure, FailureKind,
};
use serde_json::Value;
use std::{fs, path::Path, process::Output};

const ARCHITECTURES: usize = 60;
const SEEDS: [u64; 3] = [3, 5, 8];
/// Number of architectures that all judged rows of the run have scored.
const SCORED: usize = 40;
const PROGRESS: &str = "40 of 60 scored";

/// Truths with ties; two architectures have none, and one of those is scored.
fn truth_of(arch: usize) -> Option<f64> {
    (arch != 7 && arch != 50).then(|| (30.0 * noise(1000 + arch)).floor())
}

fn score(row: usize, arch: usize, seed: u64) -> f64 {
    // As large as the scores of synflow.
    1e21 * noise(10_000 * row + 100 * arch + seed as usize) + 1e20 * truth_of(arch).unwrap_or(9.0)
}

/// The rows of the run when it was stopped. Scores beyond the common
/// architectures have the opposite sign and would change every figure.
fn rows() -> Vec<Row> {
    let turned = |row: usize| {
        move |arch, seed| match arch < SCORED {
            true => score(row, arch, seed),
            false => -1e3 * score(row, arch, seed),
        }
    };
    let mut first = Row::new("first", ZeroShot, 0..45, &SEEDS, turned(1)).fails(3, 5);
    // An architecture with only some of its seeds has no score.
    first.scores.extend(Row::new("", ZeroShot, 45..50, &SEEDS[..2], turned(1)).scores);
    first.milliseconds = 7.0;
    let second = (0..SCORED).chain(52..58);
    let second = Row::new("second", ZeroShot, second, &SEEDS, |arch, seed| -turned(2)(arch, seed));
    let second = second.lower_is_better().fails(11, 3).fails(11, 5).fails(11, 8);
    let all = 0..ARCHITECTURES;
    vec![
        first,
        second,
        Row::new("base", Baseline, all.clone(), &SEEDS[..1], turned(3)),
        Row::new("young", ZeroShot, 20..29, &SEEDS, turned(4)),
        // A vote of an earlier run, out of date.
        Row::new("vote", Meta, all, &SEEDS[..1], turned(5)),
    ]
}

/// The architectures with a truth among the first `of`.
fn judged(of: usize) -> Vec<usize> {
    (0..of).filter(|&at| truth_of(at).is_some()).collect()
}

fn kd(row: &Row, archs: &[usize]) -> f64 {
    let scores: Vec<f64> = archs.iter().map(|&at| row.oriented(at)).collect();
    let truths: Vec<f64> = archs.iter().map(|&at| truth_of(at).unwrap()).collect();
    tau_b(&scores, &truths)
}

struct Run {
    folder: tempfile::TempDir,
    archs: Vec<String>,
}

impl Run {
    fn new() -> Self {
        let run =
            Self { folder: tempfile::tempdir().unwrap(), archs: architectures(ARCHITECTURES) };
        truth(&run.at("truth.csv"), &run.archs, truth_of);
        run
    }

    fn at(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    fn store(&self, name: &str, rows: &[Row]) -> String {
        let study = study(name, &SEEDS, Some(&self.at("truth.csv")));
        drop(store(&self.at(name), &study, &self.archs, rows));
        self.at(name).to_str().unwrap().to_owned()
    }
}

impl Run {
    /// Stores the finished run with one more row, whose every score is this failure. Returns its
    /// directory.
    fn finished_but(&self, row: Row, failure: &Failure) -> String {
        let (dir, name) = (self.at("but"), row.key.name.clone());
        let mut rows = finished();
        rows.push(row);
        let study = study("but", &SEEDS, Some(&self.at("truth.csv")));
        let mut store = store(&dir, &study, &self.archs, &rows);
        let row = store.newest().unwrap()[&name].0;
        let failed = |arch_index, seed| Record {
            row,
            arch_index,
            seed,
            outcome: Err(failure.clone()),
            milliseconds: 0.0,
            device: "cpu".to_owned(),
        };
        let all = (0..ARCHITECTURES).flat_map(|arch| SEEDS.map(|seed| failed(arch, seed)));
        store.record(&all.collect::<Vec<_>>()).unwrap();
        dir.to_str().unwrap().to_owned()
    }
}

/// The output of a command that must end with 9 and say why.
fn incomplete(args: &[&str]) -> String {
    let Output { status, stdout, stderr } = support::osee(args).output().unwrap();
    let said = String::from_utf8(stderr).unwrap();
    assert_eq!(status.code(), Some(9), "{args:?}: {said}");
    assert!(said.contains(PROGRESS), "{args:?}: {said}");
    assert!(said.contains("not run: young (9 of 60 scored)"), "{args:?}: {said}");
    String::from_utf8(stdout).unwrap()
}

fn close(a: f64, b: f64) {
    assert!((a - b).abs() < 1e-12, "{a} and {b}");
}

fn number(cell: &str) -> f64 {
    cell.parse().unwrap_or_else(|_| panic!("`{cell}`"))
}

#[test]
fn a_leaderboard_judges_what_all_rows_have_scored() {
    let run = Run::new();
    let (rows, judged) = (rows(), judged(SCORED));
    let dir = run.store("stopped", &rows);
    assert_eq!(judged.len(), SCORED - 1);
    // The figures over everything that is stored differ.
    let all: Vec<usize> = (0..ARCHITECTURES).filter(|&at| truth_of(at).is_some()).collect();
    assert!((kd(&rows[0], &judged) - kd(&rows[0], &all)).abs() > 0.1);

    let text = incomplete(&["leaderboard", &dir, "--format", "json"]);
    let board: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&board["architectures"], &board["scored"]), (&60.into(), &40.into()));
    assert_eq!((&board["unfinished"], &board["progress"]), (&true.into(), &PROGRESS.into()));
    assert_eq!(board["without_truth"], 1);
    let found = board["rows"].as_array().unwrap();
    assert_eq!(found.len(), 3);
    for row in &rows[..3] {
        let found = found.iter().find(|it| it["estimator"] == row.key.name.as_str()).unwrap();
        close(found["kd"].as_f64().unwrap(), kd(row, &judged));
        let seeds = if row.key.estimator.kind == Baseline { &SEEDS[..1] } else { &SEEDS };
        for (at, seed) in seeds.iter().enumerate() {
            let one = found["kd_seeds"][at].as_f64().unwrap();
            close(one, kd(&row.of_seed(*seed), &judged));
        }
        // The cost of an architecture, over all seeds.
        let cost = row.milliseconds * seeds.len() as f64;
        close(found["ms_per_arch"].as_f64().unwrap(), cost);
        close(found["ms_per_score"].as_f64().unwrap(), row.milliseconds);
        let failed = [("first", 1), ("second", 3)].into_iter().find(|it| it.0 == row.key.name);
        assert_eq!(found["failures"], failed.map_or(0, |it| it.1));
    }
    let missing = |name: &str| {
        let one = found.iter().find(|it| it["estimator"] == name).unwrap();
        one["missing"].as_u64().unwrap()
    };
    assert_eq!((missing("first"), missing("second"), missing("base")), (35, 42, 0));
    let not_run: Vec<(&str, u64)> = (board["not_run"].as_array().unwrap().iter())
        .map(|it| (it["estimator"].as_str().unwrap(), it["scored"].as_u64().unwrap()))
        .collect();
    assert_eq!(not_run, [("vote", 60), ("young", 9)]);

    let text = incomplete(&["leaderboard", &dir, "--format", "csv"]);
    let rows_of = table(&text, "estimator");
    for row in &rows[..3] {
        let cells = &rows_of[&row.key.name];
        close(number(&cells["KD"]), kd(row, &judged));
        assert!(number(&cells["kd_low"]) <= number(&cells["KD"]));
        assert!(number(&cells["kd_high"]) >= number(&cells["KD"]));
        assert_eq!((&cells["scored"][..], &cells["architectures"][..]), ("40", "60"));
    }
    assert!(rows_of["young"]["KD"].is_empty() && rows_of["young"]["not_run"].contains("fewer"));

    for format in ["table", "markdown"] {
        let text = incomplete(&["leaderboard", &dir, "--format", format]);
        assert!(text.contains(PROGRESS) && text.contains("not run: 9 of 60 scored"), "{text}");
        let line = text.lines().find(|line| line.contains(" first ")).unwrap();
        assert!(line.contains(&format!("{:.3}", kd(&rows[0], &judged))), "{line}");
        assert!(line.contains("1 (+35 not run)"), "{line}");
    }
    // Ranking the exported scores gives the leaderboard's figure.
    let text = incomplete(&["leaderboard", &dir, "--format", "scores-csv"]);
    let scores = table(&text, "arch");
    assert_eq!(scores.len(), SCORED);
    for row in &rows[..3] {
        let of = |at: &usize| match scores[&run.archs[*at]][&row.key.name].as_str() {
            "" => f64::NEG_INFINITY,
            cell => row.key.estimator.direction.orient(number(cell)),
        };
        let read: Vec<f64> = judged.iter().map(of).collect();
        let truths: Vec<f64> = judged.iter().map(|&at| truth_of(at).unwrap()).collect();
        close(tau_b(&read, &truths), kd(row, &judged));
    }
    assert!(!text.contains("young") && !text.contains("vote"), "{text}");
}

#[test]
fn analyses_and_reports_have_the_same_architectures() {
    let run = Run::new();
    let (rows, judged) = (rows(), judged(SCORED));
    let dir = run.store("stopped", &rows);
    let text = incomplete(&["analyze", &dir]);
    assert!(text.starts_with(PROGRESS), "{text}");
    assert!(text.contains(&format!("39 architectures, seeds 3, 5 and 8; {PROGRESS}")), "{text}");
    assert!(text.contains("not run: young (9 scored)"), "{text}");
    let seeds = &text[text.find("[seeds]").unwrap()..];
    let line = seeds.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let line = line.clone().find(|it| it.first() == Some(&"first") && it.len() == 5).unwrap();
    let own: Vec<f64> = SEEDS.iter().map(|seed| kd(&rows[0].of_seed(*seed), &judged)).collect();
    let worst = own.iter().copied().fold(f64::INFINITY, f64::min);
    let best = own.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let expected = [kd(&rows[0], &judged), worst, best].map(|it| format!("{it:.3}"));
    assert_eq!(line[1..4], expected);

    let out = run.at("report");
    incomplete(&["report", &dir, "--out", out.to_str().unwrap()]);
    let page = fs::read_to_string(out.join("report.html")).unwrap();
    assert!(page.contains(&format!("The run is not finished: {PROGRESS}")), "no progress");
    assert!(page.contains("not run") && page.contains("How well 3 estimators rank 39"));
    let figure = |name: &str| fs::read_to_string(out.join("figures").join(name)).unwrap();
    let significance = table(&figure("significance-kd.csv"), "name");
    let cost = table(&figure("cost-kd-by-time.csv"), "name");
    for row in &rows[..3] {
        close(number(&significance[&row.key.name]["KD"]), kd(row, &judged));
        let cells = &cost[&row.key.name];
        close(number(&cells["KD"]), kd(row, &judged));
        let seeds = if row.key.estimator.kind == Baseline { 1.0 } else { 3.0 };
        close(number(&cells["milliseconds per architecture"]), seeds * row.milliseconds);
    }
    assert!(!significance.contains_key("young") && !significance.contains_key("vote"));
}

/// The rows of the same run when finished.
fn finished() -> Vec<Row> {
    let whole = |name, kind, seeds: &[u64], at| {
        Row::new(name, kind, 0..ARCHITECTURES, seeds, move |arch, seed| score(at, arch, seed))
    };
    let second = whole("second", ZeroShot, &SEEDS, 2);
    vec![
        whole("first", ZeroShot, &SEEDS, 1),
        second,
        whole("base", Baseline, &SEEDS[..1], 3),
        whole("young", ZeroShot, &SEEDS, 4),
        whole("vote", Meta, &SEEDS[..1], 5),
    ]
}

#[test]
fn runs_side_by_side_say_which_of_them_is_unfinished() {
    let run = Run::new();
    let (rows, whole) = (rows(), finished());
    let [stopped, finished] = [run.store("stopped", &rows), run.store("finished", &whole)];
    let text = incomplete(&["compare", &finished, &stopped, "--format", "csv"]);
    let found = table(&text, "estimator");
    let common = judged(SCORED);
    for (row, other) in whole[..3].iter().zip(&rows) {
        let cells = &found[&row.key.name];
        assert_eq!(cells["common"], "39");
        close(number(&cells["KD first"]), kd(row, &common));
        close(number(&cells["KD second"]), kd(other, &common));
        let scores = [row, other].map(|row| common.iter().map(|&at| row.oriented(at)).collect());
        let [own, theirs]: [Vec<f64>; 2] = scores;
        close(number(&cells["KD between"]), tau_b(&own, &theirs));
    }
    let young = &found["young"];
    assert!(young["not_run second"].contains("fewer than 10") && young["not_run first"].is_empty());
    assert!(["KD first", "KD second", "common", "p"].iter().all(|it| young[*it].is_empty()));
    for cells in found.values() {
        let counts =
            ["scored first", "architectures first", "scored second", "architectures second"];
        assert_eq!(counts.map(|it| cells[it].as_str()), ["60", "60", "40", "60"]);
    }
    let text = incomplete(&["leaderboard", &finished, &stopped, "--format", "csv"]);
    let found = table(&text, "estimator");
    let everywhere = judged(ARCHITECTURES);
    close(number(&found["first"]["KD stopped"]), kd(&rows[0], &common));
    close(number(&found["first"]["KD finished"]), kd(&whole[0], &everywhere));
    assert!(found["young"]["KD stopped"].is_empty() && !found["young"]["KD finished"].is_empty());
    assert_eq!(found["first"]["scored stopped"], "40");
    let text = incomplete(&["leaderboard", &finished, &stopped, "--format", "json"]);
    let board: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(board["scored"], serde_json::json!([60, 40]));
    assert_eq!(board["unfinished"], serde_json::json!([false, true]));
    assert_eq!(board["progress"], serde_json::json!([null, PROGRESS]));
    let not_run = board["not_run"].as_array().unwrap();
    assert_eq!(
        (&not_run[0], &not_run[1][1]["estimator"]),
        (&serde_json::json!([]), &"young".into())
    );
}

/// Ranks are among the rows that every run has judged. Every format says which rows those
/// are, and why others are not.
#[test]
fn ranks_say_how_many_rows_they_are_among() {
    let run = Run::new();
    let [stopped, finished] = [run.store("stopped", &rows()), run.store("finished", &finished())];
    let side_by_side =
        |format: &str| incomplete(&["leaderboard", &finished, &stopped, "--format", format]);
    let why = "stopped: not run, fewer than 10 architectures are scored";
    for format in ["table", "markdown"] {
        let text = side_by_side(format);
        assert!(text.contains("mean rank of 3"), "{text}");
        assert!(text.contains("among the 3 of 5 rows that have one in every run"), "{text}");
        assert!(text.contains(&format!("not ranked: young: {why}")), "{text}");
        assert!(text.contains("not ranked: vote: stopped: not run, it combines"), "{text}");
        assert!(!text.contains("not ranked: first"), "{text}");
    }
    let found = table(&side_by_side("csv"), "estimator");
    assert_eq!((&found["young"]["not_ranked"][..], &found["young"]["mean rank"][..]), (why, ""));
    assert!(found["young"]["not_run stopped"].starts_with("fewer than 10"));
    assert!(found.values().all(|cells| cells["ranked"] == "3"));
    assert!(
        found["first"]["not_ranked"].is_empty() && found["first"]["not_run stopped"].is_empty()
    );
    let board: Value = serde_json::from_str(&side_by_side("json")).unwrap();
    assert_eq!(board["ranked"], 3);
    let its = board["rows"].as_array().unwrap().iter();
    let young = its.clone().find(|row| row["estimator"] == "young").unwrap();
    assert_eq!((&young["not_ranked"], &young["ranks"]), (&why.into(), &serde_json::json!([])));
    let all = support::run(&["leaderboard", &finished, &finished]);
    assert!(all.contains("mean and worst rank: by KD, among all 5 rows"), "{all}");
}

#[test]
fn an_export_has_all_that_there_is() {
    let run = Run::new();
    let rows = rows();
    let dir = run.store("stopped", &rows);
    let text = incomplete(&["export", &dir, "--no-timing"]);
    let stored: usize = rows.iter().map(|row| row.scores.len()).sum();
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let read: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    assert_eq!(read.len(), stored);
    for cells in read {
        let row = rows.iter().find(|row| row.key.name == cells[0]).unwrap();
        let at = (cells[5].parse().unwrap(), cells[7].parse().unwrap());
        match &row.scores[&at] {
            Ok(score) => assert_eq!(number(&cells[8]).to_bits(), score.to_bits()),
            Err(_) => assert!(cells[8].is_empty() && &cells[9] == "error"),
        }
    }
}

#[test]
fn a_finished_run_says_nothing_of_it_and_ends_with_0() {
    let run = Run::new();
    let whole = finished();
    let dir = run.store("finished", &whole);
    let board: Value =
        serde_json::from_str(&support::run(&["leaderboard", &dir, "--format", "json"])).unwrap();
    assert_eq!((&board["scored"], &board["unfinished"]), (&60.into(), &false.into()));
    assert_eq!(board["not_run"], serde_json::json!([]));
    for command in ["leaderboard", "analyze", "export"] {
        let text = support::run(&[command, &dir]);
        assert!(!text.contains("not run") && !text.contains(" scored"), "{command}: {text}");
    }
}

#[test]
fn a_run_that_has_just_begun_has_no_figures_and_says_so() {
    let run = Run::new();
    let young = [Row::new("young", ZeroShot, 0..4, &SEEDS, |arch, seed| score(1, arch, seed))];
    let dir = run.store("begun", &young);
    let fails = |args: &[&str]| {
        let output = support::osee(args).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(9), "{said}");
        assert!(
            said.contains("0 of 60 scored") && said.contains("young (4 of 60 scored)"),
            "{said}"
        );
        String::from_utf8(output.stdout).unwrap()
    };
    let board: Value =
        serde_json::from_str(&fails(&["leaderboard", &dir, "--format", "json"])).unwrap();
    assert_eq!((&board["scored"], &board["rows"]), (&0.into(), &serde_json::json!([])));
    assert!(fails(&["leaderboard", &dir]).contains("not run: 4 of 60 scored"));
    fails(&["analyze", &dir]);
    fails(&["export", &dir]);
    // Rows with too little in common are listed without figures.
    let apart = [
        Row::new("front", ZeroShot, 0..20, &SEEDS, |arch, seed| score(1, arch, seed)),
        Row::new("back", ZeroShot, 19..40, &SEEDS, |arch, seed| score(2, arch, seed)),
    ];
    let dir = run.store("apart", &apart);
    let output = support::osee(&["leaderboard", &dir]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(9));
    assert!(text.contains("1 of 60 scored") && text.contains("front"), "{text}");
}

/// A row left unfinished by an earlier study of the same run does not interfere.
#[test]
fn a_row_that_the_study_does_not_ask_for_does_not_narrow_the_others() {
    let run = Run::new();
    let mut rows = finished();
    rows.truncate(2);
    rows.push(Row::new("left", ZeroShot, 0..30, &SEEDS, |arch, seed| score(7, arch, seed)));
    let mut study = study("narrow", &SEEDS, Some(&run.at("truth.csv")));
    study.estimators = ["first", "second"].map(osee_core::study::EstimatorChoice::plain).to_vec();
    drop(store(&run.at("narrow"), &study, &run.archs, &rows));
    let dir = run.at("narrow");
    let text = support::run(&["leaderboard", dir.to_str().unwrap(), "--format", "json"]);
    let board: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&board["scored"], &board["unfinished"]), (&60.into(), &false.into()));
    close(board["rows"][0]["kd"].as_f64().unwrap(), best(&rows[..2]));
    assert_eq!(board["not_run"][0]["estimator"], "left");
    assert!(board["not_run"][0]["reason"].as_str().unwrap().contains("does not ask for it"));
}

fn best(rows: &[Row]) -> f64 {
    let judged = judged(ARCHITECTURES);
    rows.iter().map(|row| kd(row, &judged)).fold(f64::NEG_INFINITY, f64::max)
}

/// Every format lists a supernet that could not be trained, with the reason, and the others
/// still have their vote.
#[test]
fn a_row_that_failed_to_train_is_listed_with_its_reason_and_not_judged() {
    let run = Run::new();
    let reason = "the worker died of | a signal";
    let row = Row::new("supernet", OneShot, 0..0, &SEEDS, |_, _| 0.0);
    let dir = &run.finished_but(row, &Failure::new(FailureKind::Untrained, reason));
    let board: Value =
        serde_json::from_str(&support::run(&["leaderboard", dir, "--format", "json"])).unwrap();
    let found = board["rows"].as_array().unwrap();
    assert!(found.iter().all(|row| row["estimator"] != "supernet"), "{found:?}");
    let missing = ARCHITECTURES * SEEDS.len();
    let why = format!("its supernet could not be trained: {reason}");
    let expected = serde_json::json!([{
        "estimator": "supernet", "kind": "one-shot", "scored": 0, "missing": missing, "reason": why,
    }]);
    assert_eq!((found.len(), &board["not_run"]), (5, &expected));
    // The others are judged over all architectures.
    assert_eq!((&board["scored"], &board["unfinished"]), (&ARCHITECTURES.into(), &false.into()));
    for format in ["table", "csv"] {
        let text = support::run(&["leaderboard", dir, "--format", format]);
        assert!(text.contains(&why), "{format}: {text}");
    }
    let markdown = support::run(&["leaderboard", dir, "--format", "markdown"]);
    assert!(markdown.contains("a signal") && markdown.contains("not run: 0 of"), "{markdown}");
    assert!(support::run(&["export", dir]).contains(reason));
    let out = run.at("report");
    support::run(&["report", dir, "--out", out.to_str().unwrap()]);
    assert!(page_of(&out).contains(&why));
    let text = support::run(&["analyze", dir]);
    let rows = text.lines().filter(|line| line.split_whitespace().any(|word| word == "supernet"));
    assert!(
        text.lines().any(|line| line == format!("not run: supernet (0 scored): {why}")),
        "{text}"
    );
    assert_eq!(
        rows.filter(|line| !line.starts_with("not ") && !line.contains("# ")).count(),
        0,
        "{text}"
    );
}

/// A row whose every score failed is in no analysis, and is named there.
#[test]
fn a_row_without_any_score_is_in_no_analysis() {
    let run = Run::new();
    let row = Row::new("hopeless", ZeroShot, 0..0, &SEEDS, |_, _| 0.0);
    let failure = Failure::new(FailureKind::Error, "no batch is large enough");
    let dir = &run.finished_but(row, &failure);
    // On the leaderboard it ranks last.
    let board = support::run(&["leaderboard", dir, "--format", "csv"]);
    assert!(board.lines().any(|line| line.contains(",hopeless,")), "{board}");
    let count = ARCHITECTURES * SEEDS.len();
    let why = format!(
        "none of its scores is a number: {count} x error, such as: no batch is large enough"
    );
    let text = support::run(&["analyze", dir]);
    let lines: Vec<&str> = text.lines().filter(|line| line.contains("hopeless")).collect();
    assert_eq!(lines, [format!("not run: hopeless (0 scored): {why}")], "{text}");
    let out = run.at("report-failed");
    support::run(&["report", dir, "--out", out.to_str().unwrap()]);
    assert!(page_of(&out).contains(&why));
}

fn page_of(out: &Path) -> String {
    fs::read_to_string(out.join("report.html")).unwrap()
}

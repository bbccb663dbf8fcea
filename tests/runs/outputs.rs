//! Other programs read what osee writes for them as what it is: numbers to
//! the bit, names as data, runs that can be told apart, each judged by its own
//! truth.

use crate::support;
use crate::support::stores::{Row, architectures, noise, store, study, tau_b, truth};
use osee_model::estimator::EstimatorKind::{Baseline, ZeroShot};
use serde_json::{Map, Value, json};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

const SEEDS: [u64; 2] = [0, 1];
/// Names of rows; anything is allowed.
const NAMES: [&str; 5] = ["a,b", "it's \"so\"", "two\nlines", "x|y", "arch"];

fn truth_of(arch: usize) -> f64 {
    (30.0 * noise(1000 + arch)).floor()
}

/// Scores from huge to tiny, some of them whole numbers.
fn score(row: usize, arch: usize, seed: u64) -> f64 {
    let size = [1e21, 1e-9, 1.0, 1e3, 1e17][row % 5];
    let number = noise(10_000 * row + 100 * arch + seed as usize) + truth_of(arch) / 30.0;
    if row == 2 { (40.0 * number).floor() } else { size * number }
}

fn rows(archs: usize) -> Vec<Row> {
    let one = |(at, name): (usize, &&str)| {
        let kind = if at == 3 { Baseline } else { ZeroShot };
        let seeds = if at == 3 { &SEEDS[..1] } else { &SEEDS };
        Row::new(name, kind, 0..archs, seeds, move |arch, seed| score(at, arch, seed))
    };
    let mut rows: Vec<Row> = NAMES.iter().enumerate().map(one).collect();
    rows[0] = rows[0].clone().fails(4, 0).fails(4, 1);
    rows
}

struct Runs {
    folder: tempfile::TempDir,
    archs: Vec<String>,
}

impl Runs {
    fn new() -> Self {
        let runs = Self { folder: tempfile::tempdir().unwrap(), archs: architectures(50) };
        truth(&runs.at("truth.csv"), &runs.archs, |at| Some(truth_of(at)));
        runs
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Stores a run of the study `name` in `folder`, and returns its path.
    fn run(&self, name: &str, folder: &str, truth: Option<&Path>, rows: &[Row]) -> String {
        drop(store(&self.at(folder), &study(name, &SEEDS, truth), &self.archs, rows));
        self.at(folder).to_str().unwrap().to_owned()
    }
}

fn records(text: &str) -> (Vec<String>, Vec<csv::StringRecord>) {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let names = reader.headers().unwrap().iter().map(str::to_owned).collect();
    (names, reader.records().map(Result::unwrap).collect())
}

/// The numbers of a column, as Rust parses them; `None` for an empty cell.
fn column(text: &str, name: &str) -> Vec<Option<f64>> {
    let (names, rows) = records(text);
    let at = names.iter().position(|it| it == name).unwrap_or_else(|| panic!("{name}: {names:?}"));
    let cell = |row: &csv::StringRecord| match &row[at] {
        "" => None,
        cell => {
            let number = cell.parse::<f64>().unwrap_or_else(|_| panic!("{name}: `{cell}`"));
            assert!(cell.contains(['.', 'e']), "{name}: `{cell}` reads as a whole number");
            Some(number)
        }
    };
    rows.iter().map(cell).collect()
}

fn same(text: &str, name: &str, expected: &[Option<f64>]) {
    let bits = |all: &[Option<f64>]| all.iter().map(|it| it.map(f64::to_bits)).collect::<Vec<_>>();
    assert_eq!(bits(&column(text, name)), bits(expected), "{name}");
}

#[test]
fn numbers_are_read_back_as_the_same_bits() {
    let runs = Runs::new();
    let rows = rows(50);
    let truth = runs.at("truth.csv");
    let [one, two] = ["one", "two"].map(|name| runs.run(name, name, Some(&truth), &rows));
    let mut files: Vec<(String, String, Vec<String>)> = Vec::new();
    let mut add = |name: &str, text: String, columns: &[&str]| {
        files.push((name.to_owned(), text, columns.iter().map(|it| (*it).to_owned()).collect()));
    };

    // The CSV leaderboard has the values of its JSON.
    let text = support::run(&["leaderboard", &one, "--format", "csv"]);
    let board = support::run(&["leaderboard", &one, "--format", "json"]);
    let board: Value = serde_json::from_str(&board).unwrap();
    let of = |pointer: &str| -> Vec<Option<f64>> {
        let rows = board["rows"].as_array().unwrap().iter();
        rows.map(|row| row.pointer(pointer).unwrap().as_f64()).collect()
    };
    let columns = [
        ("KD", "/kd"),
        ("kd_low", "/kd_ci/0"),
        ("kd_high", "/kd_ci/1"),
        ("Spearman", "/spearman"),
        ("P@top5%", "/p_top/0.05"),
        ("p_top5_low", "/ties/p_top/0.05/min"),
        ("p_top5_high", "/ties/p_top/0.05/max"),
        ("WR@5%", "/wr/0.05"),
        ("ms/arch", "/ms_per_arch"),
        ("ms/score", "/ms_per_score"),
    ];
    columns.iter().for_each(|(name, pointer)| same(&text, name, &of(pointer)));
    add("leaderboard.csv", text, &columns.map(|(name, _)| name));

    // Scores are those that were stored; `arch` is the name of a row, too.
    let text = support::run(&["leaderboard", &one, "--format", "scores-csv"]);
    let named = ["a,b", "it's \"so\"", "two\nlines", "x|y", "arch (2)"];
    for (row, name) in rows.iter().zip(named) {
        // A mean of several seeds has 13 digits, a single score all of its digits.
        let shown = |mean: f64| match row.key.estimator.kind {
            Baseline => mean,
            _ => format!("{mean:.12e}").parse().unwrap(),
        };
        let mean = |at| Some(row.oriented(at)).filter(|it| it.is_finite()).map(shown);
        same(&text, name, &(0..50).map(mean).collect::<Vec<_>>());
    }
    add("scores.csv", text, &named);

    let text = support::run(&["export", &one]);
    let stored = |row: &Row| row.scores.values().map(|it| it.clone().ok()).collect::<Vec<_>>();
    let mut sorted: Vec<&Row> = rows.iter().collect();
    sorted.sort_by_key(|row| &row.key.name);
    same(&text, "score", &sorted.iter().flat_map(|row| stored(row)).collect::<Vec<_>>());
    add("export.csv", text, &["score", "truth", "milliseconds"]);

    let text = support::run(&["leaderboard", &one, &two, "--format", "csv"]);
    add("across.csv", text, &["mean rank", "worst KD", "KD one", "kd_low two", "kd_high two"]);
    let text = support::run(&["compare", &one, &two, "--format", "csv"]);
    let columns = ["KD first", "KD second", "difference", "p", "KD between", "difference_low"];
    add("compare.csv", text, &columns);

    support::run(&["report", &one]);
    for (file, columns) in [
        ("significance-kd.csv", vec!["KD", "low", "high"]),
        ("cost-kd-by-time.csv", vec!["milliseconds per architecture", "KD"]),
        ("agreement-kd.csv", vec!["value"]),
        ("complexity-by-flops.csv", vec!["value", "group_low", "group_high"]),
    ] {
        let path = Path::new(&one).join("report/figures").join(file);
        let text = fs::read_to_string(&path).unwrap_or_else(|_| panic!("{file}"));
        add(file, text, &columns);
    }

    let mut expected = Map::new();
    for (file, text, columns) in &files {
        let one = |name: &String| (name.clone(), json!(column(text, name)));
        expected.insert(file.clone(), Value::Object(columns.iter().map(one).collect()));
        fs::write(runs.at(file), text).unwrap();
    }
    fs::write(runs.at("expected.json"), Value::Object(expected).to_string()).unwrap();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/read_back.py");
    let python = std::env::var("OSEE_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let Ok(output) = Command::new(&python).arg(script).arg(runs.folder.path()).output() else {
        println!("no {python}: only this program has read the tables");
        return;
    };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    println!("read by: {}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn names_stay_what_they_are_in_every_format() {
    let runs = Runs::new();
    let truth = runs.at("truth.csv");
    let dir = runs.run("50|50", "run", Some(&truth), &rows(50));
    let text = support::run(&["leaderboard", &dir, "--format", "markdown"]);
    let table: Vec<&str> = text.lines().filter(|line| line.starts_with("| ")).collect();
    assert_eq!(table.len(), 2 + NAMES.len(), "{text}");
    let bars = |line: &str| line.replace(r"\|", "").matches('|').count();
    assert!(table.iter().all(|line| bars(line) == bars(table[0])), "{text}");
    assert!(text.contains(r"| x\|y |") && text.contains("| two lines |"), "{text}");
    let text = support::run(&["leaderboard", &dir, "--format", "csv"]);
    let (_, read) = records(&text);
    let mut names: Vec<&str> = read.iter().map(|row| &row[1]).collect();
    names.sort_unstable();
    let mut expected = NAMES.to_vec();
    expected.sort_unstable();
    assert_eq!(names, expected);
    let text = support::run(&["leaderboard", &dir]);
    assert!(text.lines().any(|line| line.contains(" two lines ")), "{text}");

    let file = runs.at("nameless.toml");
    fs::write(&file, "data = \"noise\"\n[[estimators]]\nid = \"params\"\nname = \"\"\n").unwrap();
    let (code, said) = support::fail(&["run", "--study", file.to_str().unwrap()]);
    assert!(code == 3 && said.contains("`params` has an empty name"), "{said}");
}

#[test]
fn a_name_that_would_control_a_terminal_is_refused_and_cleaned_where_it_is_old() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("odd.toml");
    fs::write(&file, "name = \"a\\u001b[31mb\"\n[architectures]\ncount = 2\n").unwrap();
    let (code, said) = support::fail(&["run", "--study", file.to_str().unwrap()]);
    assert!(code == 3 && said.contains(r"a\u{1b}[31mb"), "{said}");
    assert!(said.contains("control character") && !said.contains('\u{1b}'), "{said}");
    // Messages never contain control characters, whatever the name.
    let (_, said) = support::fail(&["leaderboard", "/no\u{1b}[31m"]);
    assert!(said.contains("/no [31m"), "{said:?}");
}

#[test]
fn learning_curves_are_a_table_whatever_the_row_is_called() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("study.toml");
    let row = "[[estimators]]\nid = \"one_shot\"\nname = 'a,\"b\"'\n";
    let text = ["seeds = [1]\n[architectures]\ncount = 3", support::SMALL_TRAINING, row].concat();
    fs::write(&file, text).unwrap();
    let out = folder.path().join("out");
    let args = ["train", "--study", file.to_str().unwrap(), "--out", out.to_str().unwrap()];
    let text = support::run(&args);
    let (_, rows) = records(&text);
    assert_eq!(rows.len(), 2);
    assert!(rows.iter().all(|row| &row[0] == "a,\"b\""), "{text}");
    let curves = osee_core::store::Store::open(&out).unwrap().curves().unwrap();
    let losses: Vec<Option<f64>> = curves.iter().map(|it| Some(it.report.loss)).collect();
    same(&text, "loss", &losses);
    let rates: Vec<Option<f64>> = curves.iter().map(|it| Some(it.report.learning_rate)).collect();
    same(&text, "learning_rate", &rates);
}

fn kd(row: &Row, archs: impl Iterator<Item = usize>, truth: impl Fn(usize) -> f64) -> f64 {
    let (scores, truths): (Vec<f64>, Vec<f64>) =
        archs.map(|at| (row.oriented(at), truth(at))).unzip();
    tau_b(&scores, &truths)
}

#[test]
fn each_run_is_judged_by_its_own_truth() {
    let runs = Runs::new();
    let rows = rows(50);
    let [same, other] = ["truth.csv", "other.csv"].map(|name| runs.at(name));
    // A truth of another benchmark, which lacks some architectures.
    let theirs = |at: usize| 100.0 - truth_of(at) + 9.0 * noise(7 * at);
    truth(&other, &runs.archs, |at| (at % 10 != 9).then(|| theirs(at)));
    let first = runs.run("study", "first", Some(&same), &rows);
    let second = runs.run("study", "second", Some(&other), &rows);
    let third = runs.run("study", "third", None, &rows);
    let text = support::run(&["compare", &first, &second, &third, "--format", "csv"]);
    let (names, read) = records(&text);
    let at = |name: &str| names.iter().position(|it| it == name).unwrap();
    let known = || (0..50).filter(|at| at % 10 != 9);
    for row in &rows {
        let of = |second: &str| {
            let its = read.iter().filter(|it| it[at("estimator")] == row.key.name);
            its.clone().find(|it| it[at("second")].contains(second)).unwrap()
        };
        let cells = of("of other.csv");
        let number = |name: &str| cells[at(name)].parse::<f64>().unwrap();
        assert_eq!(&cells[at("common")], "45");
        let own = kd(row, known(), truth_of);
        let their = kd(row, known(), theirs);
        assert!((own - their).abs() > 0.1, "the truths are too alike to see a difference");
        assert!((number("KD first") - own).abs() < 1e-12, "{text}");
        assert!((number("KD second") - their).abs() < 1e-12, "{text}");
        // No test compares rankings of two truths.
        assert!(cells[at("p")].is_empty());
        let cells = of("no truth");
        assert!(cells[at("KD second")].is_empty() && cells[at("difference")].is_empty(), "{text}");
        assert!(!cells[at("KD first")].is_empty(), "{text}");
    }
    let text = support::run(&["compare", &first, &second, &third]);
    assert!(text.contains("each is judged by its own truth"), "{text}");
    assert!(text.contains("the second has no truth"), "{text}");
}

#[test]
fn runs_of_one_study_are_named_by_what_differs() {
    let runs = Runs::new();
    let truth = runs.at("truth.csv");
    let mut digits = rows(50);
    digits.iter_mut().for_each(|row| row.key.images = Some("digits:1234".to_owned()));
    let noise = runs.run("nb201", "a", Some(&truth), &rows(50));
    let images = runs.run("nb201", "b", Some(&truth), &digits);
    let again = runs.run("nb201", "c", Some(&truth), &rows(50));
    let header = |dirs: &[&str]| {
        let mut args = vec!["leaderboard"];
        args.extend(dirs);
        args.extend(["--format", "csv"]);
        records(&support::run(&args)).0
    };
    let names = |dirs: &[&str]| -> Vec<String> {
        header(dirs)
            .into_iter()
            .filter_map(|it| it.strip_prefix("KD ").map(str::to_owned))
            .collect()
    };
    assert_eq!(names(&[&noise, &images]), ["nb201 (noise)", "nb201 (digits:1234)"]);
    assert_eq!(names(&[&noise, &again]), ["nb201 (a)", "nb201 (c)"]);
    assert_eq!(names(&[&noise, &images, &again]).len(), 3);
    let thrice = names(&[&noise, &noise]);
    assert!(thrice.len() == 2 && thrice[0] != thrice[1], "{thrice:?}");
    let all = header(&[&noise, &images, &again]);
    let mut once = all.clone();
    once.sort();
    once.dedup();
    assert_eq!(once.len(), all.len(), "{all:?}");
    // The same holds for pairs.
    let text = support::run(&["compare", &noise, &images, &again, "--format", "csv"]);
    let (_, read) = records(&text);
    let of: Vec<&str> = read.iter().filter(|row| &row[1] == "x|y").map(|row| &row[0]).collect();
    assert!(of.len() == 2 && of[0] != of[1], "{text}");
    let text = support::run(&["leaderboard", &noise, &images, "--format", "json"]);
    let board: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(board["runs"], json!(["nb201 (noise)", "nb201 (digits:1234)"]));
}

#[test]
fn neighbours_are_in_no_table_of_scores_and_told_apart_elsewhere() {
    let runs = Runs::new();
    let table = runs.at("truth.csv");
    let rows = |archs: usize| -> Vec<Row> {
        let names = ["one", "two", "three"].into_iter().enumerate();
        names
            .map(|(at, name)| {
                Row::new(name, ZeroShot, 0..archs, &SEEDS, move |arch, seed| score(at, arch, seed))
            })
            .collect()
    };
    let mut asked = study("run", &SEEDS, Some(&table));
    drop(store(&runs.at("alone"), &asked, &runs.archs[..30], &rows(30)));
    asked.architectures.drawn = Some(30);
    drop(store(&runs.at("with"), &asked, &runs.archs, &rows(50)));
    let [alone, with] = ["alone", "with"].map(|name| runs.at(name).to_str().unwrap().to_owned());

    // Judging the exported table gives the leaderboard's figures.
    let text = support::run(&["leaderboard", &with, "--format", "scores-csv"]);
    assert_eq!(records(&text).1.len(), 30);
    let scores = runs.at("scores.csv");
    fs::write(&scores, text).unwrap();
    let [scores, table] = [&scores, &table].map(|path| path.to_str().unwrap());
    let mut args = vec!["criteria", "--scores", scores, "--key", "arch", "--truth", table];
    args.extend(["--truth-column", "acc", "--format", "json"]);
    let found: Value = serde_json::from_str(&support::run(&args)).unwrap();
    let board = support::run(&["leaderboard", &with, "--format", "json"]);
    let board: Value = serde_json::from_str(&board).unwrap();
    for row in board["rows"].as_array().unwrap() {
        let its = found["rows"].as_array().unwrap().iter();
        let its = its.clone().find(|it| it["column"] == row["estimator"]).unwrap();
        let [own, theirs] = [row, its].map(|it| it["kd"].as_f64().unwrap());
        assert!((own - theirs).abs() < 1e-12, "{row} {its}");
    }
    let (names, read) = records(&support::run(&["export", &with]));
    let at = |name: &str| names.iter().position(|it| it == name).unwrap();
    assert_eq!(read.len(), 50 * 2 * 3);
    for row in read {
        let position: usize = row[at("position")].parse().unwrap();
        assert_eq!(&row[at("neighbour")], if position < 30 { "0" } else { "1" });
    }
    let names = records(&support::run(&["leaderboard", &with, &alone, "--format", "csv"])).0;
    for heading in ["KD run (30 architectures and 20 neighbours)", "KD run (30 architectures)"] {
        assert!(names.iter().any(|it| it == heading), "{names:?}");
    }
}

#[test]
fn a_truth_that_only_the_space_can_read_is_not_read_without_it() {
    let runs = Runs::new();
    truth(&runs.at("half.csv"), &runs.archs, |at| (at < 40).then(|| truth_of(at)));
    let [half, whole] = ["half", "truth"].map(|name| {
        let table = runs.at(&format!("{name}.csv"));
        runs.run(name, name, Some(&table), &rows(50))
    });
    let empty = runs.at("no plugins");
    fs::create_dir(&empty).unwrap();
    let without = |args: &[&str]| {
        let output = support::osee(args).env("OSEE_PLUGIN_PATH", &empty).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap(), said)
    };
    for args in [
        vec!["leaderboard", &half],
        vec!["leaderboard", &half, "--format", "json"],
        vec!["leaderboard", &half, &whole, "--format", "csv"],
        vec!["compare", &whole, &half],
        vec!["analyze", &half],
        vec!["export", &half],
    ] {
        let (code, printed, said) = without(&args);
        assert!(code == 3 && printed.is_empty(), "{args:?}: {code} {printed}");
        let why = "half.csv has 40 of 50 architectures as the run spells them";
        let cause = "search space `nb201` alone, which is not available: there is no search space";
        assert!(said.contains(why) && said.contains(cause), "{args:?}: {said}");
    }
    // Commands that do not need the space work without it.
    let (code, printed, said) = without(&["leaderboard", &whole]);
    assert!(code == 0 && printed == support::run(&["leaderboard", &whole]), "{said}");
    let (code, printed, said) = without(&["analyze", &whole]);
    assert!(code == 0 && printed.contains("note: search space `nb201`"), "{printed}{said}");
    let text = support::run(&["leaderboard", &half]);
    assert!(text.contains("10 architectures without truth are left out"), "{text}");
}

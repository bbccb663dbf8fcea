//! Tables and images by the names of the catalogue, and the boards that osee
//! includes.

use crate::support;
use crate::support::SMALL;
use osee_core::study::{Study, TableSource};
use serde_json::Value;
use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};
use tempfile::TempDir;

/// Makes the data set `name` in a data folder, with these files and their contents.
fn put(home: &Path, name: &str, files: &[(&str, &str)]) -> PathBuf {
    let folder = home.join(name);
    fs::create_dir_all(&folder).unwrap();
    let card = format!(
        "form = 1\nname = \"{name}\"\ntitle = \"made for a test\"\nlicence = \"-\"\ncitation = \"-\"\n\
         origin = \"-\"\nfile = []\n"
    );
    fs::write(folder.join("card.toml"), card).unwrap();
    for (file, text) in files {
        fs::write(folder.join(file), text).unwrap();
    }
    folder
}

/// The output of `space table` for NAS-Bench-201.
fn space_table() -> &'static str {
    static TABLE: OnceLock<String> = OnceLock::new();
    TABLE.get_or_init(|| support::run(&["space", "table", "nb201"]))
}

/// A data folder with made-up tables of every twentieth network of NAS-Bench-201, whose
/// columns rank differently.
fn home() -> TempDir {
    let home = tempfile::tempdir().unwrap();
    let mut nb201 = "arch_str,c10_test_hp200_v10,nats_c10,nats_c100,nats_in16\n".to_owned();
    let mut analog = "arch_str,baseline_accuracy,ptq_accuracy\n".to_owned();
    for line in space_table().lines().skip(1).step_by(20) {
        let [index, arch, params] = line.splitn(4, ',').collect::<Vec<_>>()[..3] else { panic!() };
        let (at, params): (u64, f64) = (index.parse().unwrap(), params.parse().unwrap());
        let other = at * 7919 % 15_625;
        nb201 += &format!("{arch},{at},{other},{params},{}\n", -params);
        analog += &format!("{arch},{params},{other}\n");
    }
    put(home.path(), "nb201", &[("nb201.csv", &nb201)]);
    put(home.path(), "nb201-analog", &[("nb201-analog.csv", &analog)]);
    home
}

/// Exit code, standard output and standard error of a command with this data folder.
fn with(home: &Path, args: &[&str]) -> (i32, String, String) {
    in_folder(home, Path::new("."), args)
}

fn in_folder(home: &Path, folder: &Path, args: &[&str]) -> (i32, String, String) {
    let mut command: Command = support::osee(args);
    let output = command.env("OSEE_DATA", home).current_dir(folder).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

fn printed(home: &Path, args: &[&str]) -> String {
    let (code, out, said) = with(home, args);
    assert_eq!(code, 0, "{args:?}: {said}");
    out
}

fn kd(board: &str, row: &str) -> f64 {
    let board: Value = serde_json::from_str(board).unwrap();
    let rows = board["rows"].as_array().unwrap();
    let row = rows.iter().find(|it| it["estimator"] == row || it["column"] == row).unwrap();
    row["kd"].as_f64().unwrap()
}

const BOTH: [&str; 2] = ["--estimators", "params,flops"];

#[test]
fn a_run_is_judged_by_a_table_of_the_catalogue_and_says_which() {
    let home = home();
    let out = home.path().join("run");
    let out = out.to_str().unwrap();
    let run = ["run", "--archs", "40", "--judged", "--truth", "nb201", "--out", out];
    let board = printed(home.path(), &[&run[..], &SMALL, &BOTH].concat());
    let v10 = "CIFAR-10 test accuracy, 200 epochs, NAS-Bench-201 v1.0, mean over seeds";
    assert!(board.contains(&format!("truth: nb201:cifar10, {v10}")), "{board}");
    assert!(
        board.contains("40 architectures of nb201 (those with a truth, drawn by seed 0)"),
        "{board}"
    );

    // Judged by another task; another column is another task as well.
    let judged = |truth: &[&str]| {
        printed(home.path(), &[&["leaderboard", out, "--format", "json"], truth].concat())
    };
    let by_task = judged(&["--truth", "nb201:cifar100"]);
    assert!((kd(&by_task, "params") - 1.0).abs() < 1e-12, "{by_task}");
    let document: Value = serde_json::from_str(&by_task).unwrap();
    assert_eq!(document["truth"]["file"], "nb201:cifar100");
    assert_eq!(document["truth"]["column"], "nats_c100");
    assert_eq!(document["subset"], "those with a truth, drawn by seed 0");
    let about = document["truth"]["about"].as_str().unwrap();
    assert_eq!(about, "CIFAR-100 test accuracy, 200 epochs, NATS-Bench, mean over seeds");
    let row = document["rows"][0]["truth"].as_str().unwrap();
    assert_eq!(row, format!("nb201:cifar100, {about}"));
    let by_column = judged(&["--truth", "nb201", "--truth-column", "nats_in16"]);
    assert!((kd(&by_column, "params") + 1.0).abs() < 1e-12, "{by_column}");
    assert!(by_column.contains("\"nb201:imagenet16-120\""), "{by_column}");
    let path = home.path().join("nb201/nb201.csv");
    let by_path = ["--truth", path.to_str().unwrap(), "--truth-column", "nats_c100"];
    let by_path = judged(&by_path);
    assert_eq!(kd(&by_path, "params").to_bits(), kd(&by_task, "params").to_bits());
    assert!(by_path.contains("\"about\": null"), "{by_path}");

    // Formats that programs read name the truth in every row.
    let csv = printed(home.path(), &["leaderboard", out, "--format", "csv"]);
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let at = reader.headers().unwrap().iter().position(|it| it == "truth").unwrap();
    for row in reader.records() {
        assert_eq!(row.unwrap()[at], format!("nb201:cifar10, {v10}"));
    }

    // Without the data set, the error names the command that fetches it.
    let (code, _, said) = with(&home.path().join("other"), &["leaderboard", out]);
    assert_eq!(code, 7);
    assert!(said.contains("osee-host data fetch nb201"), "{said}");
}

#[test]
fn tables_of_the_catalogue_stand_for_files_in_every_command() {
    let home = home();
    let scores = home.path().join("scores.csv");
    fs::write(&scores, space_table()).unwrap();
    let scores = ["--scores", scores.to_str().unwrap(), "--key", "arch"];
    let truth = ["--truth", "nb201:cifar100"];
    let criteria =
        [&["criteria", "--score-column", "params", "--format", "json"], &scores[..], &truth];
    let board = printed(home.path(), &criteria.concat());
    assert!((kd(&board, "params") - 1.0).abs() < 1e-12, "{board}");
    let only = ["--column", "params", "--only", "complexity", "--space", "nb201"];
    printed(home.path(), &[&["analyze"], &scores[..], &truth, &only].concat());
    let checked = printed(home.path(), &["truth", "check", "nb201", "--truth", "nb201"]);
    assert!(checked.contains("rows        782: 782 architectures in"), "{checked}");
    assert!(checked.contains("NAS-Bench-201 v1.0"), "{checked}");
    let checked = printed(home.path(), &["space", "check", "nb201", "--truth", "nb201"]);
    assert!(checked.contains("not compared: the table has no column `params_c10`"), "{checked}");
}

#[test]
fn names_that_stand_for_nothing_are_told_apart() {
    let home = home();
    fs::write(home.path().join("gt"), "arch,acc\n").unwrap();
    put(home.path(), "cifar100", &[]);
    let run = [&["run", "--archs", "20", "--out", "out"], &SMALL[2..]].concat();
    for (more, code, what) in [
        (["--truth", "nb202"], 7, "did you mean `nb201`?"),
        (["--truth", "nb202"], 7, "the path of a table has a / in it, or ends in .csv or .csv.gz"),
        (["--truth", "gt"], 7, ".csv.gz: ./gt"),
        (["--truth", "nb201:cifar1000"], 7, "did you mean `cifar100`?"),
        (["--truth", "nds-resnet"], 7, "osee-host data fetch nds-resnet"),
        (["--truth", "nb301"], 7, "osee-host data import nb301 FILE"),
        (["--truth", "cifar100"], 7, "it is images, not a table"),
        (["--truth", "embedded:nb202"], 7, "there is nb201-digits"),
        (["--data", "cifar10"], 6, "osee-host data fetch cifar10"),
        (["--data", "imagenet16-120"], 6, "osee-host data import imagenet16-120"),
        (["--data", "nb201"], 6, "it is a table, not images"),
        (["--data", "cifar100"], 6, "train.bin"),
        (["--data", "cifar11"], 6, "unknown data `cifar11`"),
    ] {
        let (ended, _, said) = in_folder(home.path(), home.path(), &[&run[..], &more].concat());
        assert_eq!(ended, code, "{more:?}: {said}");
        assert!(said.contains(what), "{more:?}: {said}");
    }
}

#[test]
fn images_of_the_catalogue_are_found_by_name_and_have_a_truth_of_their_own() {
    let home = home();
    let folder = put(home.path(), "cifar100", &[]);
    for (file, images) in [("train.bin", 50_000), ("test.bin", 10_000)] {
        File::create(folder.join(file)).unwrap().set_len(images * 3074).unwrap();
    }
    let classes =
        ["--set", "classes=100", "--set", "channels=2", "--set", "cells=1", "--batch-size", "8"];
    let run =
        ["run", "--archs", "20", "--data", "cifar100", "--truth", "nb201", "--batch-size", "8"];
    let out = home.path().join("run");
    let out = ["--out", out.to_str().unwrap()];
    let board = printed(home.path(), &[&run[..], &classes, &out, &BOTH].concat());
    assert!(board.contains("truth: nb201:cifar100"), "{board}");
    let study = fs::read_to_string(home.path().join("run/study.toml")).unwrap();
    assert!(study.contains("data = \"cifar100\"") && study.contains("file = \"nb201\""), "{study}");
}

#[test]
fn the_default_is_the_board_of_nas_bench_201_if_its_table_is_here() {
    let home = home();
    let none = home.path().join("none");
    let plan = |home: &Path, args: &[&str]| {
        let (code, out, said) = with(home, &[&["plan"], args].concat());
        assert_eq!(code, 0, "{args:?}: {said}");
        (out, said)
    };
    let analog = "nb201-analog: 300 architectures x 1 seeds, 13 estimators";
    let digits = "digits: 1000 architectures x 1 seeds";
    let (out, said) = plan(home.path(), &[]);
    assert!(out.contains(analog) && said.is_empty(), "{out}{said}");
    let (out, said) = plan(&none, &[]);
    assert!(out.contains(digits), "{out}");
    let first = said.lines().next().unwrap();
    assert!(
        first.contains("digits") && first.contains("osee-host data fetch nb201-analog"),
        "{said}"
    );
    // A truth from that board's data set, in any column, selects it, and so do the digits.
    let (out, _) = plan(home.path(), &["--truth", "nb201-analog:ptq"]);
    assert!(out.contains(analog), "{out}");
    let (out, _) = plan(home.path(), &["--data", "digits"]);
    assert!(out.contains(digits), "{out}");
    // Noise trains no supernet.
    let (out, said) = plan(home.path(), &["--estimators", "one_shot"]);
    assert!(out.contains(digits), "{out}");
    assert!(said.contains("one_shot is about supernets"), "{said}");
    let (_, _, said) = with(home.path(), &["train", "--device", "cuda:99"]);
    assert!(said.starts_with("osee-host train is about supernets"), "{said}");
    // Other options change the board that is suggested.
    let (out, _) = plan(home.path(), &["--archs", "40", "--seeds", "1,2"]);
    assert!(out.contains("nb201-analog: 40 architectures x 2 seeds"), "{out}");
}

#[test]
fn a_study_has_what_it_does_not_say_of_the_one_that_it_is_like() {
    let home = home();
    let file = home.path().join("mine.toml");
    let plan = |text: &str, home: &Path| {
        fs::write(&file, text).unwrap();
        with(home, &["plan", "--study", file.to_str().unwrap()])
    };
    let (_, out, _) = plan("like = \"nb201-analog\"\nseeds = [1, 2, 3]\n", home.path());
    assert!(out.contains("nb201-analog: 300 architectures x 3 seeds"), "{out}");
    let own = "name = \"mine\"\nlike = \"digits\"\n[architectures]\ncount = 40\njudged = true\n";
    let (_, out, _) = plan(own, home.path());
    assert!(out.contains("mine: 40 architectures x 1 seeds, 15 estimators"), "{out}");
    let (_, out, _) = plan("like = \"default\"\n", home.path());
    assert!(out.contains("nb201-analog: 300"), "{out}");
    let (_, out, said) = plan("like = \"default\"\n", &home.path().join("none"));
    assert!(out.contains("digits: 1000") && said.contains("data fetch nb201-analog"), "{said}");
    let (code, _, said) = plan("like = \"digit\"\n", home.path());
    assert_eq!(code, 3);
    assert!(said.contains("default, nb201-analog or digits, not `digit`"), "{said}");
}

#[test]
fn the_studies_that_are_shipped_name_their_data() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../studies");
    let mut count = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            continue;
        }
        let (study, old_keys) = Study::read(&path).unwrap();
        assert!(old_keys.is_empty(), "{}: {old_keys:?}", path.display());
        let table = study.truth.unwrap().table;
        assert!(!matches!(table, TableSource::File(_)), "{}", path.display());
        assert_eq!(study.data.folder, None, "{}", path.display());
        count += 1;
    }
    assert!(count >= 13, "{count}");
}

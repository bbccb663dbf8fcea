//! Analyses of why an estimator is wrong: on the paper's scores, and on a run of osee.

use crate::support;
use std::{fs, path::Path};

const STUDY: &str = r#"
name = "analysed"
seeds = [1, 2]
[space]
id = "nb201"
[space.settings]
channels = 2
cells = 1
image_size = 8
[protocol]
preset = "paper"
batch_size = 8
[training]
epochs = 4
keep_every = 1
observe = 4
images = 256
batch_size = 32
validation_images = 96
validation_batch_size = 32
[[estimators]]
id = "one_shot"
name = "loss"
trend = true
[[estimators]]
id = "one_shot"
name = "accuracy"
settings = { score = "accuracy" }
[[estimators]]
id = "params"
[[estimators]]
id = "grad_norm"
[[estimators]]
id = "synflow"
"#;

/// Text of an architecture list and of a truth table: 24 architectures that differ in up to
/// three edges, with a truth made up from their operations.
fn table() -> (String, String) {
    let (mut archs, mut truth) = (String::new(), "arch_str,acc,seeds\n".to_owned());
    for (i, first) in
        ["nor_conv_3x3", "nor_conv_1x1", "skip_connect", "avg_pool_3x3"].iter().enumerate()
    {
        for (j, last) in ["nor_conv_3x3", "nor_conv_1x1", "skip_connect"].iter().enumerate() {
            for (k, middle) in ["skip_connect", "avg_pool_3x3"].iter().enumerate() {
                let arch =
                    format!("|{first}~0|+|none~0|{middle}~1|+|{last}~0|none~1|nor_conv_1x1~2|");
                let acc = 90.0 - 3.0 * i as f64 - 2.0 * j as f64 - 0.7 * k as f64;
                // The mean of two trainings, whose difference is larger for every other operation.
                let off = 0.5 + (i % 2) as f64;
                truth += &format!("{arch},{acc},{};{}\n", acc + off, acc - off);
                archs += &format!("{arch}\n");
            }
        }
    }
    (archs, truth)
}

struct Run {
    folder: tempfile::TempDir,
}

impl Run {
    fn new(data: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (archs, truth) = table();
        fs::write(folder.path().join("study.toml"), STUDY).unwrap();
        fs::write(folder.path().join("archs.txt"), archs).unwrap();
        fs::write(folder.path().join("truth.csv"), truth).unwrap();
        let run = Self { folder };
        run.score(data, "run");
        run
    }

    fn at(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    /// Runs the study in its present form.
    fn score(&self, data: &str, out: &str) {
        support::run(&[
            "run",
            "--study",
            &self.at("study.toml"),
            "--archs",
            &self.at("archs.txt"),
            "--truth",
            &self.at("truth.csv"),
            "--truth-column",
            "acc",
            "--data",
            data,
            "--out",
            &self.at(out),
        ]);
    }

    fn path(&self) -> String {
        self.at("run")
    }
}

fn names(text: &str) -> Vec<&str> {
    let named = |line: &str| line.strip_suffix(']')?.rsplit_once(" [").map(|(_, name)| name.len());
    text.lines()
        .filter(|line| named(line).is_some())
        .map(|line| line.rsplit_once(" [").unwrap().1.trim_end_matches(']'))
        .collect()
}

/// The output of a command whose analysis, asked for by name, is not possible.
fn cannot(args: &[&str]) -> String {
    let output = support::osee(args).output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_run_has_every_analysis_that_its_data_allows_and_names_the_others() {
    let run = Run::new("noise");
    let text = support::run(&["analyze", &run.path(), "--seed-columns", "seeds"]);
    let expected = [
        "significance",
        "counts",
        "cost",
        "agreement",
        "seeds",
        "noise",
        "complexity",
        "operations",
        "architectures",
        "trend",
        "stability",
        "scores",
        "batches",
        "variants",
        "forgetting",
        "gradients",
    ];
    assert_eq!(names(&text), expected);
    let absent: Vec<&str> = text.lines().filter(|line| line.starts_with("not here: ")).collect();
    assert!(absent.is_empty(), "{absent:?}");
    // Shared work counts in full for each row: `accuracy` uses the batches of `loss`,
    // and each of them would have to wait for those batches alone.
    let cost = Path::new(&run.path()).join("report/figures/cost-kd-by-time.csv");
    support::run(&["report", &run.path()]);
    let cost = fs::read_to_string(cost).unwrap();
    let milliseconds = |name: &str| -> f64 {
        let line = cost.lines().find(|line| line.split(',').nth(1) == Some(name)).unwrap();
        line.split(',').nth(2).unwrap().parse().unwrap()
    };
    let [loss, accuracy] = ["loss", "accuracy"].map(milliseconds);
    assert!(accuracy > 0.5 * loss && accuracy < 2.0 * loss, "{cost}");
    // Without single trainings the noise of the truth is unknown.
    let text = support::run(&["analyze", &run.path()]);
    assert!(!names(&text).contains(&"noise"));
    assert!(text.contains("--seed-columns COL"), "{text}");
    // --only selects the analyses.
    let text = support::run(&["analyze", &run.path(), "--only", "cost,agreement"]);
    assert_eq!(names(&text), ["cost", "agreement"]);
    let text = cannot(&["analyze", &run.path(), "--only", "noise"]);
    assert!(names(&text).is_empty() && text.contains("--seed-columns COL"), "{text}");
    let (code, said) = support::fail(&["analyze", &run.path(), "--only", "nois"]);
    assert!(code == 2 && said.contains("possible values: significance, counts, cost"), "{said}");

    let written = support::run(&["report", &run.path()]);
    let page = fs::read_to_string(written.trim()).unwrap();
    for name in expected.iter().filter(|name| **name != "noise") {
        assert!(page.contains(&format!("id=\"{name}\"")), "{name}");
    }
    let figures = Path::new(&run.path()).join("report/figures");
    for file in ["trend-kd.svg", "trend-kd.csv", "complexity-by-flops.svg", "cost-kd-by-time.csv"] {
        assert!(figures.join(file).exists(), "{file}");
    }
    // The same run gives the same report.
    let again = run.folder.path().join("again");
    support::run(&["report", &run.path(), "--out", again.to_str().unwrap()]);
    assert_eq!(fs::read_to_string(again.join("report.html")).unwrap(), page);
}

#[test]
fn what_a_zero_shot_study_lacks_is_said_with_what_to_add() {
    let run = Run::new("noise");
    let file = run.folder.path().join("study.toml");
    let study = fs::read_to_string(&file).unwrap();
    let zero_shot = study.split("[[estimators]]").next().unwrap().to_owned();
    fs::write(
        &file,
        zero_shot + "[[estimators]]\nid = \"params\"\n[[estimators]]\nid = \"synflow\"\n",
    )
    .unwrap();
    run.score("noise", "other");
    let text = support::run(&["analyze", &run.at("other")]);
    for (missing, add) in [
        ("Criteria while the supernet trains", "trend = true"),
        ("How much validation data?", "id = \"one_shot\""),
        ("Do architectures forget?", "observe = 16"),
        ("Variants of one estimator", "sampler = \"fair\""),
    ] {
        let from = text.find(&format!("not here: {missing}")).unwrap_or_else(|| panic!("{text}"));
        assert!(text[from..].contains(add), "{missing}: {text}");
    }
    // The section has the figures of the leaderboard's second table.
    let json = support::run(&["leaderboard", &run.at("other"), "--format", "json"]);
    let board: serde_json::Value = serde_json::from_str(&json).unwrap();
    let rows = board["rows"].as_array().unwrap();
    let beside =
        &rows.iter().find(|row| row["estimator"] == "synflow").unwrap()["beside"]["params"];
    let counts = support::run(&["analyze", &run.at("other"), "--only", "counts"]);
    let line = counts.lines().find(|line| line.trim_start().starts_with("synflow")).unwrap();
    let number = |key: &str| beside[key].as_f64().unwrap();
    let [low, high] = [0, 1].map(|end| beside["kd_less_ci"][end].as_f64().unwrap());
    let expected =
        format!("{:.3} {:+.3} {low:+.3} .. {high:+.3}", number("kd_given"), number("kd_less"));
    let printed: Vec<&str> = line.split_whitespace().collect();
    assert!(printed.join(" ").ends_with(&expected), "{expected} in {counts}");
    let better = if low > 0.0 { "synflow ranks better" } else { "does not rank better" };
    assert!(counts.contains(better), "{counts}");
    let itself = counts.lines().find(|line| line.trim_start().starts_with("params")).unwrap();
    assert!(itself.contains("count") && itself.trim_end().ends_with('-'), "{counts}");
    // Two runs side by side: equal scores agree completely.
    let both = support::run(&["compare", &run.path(), &run.at("other"), "--format", "csv"]);
    let mut rows = csv::Reader::from_reader(both.as_bytes());
    let cells = rows.records().map(Result::unwrap).find(|row| &row[1] == "synflow").unwrap();
    assert_eq!((&cells[2], &cells[5], &cells[7]), ("21", "0.0", "1.0"), "{both}");
}

#[test]
fn the_studys_own_scores_give_its_figures() {
    let Some(data) = support::data() else { return };
    let file = data.join("nb301/paper_anchor_5896.csv.gz");
    let file = file.to_str().unwrap();
    let (accuracy, loss) = ("os_acc_s{seed}_e{epoch}", "os_loss_s{seed}_e{epoch}");
    let text = support::run(&[
        "analyze",
        "--scores",
        file,
        "--space",
        "nb301",
        "--column",
        accuracy,
        "--column",
        loss,
        "--column",
        "params",
        "--column",
        "flops",
        "--negate",
        loss,
        "--truth",
        file,
        "--truth-column",
        "surrogate_acc",
        "--duplicates",
        "last",
        "--only",
        "seeds,significance,trend,operations",
    ]);
    // estimators.md C.5 and C.6: means of three supernets, and single ones.
    let seeds = &text[text.find("[seeds]").unwrap()..];
    let cells = |name: &str| -> Vec<&str> {
        let mut lines = seeds.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
        lines.find(|it| it.first() == Some(&name) && it[1].starts_with('0')).unwrap()
    };
    assert_eq!(cells("os_loss")[1..4], ["0.509", "0.464", "0.519"]);
    assert_eq!(cells("os_acc")[1..4], ["0.372", "0.339", "0.391"]);
    assert!(text.contains("5,468 architectures, seeds 20, 2020 and 202020"), "{text}");
    // Pairs within the set, in both orders: 324 distinct genotypes that differ by one
    // operation, and those that differ by one input.
    assert!(text.contains("750 ordered pairs found among them"), "{text}");
    assert!(text.contains("From epoch 100 to 1000 the KD of os_acc goes from"), "{text}");
}

#[test]
fn one_run_has_one_interval() {
    let run = Run::new("noise");
    let board = support::run(&["leaderboard", &run.path(), "--format", "json"]);
    let board: serde_json::Value = serde_json::from_str(&board).unwrap();
    support::run(&["report", &run.path()]);
    let figure = Path::new(&run.path()).join("report/figures/significance-kd.csv");
    let figure = fs::read_to_string(figure).unwrap();
    let page = fs::read_to_string(Path::new(&run.path()).join("report/report.html")).unwrap();
    let mut compared = 0;
    for row in board["rows"].as_array().unwrap() {
        let name = row["estimator"].as_str().unwrap();
        if name.contains('@') {
            continue;
        }
        let line = figure.lines().find(|line| line.split(',').next() == Some(name)).unwrap();
        let cells: Vec<&str> = line.split(',').collect();
        let ends = row["kd_ci"].as_array().unwrap_or_else(|| panic!("{row}"));
        let [low, high] = [0, 1].map(|at| ends[at].as_f64().unwrap());
        // Every digit agrees.
        assert_eq!([cells[2], cells[3]], [low.to_string(), high.to_string()], "{name}");
        assert!(page.contains(&format!("{low:.3} .. {high:.3}")), "{name} {low} {high}");
        assert!(-1.0 <= low && low < high && high <= 1.0, "{name} {low} {high}");
        compared += 1;
    }
    // `loss` is counted by its checkpoints.
    assert_eq!(compared, 4);
}

/// The output of `criteria`, as JSON, for one table with all columns.
fn criteria(file: &str, more: &[&str]) -> serde_json::Value {
    let mut args = vec!["criteria", "--truth", file, "--truth-column", "acc", "--scores", file];
    args.extend(["--key", "arch", "--score-column", "flat", "--score-column", "coarse"]);
    args.extend(["--format", "json"]);
    args.extend(more);
    let found: serde_json::Value = serde_json::from_str(&support::run(&args)).unwrap();
    found["rows"].clone()
}

#[test]
fn ties_do_not_depend_on_the_order_of_rows() {
    let folder = tempfile::tempdir().unwrap();
    let row = |i: usize| format!("a{i},{},1,{}\n", i as f64 / 200.0, i / 7);
    let file = |name: &str, rows: &mut dyn Iterator<Item = usize>| {
        let path = folder.path().join(name);
        fs::write(&path, "arch,acc,flat,coarse\n".to_owned() + &rows.map(row).collect::<String>())
            .unwrap();
        path.to_str().unwrap().to_owned()
    };
    let best_first = file("best.csv", &mut (0..200).rev());
    let worst_first = file("worst.csv", &mut (0..200));
    let mixed = file("mixed.csv", &mut (0..200).map(|i| i * 77 % 200));
    let found = criteria(&best_first, &[]);
    assert_eq!(found, criteria(&worst_first, &[]));
    assert_eq!(found, criteria(&mixed, &[]));
    let of = |row: &serde_json::Value, what: &str, k: &str| row[what][k].as_f64().unwrap();
    assert!((of(&found[0], "p_top", "0.05") - 0.05).abs() < 1e-12, "{found}");
    assert_eq!(found[0]["ties"]["p_top"]["0.05"]["max"], 1.0);
    // Inside the predicted top 10, three of seven come from the second level.
    assert_eq!(found[0]["kd_top"]["0.05"], serde_json::Value::Null);
    assert!(
        of(&found[1], "kd_top", "0.05") > 0.5 && found[1]["ties"]["kd_top"]["0.05"].is_object()
    );
    // The paper's rule is to break ties by the order of rows.
    let theirs = |file: &str| of(&criteria(file, &["--compat", "awnas"])[0], "p_top", "0.05");
    assert_eq!((theirs(&best_first), theirs(&worst_first)), (0.0, 1.0));
    // In text output, the range stands beside the mean.
    let text = support::run(&[
        "criteria",
        "--truth",
        &mixed,
        "--truth-column",
        "acc",
        "--scores",
        &mixed,
        "--key",
        "arch",
        "--score-column",
        "flat",
        "--score-column",
        "coarse",
    ]);
    assert!(text.contains("0.050 (0.000 .. 1.000)"), "{text}");
    // All numbers of a row that have decimals, including the ends of the interval, have
    // equally many.
    let digits = |word: &&str| word.trim_matches(['(', ')']).split_once('.').map(|it| it.1.len());
    let coarse = text.lines().find(|line| line.contains(" coarse ")).unwrap();
    let found: Vec<usize> = coarse
        .split_whitespace()
        .filter(|it| *it != "..")
        .collect::<Vec<_>>()
        .iter()
        .filter_map(digits)
        .collect();
    assert!(found.len() > 8 && found.iter().all(|it| *it == 3), "{text}");
}

#[test]
fn three_architectures_promise_nothing_and_what_is_constant_is_not_compared() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("three.csv");
    fs::write(&file, "arch,acc,right,wrong,other,flat\na,1,1,3,2,1\nb,2,2,2,1,1\nc,3,3,1,3,1\n")
        .unwrap();
    let file = file.to_str().unwrap();
    let mut args = vec!["analyze", "--scores", file, "--key", "arch", "--truth", file];
    args.extend(["--truth-column", "acc", "--only", "significance"]);
    for column in ["right", "wrong", "other", "flat"] {
        args.extend(["--column", column]);
    }
    let text = support::run(&args);
    let first = "right is first with a KD of 1.000; it cannot be told apart from other and wrong.";
    assert!(text.contains(first), "{text}");
    assert!(text.contains("Of 3 pairs of estimators, 0 can be told apart at 5%. 3 more pairs are"));
    let few = "The smallest p that 3 architectures allow is 0.250, and 0.750 corrected for all pairs: \
               they are too few to tell any two estimators apart.";
    assert!(text.contains(few), "{text}");
    // All 8 exchanges of ranks are counted; b has rank 2 in both.
    let named = |line: &&str| line.trim_start().starts_with("right") && line.contains(" wrong ");
    let pair = text.lines().rfind(named);
    let cells: Vec<&str> = pair.unwrap().split_whitespace().collect();
    assert_eq!(cells[cells.len() - 4..], ["+2.000", "none", "0.500", "1.000"], "{text}");
    let mut args = vec!["criteria", "--truth", file, "--truth-column", "acc", "--scores", file];
    args.extend(["--key", "arch", "--score-column", "right"]);
    let text = support::run(&args);
    assert!(text.contains("the smallest that 3 allow is 0.333, so no KD over them"), "{text}");
    args.extend(["--format", "json"]);
    let found: serde_json::Value = serde_json::from_str(&support::run(&args)).unwrap();
    let row = &found["rows"][0];
    assert_eq!((&row["kd"], &row["kd_ci"]), (&1.0.into(), &serde_json::Value::Null));
    assert!((row["kd_p"].as_f64().unwrap() - 1.0 / 3.0).abs() < 1e-15, "{row}");
    assert!(row["kd_ci_missing"].as_str().unwrap().contains("too few for an interval"), "{row}");
}

#[test]
fn mistakes_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let scores = file("scores.csv", "arch,zse\na,1\nb,2\n");
    let other = file("other.csv", "arch,acc\nc,1\nd,2\n");
    let args = [
        "analyze",
        "--scores",
        &scores,
        "--key",
        "arch",
        "--truth",
        &other,
        "--truth-column",
        "acc",
    ];
    let (code, said) = support::fail(&args);
    assert_eq!((code, said.contains("have no key in common")), (7, true), "{said}");
    let (code, said) = support::fail(&[
        "analyze",
        "--scores",
        &scores,
        "--truth",
        &scores,
        "--truth-column",
        "zse",
    ]);
    assert_eq!((code, said.contains("--key says which column")), (2, true), "{said}");
    let (code, said) = support::fail(&["report", folder.path().to_str().unwrap()]);
    assert_eq!(code, 5, "{said}");
}

/// The plugin has moved, and the user says where it is.
#[test]
fn a_run_whose_space_has_moved_says_so_and_finds_it_again() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (old, new, truth, out) = (at("libold.so"), at("libnew.so"), at("truth.csv"), at("run"));
    fs::copy(support::fixture("broken_rules"), &old).unwrap();
    let archs = (1..=7).flat_map(|width| [1, 3, 5].map(|kernel| (width, kernel)));
    let rows: String =
        archs.map(|(width, kernel)| format!("{width}-{kernel},{}\n", width * kernel)).collect();
    fs::write(&truth, format!("arch,accuracy\n{rows}")).unwrap();
    support::run(&[
        "run",
        "--plugin",
        &old,
        "--allow-unpinned",
        "--space",
        "space_keeps",
        "--archs",
        "all",
        "--estimators",
        "params,flops",
        "--data",
        "noise",
        "--truth",
        &truth,
        "--out",
        &out,
    ]);
    let analyses = ["analyze", &out, "--only", "complexity"];
    let there = support::run(&[&analyses[..], &["--allow-unpinned"]].concat());
    assert!(there.contains("[complexity]"), "{there}");
    fs::rename(&old, &new).unwrap();
    let lost = cannot(&analyses);
    assert!(lost.contains("without their search space: ") && lost.contains("libold.so"), "{lost}");
    assert!(lost.contains("--plugin FILE") && !lost.contains("--space"), "{lost}");
    let given = ["--plugin", &new, "--allow-unpinned"];
    assert_eq!(support::run(&[&analyses[..], &given].concat()), there);
    let page = at("page");
    support::run(&[&["report", &out, "--out", &page], &given[..]].concat());
    assert!(fs::read_to_string(at("page/report.html")).unwrap().contains("FLOPs"));
    // A plugin that the user names has to exist.
    let (code, said) = support::fail(&[&analyses[..], &["--plugin", &old]].concat());
    assert!(code == 4 && said.contains("libold.so"), "{code}: {said}");
}

//! An option has its effect wherever it is accepted. Where it would change
//! nothing it is refused, and the message says why.

use crate::support;
use crate::support::shards;
use crate::support::stores::{Row, architectures, noise, store, study, truth};
use crate::support::{SMALL, osee};
use osee_core::store::Store;
use osee_model::estimator::EstimatorKind::ZeroShot;
use std::{
    fs,
    path::{Path, PathBuf},
};

const ARCH: &str = "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|skip_connect~0|none~1|none~2|";

/// Two runs with a truth, one without, and tables.
struct Files {
    folder: tempfile::TempDir,
}

impl Files {
    fn new() -> Self {
        let files = Self { folder: tempfile::tempdir().unwrap() };
        let archs = architectures(30);
        let table = truth(&files.path("truth.csv"), &archs, |at| Some(noise(at)));
        let row = |at: usize| {
            let name = ["one", "two"][at];
            Row::new(name, ZeroShot, 0..30, &[0], |arch, _| noise(1000 * at + arch))
        };
        for (name, table) in [("a", Some(&table)), ("b", Some(&table)), ("bare", None)] {
            let study = study(name, &[0], table.map(PathBuf::as_path));
            drop(store(&files.path(name), &study, &archs, &[row(0), row(1)]));
        }
        let mut text = "arch,acc,zse,other,task\n".to_owned();
        for (at, arch) in archs.iter().enumerate() {
            text += &format!("{arch},{:?},{:?},{at},x\n", noise(at), noise(7 * at));
        }
        fs::write(files.path("table.csv"), text).unwrap();
        files
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs a command line in which `@NAME` is a file of ours. Returns code, output and errors.
    fn output(&self, line: &str) -> (Option<i32>, String, String) {
        let words = line.split_whitespace().map(|word| match word.strip_prefix('@') {
            Some("ARCH") => ARCH.to_owned(),
            Some(name) => self.path(name).to_str().unwrap().to_owned(),
            None => word.to_owned(),
        });
        let words: Vec<String> = words.collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let done = osee(&words).current_dir(self.folder.path()).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (done.status.code(), text(done.stdout), text(done.stderr))
    }
}

/// A command line, and a part of its error message.
type Refused = (&'static str, &'static str);

const SCORES_ALONE: &str = "has no effect on --format scores-csv";
const NO_TRUTH: &str = "is about a table of truth, and run `bare` has none";
const TABLES: &str = "is about a table of scores, with --scores FILE";
const NO_PLUGIN: &str = "has no user plugins, and --plugin names none";
const TWICE: &str = "and no row has both";
const NO_WORKER: &str = "is about workers, and with --isolation none no worker scores";
const ONLY: &str = "has no effect on the part that --only names";
const UNKNOWN: &str = "unexpected argument";

const REFUSED: [Refused; 74] = [
    ("leaderboard @a @b --format scores-csv", "several runs are given; print them one by one"),
    ("leaderboard @a @b --truth @truth.csv", "names the table of one run"),
    ("leaderboard @a --format scores-csv --truth @truth.csv", SCORES_ALONE),
    ("leaderboard @a --format scores-csv --truth-column acc", SCORES_ALONE),
    ("leaderboard @a --format scores-csv --truth-key arch", SCORES_ALONE),
    ("leaderboard @a --format scores-csv --duplicates mean", SCORES_ALONE),
    ("leaderboard @a --format scores-csv --where arch=x", SCORES_ALONE),
    ("leaderboard @a --format scores-csv --compat awnas", SCORES_ALONE),
    ("leaderboard @bare --truth-column acc", NO_TRUTH),
    ("leaderboard @bare --truth-key arch", NO_TRUTH),
    ("leaderboard @bare --duplicates mean", NO_TRUTH),
    ("leaderboard @bare --where task=x", NO_TRUTH),
    ("leaderboard @a @bare --truth-column acc", NO_TRUTH),
    ("leaderboard @bare --truth-isomorphic", "--truth <TABLE>"),
    ("export @bare --truth-column acc", NO_TRUTH),
    ("export @bare --where task=x", NO_TRUTH),
    ("analyze @bare --truth-column acc", NO_TRUTH),
    ("report @bare --duplicates last", NO_TRUTH),
    ("leaderboard @a --where arch=1 --where arch=2", TWICE),
    ("export @a --where arch=1 --where arch=2", TWICE),
    ("analyze @a --where arch=1 --where arch=2", TWICE),
    ("run --truth @truth.csv --where arch=1 --where arch=2", TWICE),
    ("truth check nb201 --truth @truth.csv --where arch=1 --where arch=2", TWICE),
    ("space check nb201 --truth @truth.csv --where arch=1 --where arch=2", TWICE),
    (
        "criteria --truth @table.csv --truth-column acc --scores @table.csv --key arch --where \
         task=x --where task=y",
        TWICE,
    ),
    (
        "analyze --truth @table.csv --truth-column acc --scores @table.csv --key arch --where \
         task=x --where task=y",
        TWICE,
    ),
    ("analyze @a --key arch", TABLES),
    ("analyze @a --column zse", TABLES),
    ("analyze @a --negate one", TABLES),
    ("analyze @a --space nb201", TABLES),
    ("report @a --space nb201", TABLES),
    ("report @a --allow-unpinned", NO_PLUGIN),
    (
        "analyze --truth @table.csv --truth-column acc --scores @table.csv --key arch --plugin x.so",
        "is about a search space, which --space names",
    ),
    ("analyze @a --seed-columns acc,acc", "--seed-columns names `acc` twice"),
    ("report @a --seed-columns acc --seed-columns acc", "--seed-columns names `acc` twice"),
    (
        "truth check nb201 --truth @truth.csv --seed-columns acc,acc",
        "--seed-columns names `acc` twice",
    ),
    ("plan --format json", UNKNOWN),
    ("plan --shard 1/2", UNKNOWN),
    ("plan --torch-threads 2", UNKNOWN),
    ("train --format csv", UNKNOWN),
    ("train --retry-failed", UNKNOWN),
    ("train --isolation none", UNKNOWN),
    ("submit slurm --shards 2 --format json", UNKNOWN),
    ("submit slurm --shards 2 --shard 1/2", UNKNOWN),
    ("submit kubernetes --shards 2 --format json", UNKNOWN),
    ("submit slurm --shards 2 --at-once 0", "--at-once"),
    ("submit slurm --shards 2 --grace 65536", "--grace"),
    ("run --isolation none --workers 2", NO_WORKER),
    ("run --isolation none --time-limit 5", NO_WORKER),
    ("run --isolation none --memory-limit 500", NO_WORKER),
    ("plan --isolation none --time-limit 5", NO_WORKER),
    ("submit slurm --shards 2 --isolation none --time-limit 5", NO_WORKER),
    ("run --workers 0", "a whole number from 1"),
    ("run --torch-threads 0", "a whole number from 1"),
    ("bench build --study x --out y --workers 0", "a whole number from 1"),
    ("run --archs 3 --data noise --shard 1/2 --format json", "and a shard has none"),
    ("run --truth-column acc", "--truth <TABLE>"),
    ("run --where task=x", "--truth <TABLE>"),
    ("run --retry-failed crush", "there are undefined, not-finite"),
    ("bench --only supernets --networks 3", ONLY),
    ("bench --only scale --batch-size 3", ONLY),
    ("bench --only processes --threads 2", ONLY),
    ("bench --networks 0", "a whole number from 1"),
    ("bench --batch-size 0", "a whole number from 1"),
    ("bench --threads 0", "--threads"),
    ("bench --networks 3 check x --study y", "--networks"),
    ("space groups nb201 --set channels=2", UNKNOWN),
    ("score --arch @ARCH --estimators params,snip,params", "--estimators names `params` twice"),
    (
        "score --arch @ARCH --set cells=1 --set channels=2 --estimators params,vote",
        "estimator `vote` needs more than one network",
    ),
    ("analyze @a --only nois", "possible values"),
    ("analyze @a --format json", UNKNOWN),
    ("compare @a @b --format json", "possible values"),
    ("compare @a", "2"),
    ("analyze @a --scores @table.csv", "cannot be used with"),
];

#[test]
fn what_would_change_nothing_is_refused_with_the_reason() {
    let files = Files::new();
    for (line, words) in REFUSED {
        let (code, printed, said) = files.output(line);
        assert_eq!(code, Some(2), "{line}: {said}");
        assert!(said.contains(words), "{line}: {said}");
        assert!(printed.is_empty(), "{line}: {printed}");
    }
    // The same commands are accepted without the superfluous option.
    for line in [
        "leaderboard @a @b --format csv --truth-column acc",
        "leaderboard @a @b --no-timing --compat awnas",
        "leaderboard @a --format scores-csv --no-timing",
        "leaderboard @bare --truth @truth.csv --truth-key arch --truth-column acc",
        "export @bare --truth @truth.csv --truth-key arch --truth-column acc --format csv",
        "analyze @a --truth-column acc",
        "criteria --truth @table.csv --truth-column acc --scores @table.csv --key arch --where \
         task=x --where task=x --negate zse --negate zse",
        "score --arch @ARCH --set cells=1 --set channels=2 --estimators params",
        "plan --archs 3 --data noise --workers 1 --time-limit 5 --retry-failed",
    ] {
        let (code, _, said) = files.output(line);
        assert_eq!(code, Some(0), "{line}: {said}");
    }
}

/// If a weights file has a batch, no option may choose another.
#[test]
fn images_and_a_preset_are_refused_where_the_weights_file_has_a_batch() {
    let Some(data) = support::data() else { return };
    let golden = fs::read_to_string(data.join("golden/nb201.json")).unwrap();
    let golden: serde_json::Value = serde_json::from_str(&golden).unwrap();
    let (arch, id) = (golden[0]["arch"].as_str().unwrap(), golden[0]["id"].as_u64().unwrap());
    let weights = data.join(format!("golden/nb201_{id:02}.safetensors"));
    let score = ["score", "--arch", arch, "--set", "cells=1", "--weights"];
    let score = [&score[..], &[weights.to_str().unwrap(), "--estimators", "params"]].concat();
    support::run(&score);
    for more in [["--data", "digits"], ["--preset", "naslib"]] {
        let (code, said) = support::fail(&[&score[..], &more].concat());
        assert!(code == 2 && said.contains("has `input` and `target`"), "{said}");
    }
}

fn seeds_of(dir: &Path) -> Vec<u64> {
    Store::open(dir).unwrap().study().unwrap().seeds.to_vec()
}

#[test]
fn of_an_option_that_is_given_twice_the_last_counts() {
    let folder = tempfile::tempdir().unwrap();
    let run = |name: &str, more: &[&str]| {
        let out = folder.path().join(name);
        let mut args = vec!["run", "--archs", "7", "--archs", "3", "--out", out.to_str().unwrap()];
        args.extend(["--estimators", "synflow", "--estimators", "params"]);
        args.extend(SMALL);
        args.extend(more);
        support::run(&args);
        out
    };
    let out = run("overlap", &["--seeds", "0", "--seeds", "0,1"]);
    assert_eq!(seeds_of(&out), [0, 1]);
    let store = Store::open(&out).unwrap();
    assert_eq!(store.architectures().unwrap().len(), 3);
    let rows = store.newest().unwrap();
    assert_eq!(rows.keys().collect::<Vec<_>>(), ["params"]);
    assert_eq!(store.scores(rows["params"].0).unwrap().len(), 3);
    assert_eq!(seeds_of(&run("other", &["--seeds", "0,1", "--seeds", "2"])), [2]);
    // Settings are keyed by name, so a name given twice has one value.
    let set = ["--set", "channels=2", "--set", "cells=1", "--set", "channels=4"];
    let shown = [&["space", "show", "nb201", ARCH][..], &set].concat();
    assert!(support::fail(&shown).1.contains("channels"), "{:?}", support::fail(&shown));
    let board = ["leaderboard", out.to_str().unwrap(), "--no-timing", "--format"];
    let board = |more: &[&str]| support::run(&[&board[..], more].concat());
    assert_eq!(board(&["json", "--format", "csv"]), board(&["csv"]));
    let twice = ["run", "--archs", "3", "--data", "noise", "--seeds", "0,0"];
    let (code, said) = support::fail(&twice);
    assert!(code == 3 && said.contains("seed 0 is given twice"), "{said}");
}

#[test]
fn a_list_of_architectures_is_narrowed_to_those_with_a_truth_where_that_is_asked() {
    let folder = tempfile::tempdir().unwrap();
    let archs = architectures(12);
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    fs::write(at("list.txt"), archs.join("\n")).unwrap();
    let file = truth(Path::new(&at("truth.csv")), &archs, |at| (at % 3 != 0).then(|| noise(at)));
    let run = |name: &str, more: &[&str]| {
        let (list, out) = (at("list.txt"), at(name));
        let mut args = vec!["run", "--archs", &list, "--out", &out, "--seeds", "0"];
        args.extend(["--estimators", "params", "--truth", file.to_str().unwrap()]);
        args.extend(["--truth-key", "arch", "--truth-column", "acc"]);
        args.extend(SMALL);
        args.extend(more);
        support::run(&args);
        Store::open(Path::new(&out)).unwrap().architectures().unwrap()
    };
    assert_eq!(run("all", &[]), archs);
    let known = archs.iter().enumerate().filter(|(at, _)| at % 3 != 0).map(|(_, arch)| arch);
    assert_eq!(run("judged", &["--judged"]), known.cloned().collect::<Vec<_>>());
}

/// Rows of one architecture differ by task, also in their parameters.
#[test]
fn a_check_of_a_space_looks_at_the_rows_that_are_meant() {
    let files = Files::new();
    let archs = architectures(20);
    let table = |tasks: &[(&str, usize)]| {
        let mut text = "arch,acc,n,task\n".to_owned();
        for (at, arch) in archs.iter().enumerate() {
            for (task, more) in tasks {
                text += &format!("{arch},{:?},{},{task}\n", noise(at), 1000 * at + more);
            }
        }
        fs::write(files.path("tasks.csv"), text).unwrap();
        let line = "space check nb201 --truth @tasks.csv --truth-key arch --truth-column acc \
                    --params-column n --flops-column n --where task=x";
        let (code, text, said) = files.output(line);
        assert_eq!(code, Some(0), "{said}");
        text.lines().find(|line| line.starts_with("params ")).unwrap().to_owned()
    };
    let alone = table(&[("x", 7)]);
    assert!(alone.contains(", the table 7"), "{alone}");
    assert_eq!(table(&[("y", 3), ("x", 7)]), alone);
}

#[test]
fn a_plan_is_of_the_whole_study_wherever_it_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let study = shards::study(folder.path());
    let out = folder.path().join("out");
    let plan = |study: &Path, more: &[&str], variables: &[(&str, &str)]| {
        let mut args = vec!["plan", "--study", study.to_str().unwrap()];
        args.extend(["--out", out.to_str().unwrap(), "--shards", "2"]);
        args.extend(more);
        let output = osee(&args).envs(variables.iter().copied()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
        let text = String::from_utf8(output.stdout).unwrap();
        text.lines().map(|line| line.trim_end().to_owned() + "\n").collect::<String>()
    };
    shards::shard(&study, &out, 1);
    let whole = plan(&study, &[], &[]);
    assert!(whole.contains("units: 80, outstanding: "), "{whole}");
    assert_eq!(plan(&out.join("shard-1-of-5/study.toml"), &[], &[]), whole);
    // The plan is asked for within a job of an array.
    let job = [("SLURM_ARRAY_TASK_ID", "1"), ("OSEE_SHARDS", "5")];
    assert_eq!(plan(&study, &[], &job), whole);
    // A run named twice counts once.
    let done = folder.path().join("done");
    support::run(&shards::run_args(&study, &done, &["--workers", "1"]));
    let from = ["--from", done.to_str().unwrap()];
    assert_eq!(plan(&study, &[&from[..], &from].concat(), &[]), plan(&study, &from, &[]));
}

#[test]
fn a_job_is_told_what_its_command_takes() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("study.toml");
    let text = "[architectures]\ncount = 2\n[training]\nimages = 64\nbatch_size = 32\n\
                [[estimators]]\nid = \"one_shot\"\n";
    fs::write(&file, text).unwrap();
    let mut args = vec!["submit", "slurm", "--study", file.to_str().unwrap(), "--shards", "2"];
    args.extend(["--dry-run", "--retry-failed", "crash", "--time-limit", "9"]);
    args.extend(["--torch-threads", "2"]);
    let said = support::run(&args);
    let commands: Vec<&str> = said.lines().filter(|line| line.contains(" --study ")).collect();
    let [train, run] = commands[..] else { panic!("{said}") };
    assert!(train.contains(" train ") && run.contains(" run "), "{said}");
    for both in ["--time-limit=9", "--torch-threads=2"] {
        assert!(train.contains(both) && run.contains(both), "{both}: {said}");
    }
    assert!(run.contains("--retry-failed=crash") && !train.contains("--retry-failed"), "{said}");
}

#[test]
fn an_analysis_that_was_asked_for_and_cannot_be_had_is_an_error_after_the_others() {
    let files = Files::new();
    let line =
        "analyze --truth @table.csv --truth-column acc --scores @table.csv --key arch --only";
    let (code, printed, said) = files.output(&format!("{line} cost,significance,trend"));
    assert_eq!(code, Some(3), "{said}");
    assert!(printed.contains("[significance]"), "{printed}");
    assert!(
        printed.contains("not here: ") && printed.contains("tables have no times"),
        "{printed}"
    );
    assert!(said.contains("tables have no times") && said.contains("; `"), "{said}");
    let (code, printed, said) = files.output(&format!("{line} significance"));
    assert!(code == Some(0) && printed.contains("[significance]"), "{said}");
    // Without --only, an analysis that is not possible is a note and not an error.
    let line = line.trim_end_matches(" --only");
    assert_eq!(files.output(line).0, Some(0));
    let (code, printed, said) = files.output("analyze @a --only noise");
    assert!(code == Some(3) && printed.contains("not here: "), "{said}");
    let help = support::run(&["--help"]);
    assert!(help.contains("an analysis that --only names"), "{help}");
}

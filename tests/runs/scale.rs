//! A study gives the same bytes in one process, with two workers, and as
//! shards in any order, some of them killed and some of them told to stop.

use crate::support;
use crate::support::shards::{bytes, run_args, shard, study, units};
use crate::support::{SMALL_TRAINING, fail, osee};
use osee_core::{
    shard::Shard,
    store::{Store, StoreError},
};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::{Duration, Instant},
};

/// Waits until a run has stored some units.
fn wait_for_units(run: &Path) {
    let start = Instant::now();
    while units(run) < 2 {
        assert!(start.elapsed() < Duration::from_secs(120), "nothing was stored");
        thread::sleep(Duration::from_millis(10));
    }
}

fn signal(name: &str, process: u32) {
    let sent = Command::new("kill").args([format!("-{name}"), process.to_string()]).status();
    assert!(sent.unwrap().success());
}

#[test]
fn one_process_two_workers_and_five_shards_come_to_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let study = study(folder.path());
    let [one, two, merged] = ["one", "two", "merged"].map(|name| folder.path().join(name));
    support::run(&run_args(&study, &one, &["--workers", "1"]));
    support::run(&run_args(&study, &two, &["--workers", "2"]));

    let part = |number| merged.join(Shard::new(number, 5).unwrap().folder());
    shard(&study, &merged, 4);
    // This shard is killed.
    let args = run_args(&study, &merged, &["--workers", "2", "--shard", "2/5"]);
    let mut child = osee(&args).spawn().unwrap();
    wait_for_units(&part(2));
    child.kill().unwrap();
    child.wait().unwrap();
    shard(&study, &merged, 1);
    // The scheduler tells this shard to stop, with a signal to the whole process group.
    let args = run_args(&study, &merged, &["--workers", "2", "--shard", "5/5"]);
    let child = osee(&args).stderr(std::process::Stdio::piped()).spawn().unwrap();
    wait_for_units(&part(5));
    for process in children_of(child.id()).into_iter().chain([child.id()]) {
        signal("TERM", process);
    }
    let stopped = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&stopped.stderr).into_owned();
    assert_eq!(stopped.status.code(), Some(9), "{said}");
    let progress = Store::open(part(5)).unwrap().progress().unwrap().unwrap();
    assert!(said.contains(&format!("{} units are outstanding", progress.outstanding)), "{said}");
    assert!(progress.outstanding > 0);
    // Work under way was finished, and did not fail.
    assert!(Store::open(part(5)).unwrap().failures().unwrap().is_empty());

    // A merge that is too early takes what there is and names what is missing.
    let out = merged.to_str().unwrap();
    let early = osee(&["merge", out]).output().unwrap();
    let said = String::from_utf8_lossy(&early.stdout).into_owned();
    assert_eq!(early.status.code(), Some(9), "{said}");
    assert!(said.contains("shard 3/5: its directory is not among those merged"), "{said}");
    assert!(said.contains("(shard 5/5)") && said.contains("units are outstanding"), "{said}");
    let (code, said) = fail(&["leaderboard", part(1).to_str().unwrap()]);
    assert!(code == 5 && said.contains("shard 1/5") && said.contains("osee-host merge"), "{said}");

    for number in [3, 5, 2] {
        shard(&study, &merged, number);
    }
    let said = support::run(&["merge", out]);
    assert!(said.contains("80 of 80 units are complete"), "{said}");
    assert_eq!(bytes(&one), bytes(&two));
    assert_eq!(bytes(&one), bytes(&merged));
    // Merged again, in another order, and into another directory.
    let said = support::run(&["merge", out]);
    assert!(said.contains(": 0 results are new"), "{said}");
    let again = folder.path().join("again");
    let parts: Vec<PathBuf> = [5, 1, 4, 3, 2].map(part).to_vec();
    let mut args = vec!["merge", again.to_str().unwrap()];
    args.extend(parts.iter().map(|part| part.to_str().unwrap()));
    support::run(&args);
    assert_eq!(bytes(&one), bytes(&again));
}

/// The ids of its workers.
fn children_of(process: u32) -> Vec<u32> {
    let file = format!("/proc/{process}/task/{process}/children");
    let text = fs::read_to_string(file).unwrap_or_default();
    text.split_whitespace().filter_map(|id| id.parse().ok()).collect()
}

#[test]
fn a_scheduler_says_which_shard() {
    let folder = tempfile::tempdir().unwrap();
    let study = study(folder.path());
    let out = folder.path().join("out");
    let mut command = osee(&run_args(&study, &out, &[]));
    let array = [("ID", "3"), ("COUNT", "4"), ("MIN", "0"), ("MAX", "3")];
    for (name, value) in array {
        command.env(format!("SLURM_ARRAY_TASK_{name}"), value);
    }
    let done = command.output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let store = Store::open(out.join("shard-4-of-4")).unwrap();
    assert_eq!(store.study().unwrap().shard, Shard::new(4, 4).unwrap());
    assert!(matches!(store.architectures(), Err(StoreError::Part { .. })));
    // A plan knows what is stored, and what is left for each shard.
    let held = store.progress().unwrap().unwrap().units;
    let plan = ["plan", "--study", study.to_str().unwrap(), "--out", out.to_str().unwrap()];
    let said = support::run(&plan);
    let counts = format!("units: 80, outstanding: {}, stored: {held}", 80 - held);
    assert!(said.contains(&counts), "{said}");
    let held = held.to_string();
    let row = |line: &str| line.split_whitespace().eq([held.as_str(), "4/4", "0"]);
    assert!(said.lines().any(row), "{said}");
    let time =
        |line: &str| line.starts_with("time: at most ") && line.contains("8 and 64 machines");
    assert!(said.lines().any(time), "{said}");
}

/// The forecast for the same study is the time its units took, and at most the sum over its
/// estimators. For other estimators it is estimated from these units, and says so.
#[test]
fn a_forecast_is_what_units_took_and_its_bound_is_said_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let study = study(folder.path());
    let [done, out] = ["done", "out"].map(|name| folder.path().join(name));
    support::run(&run_args(&study, &done, &["--workers", "1"]));
    let connection = rusqlite::Connection::open(done.join("results.sqlite")).unwrap();
    let one = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, f64>(0)).unwrap();
    let unit = one("SELECT AVG(milliseconds) FROM unit");
    let alone = "SELECT SUM(milliseconds) / 80 FROM score JOIN row ON score.row = row.id
         WHERE json_extract(key, '$.estimator.kind') <> 'meta'";
    let alone = one(alone);
    assert_eq!(one("SELECT COUNT(*) FROM unit"), 80.0);
    assert!(unit < alone, "estimators share passes: {unit} of {alone}");
    let plan = |more: &[&str]| {
        let mut args =
            run_args(&study, &out, &["--workers", "2", "--from", done.to_str().unwrap()]);
        args[0] = "plan";
        args.extend(more);
        support::run(&args)
    };
    // `N ms` or `N s` after these words, in milliseconds.
    let figure = |text: &str, after: &str| {
        let rest = text.split(after).nth(1).unwrap_or_else(|| panic!("{after}: {text}"));
        let mut words = rest.split_whitespace();
        let number: f64 = words.next().unwrap().parse().unwrap();
        let unit = words.next().unwrap().trim_end_matches([',', ';']);
        number * [("ms", 1.0), ("s", 1e3), ("min", 6e4)].iter().find(|it| it.0 == unit).unwrap().1
    };
    let close = |a: f64, b: f64| (a - b).abs() < 0.06 * b + 0.06;
    let said = plan(&[]);
    assert!(close(figure(&said, "time: about "), unit), "{unit}: {said}");
    assert!(close(figure(&said, "time: at most "), alone), "{alone}: {said}");
    let workers = "on 1, 8 and 64 machines of 2 workers ";
    let whole = figure(&said, workers);
    assert!((whole - 40.0 * unit).abs() < 0.1 * whole, "{unit}: {said}");
    assert!(said.contains("from the times of 80 units"), "{said}");
    let said = plan(&["--estimators", "snip,synflow"]);
    assert!(said.contains("80 units of other estimators"), "{said}");
    assert!(figure(&said, "time: about ") < figure(&said, "time: at most "), "{said}");
    // A run without times of units has only a bound.
    connection.execute_batch("DROP TABLE unit").unwrap();
    let said = plan(&[]);
    assert!(said.contains("no run here says what a unit takes"), "{said}");
    assert!(close(figure(&said, "time: at most "), alone), "{alone}: {said}");
}

/// A unit counts once, whichever runs have its times and however often they are named.
#[test]
fn a_forecast_counts_a_unit_once() {
    let folder = tempfile::tempdir().unwrap();
    let study = study(folder.path());
    let [out, few] = ["out", "few"].map(|name| folder.path().join(name));
    let estimators = ["--estimators", "params,l2_norm"];
    for shard in ["1/2", "2/2"] {
        support::run(&run_args(&study, &out, &[&estimators[..], &["--shard", shard]].concat()));
    }
    support::run(&["merge", out.to_str().unwrap()]);
    support::run(&run_args(&study, &few, &["--estimators", "params,synflow"]));
    // The same folder by another path.
    let again = out.join("..").join("out");
    let plan = |to: &Path, from: &[&Path]| {
        let mut args = run_args(&study, to, &estimators);
        args[0] = "plan";
        args.extend(from.iter().flat_map(|from| ["--from", from.to_str().unwrap()]));
        support::run(&args)
    };
    let figures = |text: &str| -> Vec<String> {
        text.lines().filter(|line| line.starts_with("time: ")).map(str::to_owned).collect()
    };
    let nowhere = folder.path().join("nowhere");
    let known = plan(&nowhere, &[&out]);
    assert!(known.contains("from the times of 80 units"), "{known}");
    assert_eq!(figures(&plan(&nowhere, &[&out, &out, &again])), figures(&known));
    for said in [plan(&out, &[]), plan(&out, &[&out]), plan(&out, &[&again])] {
        assert!(said.contains("from the times of 80 units"), "{said}");
    }
    // If --from names a run, what happens to lie in the run directory is not used.
    let named = plan(&few, &[&out]);
    assert!(named.contains("from the times of 80 units"), "{named}");
    let mut args = run_args(&study, &few, &["--estimators", "synflow"]);
    args[0] = "plan";
    let other = support::run(&args);
    assert!(other.contains("80 units of other estimators"), "{other}");
}

/// Sub-networks need the supernet that one process has trained; shards find it.
#[test]
fn a_one_shot_study_is_trained_once_and_evaluated_in_shards() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("study.toml");
    let study = "name = \"small\"\nseeds = [1, 2]\n[architectures]\ncount = 6";
    let rows = r#"
keep_every = 1
[[estimators]]
id = "one_shot"
name = "loss"
[[estimators]]
id = "one_shot"
name = "both"
settings = { checkpoints = 2 }
[[estimators]]
id = "params"
"#;
    fs::write(&file, [study, SMALL_TRAINING, rows].concat()).unwrap();
    let [one, out] = ["one", "out"].map(|name| folder.path().join(name));
    support::run(&run_args(&file, &one, &[]));
    let part = |number: u32| format!("{number}/3");
    let text = part(1);
    let untrained = run_args(&file, &out, &["--shard", &text]);
    let (code, said) = fail(&untrained);
    assert!(code == 9 && said.contains("not trained yet"), "{said}");
    assert!(said.contains("osee-host train"), "{said}");
    // Two shards of the trainings, as two jobs would run them.
    for shard in ["1/2", "2/2"] {
        let mut args = run_args(&file, &out, &["--shard", shard]);
        args[0] = "train";
        support::run(&args);
    }
    for number in [3, 1, 2] {
        let text = part(number);
        assert!(osee(&run_args(&file, &out, &["--shard", &text])).status().unwrap().success());
    }
    let mut args = vec!["merge".to_owned(), out.to_str().unwrap().to_owned()];
    args.extend((1..=3).map(|number| {
        out.join(Shard::new(number, 3).unwrap().folder()).to_str().unwrap().to_owned()
    }));
    support::run(&args.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(bytes(&one), bytes(&out));
}

/// Copeland's scores by definition: wins minus losses, where a win is being above the
/// other for at least half of the experts.
fn copeland(experts: &[Vec<f64>]) -> Vec<f64> {
    let wins = |i: usize, j: usize| {
        2 * experts.iter().filter(|column| column[i] > column[j]).count() >= experts.len()
    };
    let count = experts[0].len();
    let score = |i| (0..count).map(|j| f64::from(wins(i, j)) - f64::from(wins(j, i))).sum();
    (0..count).map(score).collect()
}

/// A meta estimator may judge by another, whatever their order in the study, in one process
/// or in shards, but not in a circle.
#[test]
fn votes_on_votes_come_after_those_and_the_same_of_shards() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("study.toml");
    let study = |rows: &[(&str, &str)]| {
        let mut text = "seeds = [1, 2]\n[architectures]\ncount = 20\n".to_owned();
        for (name, experts) in rows {
            text += &format!(
                "[[estimators]]\nid = \"vote\"\nname = \"{name}\"\n\
                 settings = {{ experts = \"{experts}\" }}\n"
            );
        }
        for id in ["params", "flops", "relu"] {
            text += &format!("[[estimators]]\nid = \"{id}\"\n");
        }
        fs::write(&file, text).unwrap();
    };
    study(&[
        ("outer", "inner,flops,-relu"),
        ("a_last", "outer,-inner"),
        ("inner", "params,-flops,relu"),
    ]);
    let [one, out] = ["one", "out"].map(|name| folder.path().join(name));
    support::run(&run_args(&file, &one, &[]));
    let column = |row: &str| -> Vec<f64> {
        let store = Store::open(&one).unwrap();
        let (id, _) = store.newest().unwrap()[row];
        store.scores(id).unwrap().into_iter().map(|score| score.outcome.unwrap()).collect()
    };
    let less = |row: &str| -> Vec<f64> { column(row).into_iter().map(|score| -score).collect() };
    let inner = [column("params"), less("flops"), column("relu")];
    assert_eq!(column("inner"), copeland(&inner));
    assert_eq!(column("outer"), copeland(&[column("inner"), column("flops"), less("relu")]));
    assert_eq!(column("a_last"), copeland(&[column("outer"), less("inner")]));
    assert!(column("outer").iter().any(|score| *score != 0.0));
    // The same when run again, and in shards.
    let before = bytes(&one);
    support::run(&run_args(&file, &one, &[]));
    assert_eq!(before, bytes(&one));
    for part in ["2/2", "1/2"] {
        support::run(&run_args(&file, &out, &["--shard", part]));
    }
    support::run(&["merge", out.to_str().unwrap()]);
    assert_eq!(before, bytes(&out));

    study(&[("outer", "inner,flops"), ("inner", "params,other"), ("other", "inner")]);
    let (code, said) = fail(&run_args(&file, &folder.path().join("none"), &[]));
    assert!(
        code == 3 && said.contains("in a circle: `inner` by `other` by `inner`;"),
        "{code}: {said}"
    );
    study(&[("mine", "params,mine")]);
    let (code, said) = fail(&run_args(&file, &folder.path().join("none"), &[]));
    assert!(code == 3 && said.contains("in a circle: `mine` by `mine`;"), "{code}: {said}");
    study(&[("mine", "params,missing")]);
    let (code, said) = fail(&run_args(&file, &folder.path().join("none"), &[]));
    assert!(code == 3 && said.contains("needs `missing`, which the study does not have"), "{said}");
}

/// pandas reads the Parquet file, and the documented example reproduces KD.
#[test]
fn the_example_of_the_documentation_reproduces_a_leaderboard() {
    let python = std::env::var("OSEE_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let can = Command::new(&python).args(["-c", "import pandas, pyarrow, scipy"]).output();
    if !can.is_ok_and(|output| output.status.success()) {
        support::skipped(&format!("{python} has no pandas, pyarrow and scipy"));
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let study = study(folder.path());
    let out = folder.path().join("out");
    support::run(&run_args(&study, &out, &[]));
    let dir = out.to_str().unwrap();
    let file = folder.path().join("results.parquet");
    support::run(&["export", dir, "--format", "parquet", "--out", file.to_str().unwrap()]);
    let csv = folder.path().join("results.csv");
    support::run(&["export", dir, "--out", csv.to_str().unwrap()]);
    let page = include_str!("../../docs/scale.md");
    let script = page.split("```python\n").nth(1).unwrap().split("```").next().unwrap();
    let same = "\nother = pd.read_csv('results.csv', keep_default_na=True)\n\
         pd.testing.assert_frame_equal(rows, other, check_dtype=False)\n\
         assert str(rows.seed.dtype) == 'uint64'\n";
    let output = Command::new(&python)
        .current_dir(folder.path())
        .args(["-c", &format!("{script}{same}")])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let board = support::run(&["leaderboard", dir, "--format", "csv"]);
    for line in board.lines().skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        let theirs = said.lines().find(|line| line.split(' ').next() == Some(cells[1])).unwrap();
        let kd: f64 = cells[2].parse().unwrap();
        assert!(theirs.ends_with(&format!("{kd:.6}")), "{line}: {theirs}");
    }
}

#[test]
fn every_exported_column_is_documented() {
    let page = include_str!("../../docs/scale.md");
    for (name, _) in osee_host::export::COLUMNS {
        assert!(page.contains(&format!("| `{name}` |")), "{name}");
    }
}

//! A study comes to the same bytes in one process, with two workers, and as
//! shards in any order, some of them killed and some of them told to stop.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

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
use support::{fail, osee};

/// A study file with a made-up truth; noise and thin networks.
fn study(folder: &Path) -> PathBuf {
    let table = support::run(&["space", "table", "nb201"]);
    let archs = table.lines().skip(1).map(|line| line.split(',').nth(1).unwrap_or_default());
    let archs: Vec<&str> = archs.collect();
    assert!(archs.len() > 6000);
    let truth = archs.iter().enumerate().map(|(i, arch)| format!("{arch},{}\n", i * 7919 % 1000));
    fs::write(folder.join("truth.csv"), format!("arch,acc\n{}", truth.collect::<String>()))
        .unwrap();
    let file = folder.join("study.toml");
    fs::write(
        &file,
        r#"
name = "scale"
seeds = [0, 1]
[space]
id = "nb201"
settings = { channels = 2, cells = 1, image_size = 8 }
[architectures]
count = 40
unique = true
[protocol]
preset = "paper"
batch-size = 8
[truth]
file = "truth.csv"
key = "arch"
column = "acc"
"#,
    )
    .unwrap();
    file
}

fn run_args<'a>(study: &'a Path, out: &'a Path, more: &[&'a str]) -> Vec<&'a str> {
    let mut args = vec!["run", "--study", study.to_str().unwrap(), "--out"];
    args.push(out.to_str().unwrap());
    args.extend(more);
    args
}

/// What must be the same, byte for byte.
fn bytes(out: &Path) -> Vec<Vec<u8>> {
    let said = |command, format| {
        let args = [command, out.to_str().unwrap(), "--no-timing", "--format", format];
        let output = osee(&args).output().unwrap();
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    };
    let mut all = ["table", "json", "scores-csv"].map(|it| said("leaderboard", it)).to_vec();
    all.extend(["csv", "parquet"].map(|it| said("export", it)));
    all
}

/// Runs a shard to its end.
fn shard(study: &Path, out: &Path, number: u32) {
    let text = format!("{number}/5");
    let args = run_args(study, out, &["--workers", "2", "--shard", &text]);
    let done = osee(&args).output().unwrap();
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert_eq!(done.status.code(), Some(0), "{said}");
    assert!(done.stdout.is_empty() && said.contains("osee-host merge"), "{said}");
}

fn units(run: &Path) -> u64 {
    let progress = Store::open(run).and_then(|store| store.progress());
    progress.ok().flatten().map_or(0, |progress| progress.units - progress.outstanding)
}

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
    // Killed.
    let args = run_args(&study, &merged, &["--workers", "2", "--shard", "2/5"]);
    let mut child = osee(&args).spawn().unwrap();
    wait_for_units(&part(2));
    child.kill().unwrap();
    child.wait().unwrap();
    shard(&study, &merged, 1);
    // Told to stop: by the scheduler, to the whole process group.
    let args = run_args(&study, &merged, &["--workers", "2", "--shard", "5/5"]);
    let child = osee(&args).stderr(std::process::Stdio::piped()).spawn().unwrap();
    wait_for_units(&part(5));
    for process in children_of(child.id()).into_iter().chain([child.id()]) {
        signal("TERM", process);
    }
    let stopped = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&stopped.stderr).into_owned();
    assert_eq!(stopped.status.code(), Some(9), "{said}");
    let progress = Store::open(&part(5)).unwrap().progress().unwrap().unwrap();
    assert!(said.contains(&format!("{} units are outstanding", progress.outstanding)), "{said}");
    assert!(progress.outstanding > 0);
    // What was under way was finished, not failed.
    assert!(Store::open(&part(5)).unwrap().failures().unwrap().is_empty());

    // Too early: what there is is taken, what is missing is named.
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
    // Again, in another order, from elsewhere.
    let said = support::run(&["merge", out]);
    assert!(said.contains(": 0 results are new"), "{said}");
    let again = folder.path().join("again");
    let parts: Vec<PathBuf> = [5, 1, 4, 3, 2].map(part).to_vec();
    let mut args = vec!["merge", again.to_str().unwrap()];
    args.extend(parts.iter().map(|part| part.to_str().unwrap()));
    support::run(&args);
    assert_eq!(bytes(&one), bytes(&again));
}

/// Its workers.
fn children_of(process: u32) -> Vec<u32> {
    let file = format!("/proc/{process}/task/{process}/children");
    let text = fs::read_to_string(file).unwrap_or_default();
    text.split_whitespace().filter_map(|id| id.parse().ok()).collect()
}

#[test]
fn a_shard_that_is_missing_damaged_or_of_another_plugin_is_named_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let study = study(folder.path());
    let out = folder.path().join("out");
    for number in 1..=5 {
        shard(&study, &out, number);
    }
    let part = |number| out.join(Shard::new(number, 5).unwrap().folder());
    let merge = || {
        let done = osee(&["merge", out.to_str().unwrap()]).output().unwrap();
        let text = [done.stdout, done.stderr].concat();
        (done.status.code(), String::from_utf8_lossy(&text).into_owned())
    };
    // Half copied.
    let file = part(3).join("results.sqlite");
    let whole = fs::read(&file).unwrap();
    fs::write(&file, &whole[..whole.len() / 2]).unwrap();
    let (code, said) = merge();
    assert!(code == Some(9) && said.contains("left out"), "{said}");
    assert!(said.contains("damaged or was copied in part"), "{said}");
    // Gone.
    fs::rename(part(3), folder.path().join("elsewhere")).unwrap();
    let (code, said) = merge();
    assert!(code == Some(9) && said.contains("shard 3/5: its directory"), "{said}");
    fs::rename(folder.path().join("elsewhere"), part(3)).unwrap();
    fs::write(&file, &whole).unwrap();

    // Of a node with another build of a plugin.
    let before = fs::read(out.join("results.sqlite")).unwrap();
    let connection = rusqlite::Connection::open(&file).unwrap();
    let other = "UPDATE scorer SET key = json_set(key, '$.plugin_sha256', 'other')
         WHERE json_extract(key, '$.name') = 'synflow'";
    assert_eq!(connection.execute(other, []).unwrap(), 1);
    drop(connection);
    let (code, said) = merge();
    assert_eq!(code, Some(5), "{said}");
    assert!(said.contains("`synflow` is not the same in"), "{said}");
    assert!(said.contains("plugin (its SHA-256) differs") && said.contains("shard-3-of-5"));
    assert!(said.contains("nothing was merged"), "{said}");
    assert_eq!(fs::read(out.join("results.sqlite")).unwrap(), before);
    fs::write(&file, &whole).unwrap();
    assert_eq!(merge().0, Some(0));
}

#[test]
fn two_processes_on_one_shard_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let study = study(folder.path());
    let out = folder.path().join("out");
    let args = run_args(&study, &out, &["--shard", "1/2"]);
    assert!(osee(&args).output().unwrap().status.success());
    let dir = out.join("shard-1-of-2");
    let resolved = Store::open(&dir).unwrap().study().unwrap();
    let writer = Store::for_run(&dir, &resolved).unwrap();
    let (code, said) = fail(&args);
    assert!(code == 5 && said.contains("another osee-host is writing"), "{said}");
    drop(writer);
    // The same command, when everything is there, computes nothing.
    assert!(osee(&args).output().unwrap().status.success());
    // Another partition of the same study lies beside, not in the way.
    let other = run_args(&study, &out, &["--shard", "1/3"]);
    assert!(osee(&other).output().unwrap().status.success());
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
    let store = Store::open(&out.join("shard-4-of-4")).unwrap();
    assert_eq!(store.study().unwrap().shard, Shard::new(4, 4).unwrap());
    assert!(matches!(store.plan(), Err(StoreError::Part { .. })));
}

/// Sub-networks need the supernet that one process has trained; shards find it.
#[test]
fn a_one_shot_study_is_trained_once_and_evaluated_in_shards() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("study.toml");
    let text = r#"
name = "small"
seeds = [1, 2]
[architectures]
count = 6
[training]
epochs = 2
images = 64
batch-size = 32
validation-images = 32
validation-batch-size = 32
[training.space]
channels = 2
cells = 1
image_size = 8
[[estimators]]
id = "one_shot"
name = "loss"
[[estimators]]
id = "one_shot"
name = "both"
settings = { supernets = 2 }
[[estimators]]
id = "params"
"#;
    fs::write(&file, text).unwrap();
    let [one, out] = ["one", "out"].map(|name| folder.path().join(name));
    support::run(&run_args(&file, &one, &[]));
    let part = |number: u32| format!("{number}/3");
    let text = part(1);
    let untrained = run_args(&file, &out, &["--shard", &text]);
    let (code, said) = fail(&untrained);
    assert!(code == 9 && said.contains("not trained yet"), "{said}");
    assert!(said.contains("osee-host train"), "{said}");
    // Two shards of the trainings, as two jobs would.
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

/// `limit`, then osee-host.
fn limited(limit: &str, args: &[&str]) -> (i32, String) {
    let mut command = Command::new("bash");
    command.args(["-c", &format!("{limit}; exec \"$@\""), "bash", env!("CARGO_BIN_EXE_osee-host")]);
    let plain = osee(args);
    command.args(args).envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let done = command.output().unwrap();
    (done.status.code().unwrap_or(-1), String::from_utf8_lossy(&done.stderr).into_owned())
}

#[test]
fn when_nothing_can_be_written_any_more_what_was_stored_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let study = study(folder.path());
    let [one, out] = ["one", "out"].map(|name| folder.path().join(name));
    support::run(&run_args(&study, &one, &[]));
    let args = run_args(&study, &out, &["--workers", "1"]);
    // Files of at most 300 KiB: enough for the list, not for the results.
    let (code, said) = limited("trap '' XFSZ; ulimit -f 300", &args);
    assert_eq!(code, 5, "{said}");
    assert!(said.contains("results") || said.contains("store in"), "{said}");
    let kept = units(&out);
    println!("{kept} units were stored: {said}");
    support::run(&args);
    assert_eq!(bytes(&one), bytes(&out));
}

/// Needs root, for a file system that is full soon.
#[test]
fn a_full_disk_is_named_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let study = study(folder.path());
    let [one, small] = ["one", "small"].map(|name| folder.path().join(name));
    fs::create_dir(&small).unwrap();
    let mount = |options: &str| {
        let args = ["-t", "tmpfs", "-o", options, "osee", small.to_str().unwrap()];
        Command::new("mount").args(args).output().is_ok_and(|output| output.status.success())
    };
    if !mount("size=400k") {
        println!("skipped: a file system cannot be mounted");
        return;
    }
    let _unmounted = Unmount(small.clone());
    support::run(&run_args(&study, &one, &[]));
    let out = small.join("out");
    let args = run_args(&study, &out, &["--workers", "1"]);
    let (code, said) = fail(&args);
    assert!(code == 5 && said.contains("no room is left"), "{code}: {said}");
    println!("{} units were stored: {said}", units(&out));
    assert!(mount("remount,size=20m"));
    support::run(&args);
    assert_eq!(bytes(&one), bytes(&out));
}

struct Unmount(PathBuf);

impl Drop for Unmount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

#[test]
fn output_that_cannot_be_written_is_named() {
    // Nobody, root neither, makes a folder there.
    let out = Path::new("/proc/osee/out");
    let folder = tempfile::tempdir().unwrap();
    let study = study(folder.path());
    let (code, said) = fail(&run_args(&study, out, &["--shard", "1/2"]));
    assert!(code == 5 && said.contains("cannot write to /proc/osee/out/shard-1-of-2"), "{said}");
    let shards = folder.path().join("shards");
    shard(&study, &shards, 1);
    let part = shards.join("shard-1-of-5");
    let (code, said) = fail(&["merge", out.to_str().unwrap(), part.to_str().unwrap()]);
    assert!(code == 5 && said.contains("cannot write to /proc/osee/out"), "{said}");
}

/// pandas reads the Parquet file, and the documented example reproduces KD.
#[test]
fn the_example_of_the_documentation_reproduces_a_leaderboard() {
    let python = std::env::var("OSEE_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let can = Command::new(&python).args(["-c", "import pandas, pyarrow, scipy"]).output();
    if !can.is_ok_and(|output| output.status.success()) {
        println!("skipped: {python} has no pandas, pyarrow and scipy");
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
    let page = include_str!("../host/docs/scale.md");
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
        assert!(theirs.ends_with(cells[2]), "{line}: {theirs}");
    }
}

#[test]
fn every_exported_column_is_documented() {
    let page = include_str!("../host/docs/scale.md");
    for (name, _) in osee_host::export::COLUMNS {
        assert!(page.contains(&format!("| `{name}` |")), "{name}");
    }
}

//! The effect of limits, signals and suspensions on a run: none of them is a verdict
//! on an estimator.

use crate::support;
use crate::support::{SMALL, fixture, osee};
use osee_core::store::{Score, Store};
use osee_model::estimator::FailureKind;
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

/// A study of the patient estimator beside two others, and its run directory.
struct Study {
    folder: tempfile::TempDir,
    archs: &'static str,
}

impl Study {
    fn new(archs: &'static str, seconds: f64, listens: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let plugin = fixture("cancellation");
        let text = format!(
            "plugins = [{plugin:?}]\nseeds = [0]\n[[estimators]]\nid = \"params\"\n\
             [[estimators]]\nid = \"patient\"\n\
             settings = {{ seconds = {seconds:?}, listens = {listens}, layers = 0 }}\n\
             [[estimators]]\nid = \"synflow\"\n"
        );
        fs::write(folder.path().join("study.toml"), text).unwrap();
        Self { folder, archs }
    }

    fn out(&self) -> PathBuf {
        self.folder.path().join("out")
    }

    fn command(&self, more: &[&str]) -> Command {
        let file = self.folder.path().join("study.toml");
        let out = self.out();
        let mut args = vec!["run", "--study", file.to_str().unwrap()];
        args.extend(["--out", out.to_str().unwrap(), "--archs", self.archs]);
        args.extend(SMALL);
        args.extend(["--workers", "1", "--allow-unpinned"]);
        args.extend(more);
        osee(&args)
    }

    /// Runs the study. Returns the exit code and standard error.
    fn run(&self, more: &[&str]) -> (Option<i32>, String) {
        said(self.command(more).output().unwrap())
    }

    fn start(&self, more: &[&str]) -> Child {
        self.command(more).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    fn scores(&self, name: &str) -> Vec<Score> {
        let store = Store::open(self.out()).unwrap();
        let (id, _) = store.newest().unwrap()[name];
        store.scores(id).unwrap()
    }

    fn failures(&self) -> Vec<FailureKind> {
        let all = self.scores("patient").into_iter();
        all.filter_map(|it| it.outcome.err()).map(|it| it.kind).collect()
    }

    /// Output of the worker.
    fn log(&self) -> String {
        fs::read_to_string(self.out().join("worker-0.log")).unwrap_or_default()
    }

    /// Ids of the processes in which the estimator was started.
    fn begun(&self) -> Vec<u32> {
        let log = self.log();
        // The last line may be incomplete.
        let lines = log.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n'));
        let lines = lines.filter_map(|line| line.strip_prefix("begun by process "));
        lines.map(|id| id.parse().unwrap()).collect()
    }

    /// Waits until it was started `times` times. Returns the last process's id.
    fn wait(&self, times: usize) -> u32 {
        until("the estimator is begun", || self.begun().get(times - 1).copied())
    }
}

fn said(output: Output) -> (Option<i32>, String) {
    let text = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8_lossy(&text).into_owned())
}

fn until<T>(what: &str, mut found: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = found() {
            return found;
        }
        assert!(start.elapsed() < Duration::from_secs(120), "waited in vain: {what}");
        thread::sleep(Duration::from_millis(2));
    }
}

fn signal(name: &str, process: u32) {
    let sent = Command::new("kill").args([format!("-{name}"), process.to_string()]).status();
    assert!(sent.unwrap().success());
}

const HOUR: f64 = 3600.0;

#[test]
fn an_estimator_over_its_limit_is_told_and_its_worker_lives_if_it_listens() {
    for listens in [true, false] {
        let study = Study::new("3", HOUR, listens);
        let (code, text) = study.run(&["--time-limit", "1"]);
        assert_eq!(code, Some(8), "{text}");
        assert!(text.contains("no score after 1 s; --time-limit allows more"), "{text}");
        assert_eq!(study.failures(), [FailureKind::Timeout; 3]);
        let mut workers = study.begun();
        let told = study.log().matches("told to stop").count();
        workers.dedup();
        let expected = if listens { (1, 3) } else { (3, 0) };
        assert_eq!((workers.len(), told), expected, "{}", study.log());
        // The time that was spent on a score is stored with it.
        for score in study.scores("patient") {
            let spent = score.milliseconds;
            assert!(spent > 1000.0 && spent < 60_000.0, "{spent}");
        }
        assert!(study.scores("synflow").iter().all(|it| it.outcome.is_ok()));
    }
}

#[test]
fn a_stopped_run_leaves_what_listens_as_if_it_had_not_been_begun() {
    for isolation in ["process", "none"] {
        let study = Study::new("3", HOUR, true);
        // Without a worker the estimator prints to the host's standard error.
        let file = study.folder.path().join("said");
        let heard = || study.log() + &fs::read_to_string(&file).unwrap();
        let mut host = study
            .command(&["--isolation", isolation])
            .stderr(fs::File::create(&file).unwrap())
            .spawn()
            .unwrap();
        until("the estimator is begun", || heard().contains("begun by").then_some(()));
        signal("TERM", host.id());
        let code = host.wait().unwrap().code();
        let text = heard();
        assert_eq!(code, Some(9), "{text}");
        assert!(text.contains("3 units are outstanding"), "{text}");
        assert!(study.scores("patient").is_empty() && study.scores("params").is_empty());
        assert_eq!(text.matches("told to stop").count(), 1, "{text}");
    }
}

/// A meta estimator cannot be asked to return: it is killed, and none of its vote is kept.
#[test]
fn a_stopped_run_does_not_wait_for_a_vote() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let text = format!(
        "plugins = [{:?}]\nseeds = [0]\n[[estimators]]\nid = \"params\"\n[[estimators]]\n\
         id = \"judge\"\nsettings = {{ mode = \"hang\" }}\n",
        fixture("in_host")
    );
    fs::write(at("study.toml"), text).unwrap();
    let (study, out) = (at("study.toml"), at("out"));
    let command = |limit: &str| {
        let mut args = vec!["run", "--study", study.to_str().unwrap(), "--archs", "4", "--out"];
        args.push(out.to_str().unwrap());
        args.extend(SMALL);
        args.extend(["--workers", "1", "--allow-unpinned", "--time-limit", limit]);
        osee(&args)
    };
    let mut host = command("600");
    let host = host.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let log = out.join("worker-meta.log");
    let judged = || fs::read_to_string(&log).is_ok_and(|text| text.contains("judge scores"));
    until("it votes", || judged().then_some(()));
    let start = Instant::now();
    signal("TERM", host.id());
    let (code, text) = said(host.wait_with_output().unwrap());
    assert_eq!(code, Some(9), "{text}");
    assert!(text.contains("all units are stored") && text.contains("the same command"), "{text}");
    assert!(start.elapsed() < Duration::from_secs(60), "{:?}", start.elapsed());
    let count = |name: &str| {
        let store = Store::open(&out).unwrap();
        let id = store.newest().unwrap()[name].0;
        store.scores(id).unwrap().len()
    };
    assert_eq!((count("params"), count("judge")), (4, 0));
    // The same command resumes with it, under its own limit.
    let (code, text) = said(command("1").output().unwrap());
    assert_eq!(code, Some(8), "{text}");
    assert!(text.contains("4 x timeout, such as: no score after 1 s"), "{text}");
    assert_eq!(count("judge"), 4);
}

#[test]
fn failures_by_a_limit_are_tried_again_when_it_is_wider() {
    let study = Study::new("5", 1.0, true);
    let (code, text) = study.run(&["--time-limit", "0.3"]);
    assert_eq!(code, Some(8), "{text}");
    // After three time-outs in a row, the other two were not tried and have the same reason.
    assert_eq!(study.failures(), [FailureKind::Timeout; 5]);
    assert_eq!(study.begun().len(), 3);
    let others = study.scores("synflow");
    // Under the same limit there is nothing to do.
    assert_eq!(study.run(&["--time-limit", "0.3"]).0, Some(8));
    assert_eq!(study.begun().len(), 3);
    let plan = |limit: &str| {
        let mut command = study.command(&["--time-limit", limit]);
        let args: Vec<_> = command.get_args().skip(1).map(ToOwned::to_owned).collect();
        command = osee(&["plan"]);
        said(command.args(args).output().unwrap()).1
    };
    assert!(plan("0.3").contains("units: 5, outstanding: 0"), "{}", plan("0.3"));
    assert!(plan("60").contains("units: 5, outstanding: 5"), "{}", plan("60"));
    let (code, text) = study.run(&["--time-limit", "60"]);
    assert_eq!(code, Some(0), "{text}");
    assert!(study.failures().is_empty() && study.begun().len() == 8, "{}", study.log());
    assert_eq!(study.scores("synflow"), others, "what had a score was not computed again");
    let (code, text) = study.run(&["--time-limit", "0.3"]);
    assert_eq!((code, study.begun().len()), (Some(0), 8), "{text}");
}

#[test]
fn other_failures_are_tried_again_when_the_user_asks() {
    let study = Study::new("3", 0.0, false);
    let (code, text) = said(study.command(&[]).env("OSEE_TEST_PANIC", "1").output().unwrap());
    assert_eq!((code, study.failures()), (Some(8), vec![FailureKind::Panic; 3]), "{text}");
    for flags in [&[][..], &["--retry-failed", "crash,timeout"]] {
        assert_eq!(study.run(flags).0, Some(8));
        assert_eq!(study.begun().len(), 3, "{flags:?}");
    }
    let (code, text) = study.run(&["--retry-failed", "crush"]);
    assert!(
        code == Some(2) && text.contains("not-finite, error, panic, crash, timeout, device"),
        "{text}"
    );
    // Without a kind, all failures that are faults are tried again.
    let (code, text) = study.run(&["--retry-failed"]);
    assert_eq!((code, study.failures().len()), (Some(0), 0), "{text}");
    assert_eq!(study.begun().len(), 6);
}

#[test]
fn time_does_not_count_while_a_job_is_suspended() {
    let study = Study::new("2", 1.0, false);
    let host = study.start(&["--time-limit", "4"]);
    // A scheduler suspends every process of a job.
    let all = [host.id(), study.wait(1)];
    all.iter().for_each(|process| signal("STOP", *process));
    thread::sleep(Duration::from_secs(8));
    all.iter().for_each(|process| signal("CONT", *process));
    // Only the worker is suspended.
    let worker = study.wait(2);
    signal("STOP", worker);
    thread::sleep(Duration::from_secs(8));
    signal("CONT", worker);
    let (code, text) = said(host.wait_with_output().unwrap());
    assert_eq!(code, Some(0), "{text}");
    assert!(study.failures().is_empty() && study.begun().len() == 2, "{}", study.log());
}

#[test]
fn the_check_finds_an_estimator_that_does_not_listen() {
    let plugin = fixture("cancellation");
    let args = ["plugin", "check", plugin.to_str().unwrap(), "--allow-unpinned"];
    let (code, text) = said(osee(&args).output().unwrap());
    assert_eq!(code, Some(4), "{text}");
    assert!(text.contains("it returns when it is told to stop ... FAILED\n    it took "), "{text}");
    assert!(text.contains("look at network.cancelled() in long loops"), "{text}");
    assert!(text.contains("\n1 checks failed, of 1 of 1 exports: patient\n"), "{text}");
}

/// `Some` once a process handles a signal.
fn handles(signal: u32, process: u32) -> Option<()> {
    let text = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let mask = text.lines().find_map(|line| line.strip_prefix("SigCgt:"))?;
    let mask = u64::from_str_radix(mask.trim(), 16).ok()?;
    (mask >> (signal - 1) & 1 == 1).then_some(())
}

/// Starts a command and sends it SIGTERM as soon as it handles the signal.
fn terminate(mut command: Command) -> (Option<i32>, String) {
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    until("SIGTERM is handled", || handles(15, child.id()));
    signal("TERM", child.id());
    said(child.wait_with_output().unwrap())
}

#[test]
fn a_closed_terminal_stops_a_run_and_nohup_keeps_it() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out").to_str().unwrap().to_owned();
    let many = ["run", "--archs", "500", "--estimators", "params", "--seeds", "0", "--out", &out];
    let many = [&many[..], &SMALL].concat();
    // Whatever started these tests: start it as a terminal does, and as `nohup` does.
    let start = |disposition: &str| {
        let plain = osee(&[]);
        let mut command = Command::new("env");
        command.args([disposition, crate::support::program()]).args(&many);
        command.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    };
    let child = start("--default-signal=HUP");
    until("SIGHUP is handled", || handles(1, child.id()));
    signal("HUP", child.id());
    let (code, text) = said(child.wait_with_output().unwrap());
    assert!(code == Some(9) && text.contains("stopped"), "{code:?} {text}");
    let child = start("--ignore-signal=HUP");
    until("SIGTERM is handled", || handles(15, child.id()));
    signal("HUP", child.id());
    let (code, text) = said(child.wait_with_output().unwrap());
    assert_eq!(code, Some(0), "{text}");
}

#[test]
fn told_to_stop_in_its_first_moment_a_command_has_not_begun() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    fs::write(
        at("bench.toml"),
        "name = \"test\"\nseeds = [0]\ndata = \"digits\"\n\
         [space]\nid = \"nb201\"\nsettings = { channels = 2, cells = 1, image_size = 8 }\n\
         [architectures]\ncount = 2\n[training]\nepochs = 2\nimages = 200\nvalidation_images = 100\n",
    )
    .unwrap();
    let begun = "stopped before anything started";
    let out = at("out");
    let (code, text) = terminate(osee(&["run", "--archs", "500", "--out", &out]));
    assert!(code == Some(9) && text.contains(begun), "{code:?} {text}");
    let train = ["train", "--estimators", "one_shot", "--archs", "500", "--out", &out];
    let (code, text) = terminate(osee(&train));
    assert!(code == Some(9) && text.contains(begun), "{code:?} {text}");
    assert!(!Path::new(&out).exists());
    let (study, trained) = (at("bench.toml"), at("trained"));
    let build = ["bench", "build", "--study", &study, "--out", &trained];
    let (code, text) = terminate(osee(&build));
    assert!(code == Some(9) && text.contains("stopped"), "{code:?} {text}");
    // The same command starts or resumes the trainings.
    support::run(&build);
    // Enough parts that the merge is still running when it is told to stop.
    let mut args = vec!["run", "--archs", "3", "--seeds", "0", "--estimators", "params", "--out"];
    args.extend([out.as_str()]);
    args.extend(SMALL);
    support::run(&args);
    let merged = at("merged");
    let mut args = vec!["merge", merged.as_str()];
    args.extend(vec![out.as_str(); 500]);
    let (code, text) = terminate(osee(&args));
    assert_eq!(code, Some(9), "{text}");
}

/// A child that runs a plugin's code handles signals only once it has started.
#[test]
fn told_to_stop_at_any_time_a_command_with_a_plugin_ends_with_9() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let plugin = fixture("in_host").to_str().unwrap().to_owned();
    fs::write(
        at("bench.toml"),
        "data = \"digits\"\n[space]\nid = \"shaky\"\n[architectures]\n[training]\n\
         epochs = 1000\nimages = 200\nvalidation_images = 100\n",
    )
    .unwrap();
    let (study, out) = (at("bench.toml"), at("out"));
    let own = ["--plugin", &plugin, "--allow-unpinned", "--workers", "1", "--out", &out];
    let run = ["run", "--archs", "500", "--estimators", "chatty,grad_norm", "--data", "noise"];
    let build = ["bench", "build", "--study", &study];
    for command in [&run[..], &build] {
        for milliseconds in [0, 50, 150, 300, 500, 700, 900] {
            let mut child = osee(&[command, &own].concat());
            let child = child.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
            until("SIGTERM is handled", || handles(15, child.id()));
            thread::sleep(Duration::from_millis(milliseconds));
            signal("TERM", child.id());
            let (code, text) = said(child.wait_with_output().unwrap());
            assert_eq!(code, Some(9), "{command:?} after {milliseconds} ms: {text}");
            assert!(text.contains("stopped"), "{text}");
        }
    }
}

/// A space cannot be asked to return.
#[test]
fn told_to_stop_while_a_space_hangs_a_command_ends_with_9() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let (out, heard) = (at("out"), at("heard"));
    let plugin = fixture("in_host");
    let mut args = vec!["run", "--space", "shaky", "--plugin", plugin.to_str().unwrap()];
    args.extend(["--allow-unpinned", "--data", "noise", "--unique", "--archs", "9"]);
    args.extend(["--out", out.to_str().unwrap()]);
    for call in ["canonical", "graph"] {
        let mut host = osee(&args);
        host.env("OSEE_TEST_SHAKY", format!("{call}~")).stdout(Stdio::null());
        let mut host = host.stderr(fs::File::create(&heard).unwrap()).spawn().unwrap();
        let text = || fs::read_to_string(&heard).unwrap();
        until("it hangs", || text().contains(&format!("shaky {call}\n")).then_some(()));
        let start = Instant::now();
        signal("TERM", host.id());
        assert_eq!(host.wait().unwrap().code(), Some(9), "{}", text());
        let words = format!("stopped in plugin code: search space `shaky`, {call} of ");
        assert!(text().contains(&words), "{}", text());
        assert!(start.elapsed() < Duration::from_secs(30), "{:?}", start.elapsed());
    }
}

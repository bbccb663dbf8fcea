//! A plugin that goes wrong loses its own scores and no others.

use crate::support;
use crate::support::{SMALL, columns, fixture, osee, run, run_study};
use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    process::{Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

/// Bundled estimators, at least one of each library.
const OTHERS: [&str; 8] =
    ["params", "grad_norm", "snip", "grasp", "fisher", "synflow", "relu_logdet", "jacob_cov"];

/// Runs the study, with the fixture in this mode scored before the others.
/// Returns its output and its run directory.
fn study(folder: &Path, mode: Option<&str>) -> (Output, String) {
    let mut text = "plugins = []\nseeds = [0]\n".to_owned();
    if let Some(mode) = mode {
        text = format!("plugins = [{:?}]\nseeds = [0]\n", fixture("misbehaving"));
        text +=
            &format!("[[estimators]]\nid = \"misbehaving\"\nsettings = {{ mode = {mode:?} }}\n");
    }
    for id in OTHERS {
        text += &format!("[[estimators]]\nid = {id:?}\n");
    }
    let mut args = SMALL.to_vec();
    args.extend(["--archs", "3", "--workers", "1", "--allow-unpinned"]);
    args.extend(["--time-limit", "4", "--memory-limit", "900"]);
    run_study(folder, mode.unwrap_or("without"), &text, &args)
}

/// Checks that a run in this `mode` ended as it should: standard error has the
/// `words`, if the mode does harm, and every row but the culprit's is as `expected`.
/// Returns the culprit's scores.
fn costs_its_row(
    (mode, words): (&str, &str),
    (ended, out): &(Output, String),
    culprit: &str,
    expected: &BTreeMap<String, Vec<String>>,
) -> Vec<String> {
    let said = String::from_utf8_lossy(&ended.stderr);
    let code = if words.is_empty() { 0 } else { 8 };
    assert_eq!(ended.status.code(), Some(code), "{mode}: {said}");
    assert!(said.contains(words), "{mode}: {said}");
    // libtorch's C++ frames would hide the cause.
    assert!(!said.contains("frame #"), "{mode}: {said}");
    let mut found = columns(out);
    let own = found.remove(culprit).unwrap();
    assert_eq!(found, *expected, "{mode}");
    own
}

#[test]
fn every_way_to_go_wrong_costs_only_the_culprit() {
    let folder = tempfile::tempdir().unwrap();
    let (without, out) = study(folder.path(), None);
    assert!(without.status.success(), "{without:?}");
    let expected = columns(&out);
    // Each mode with what standard error must say of it; empty if it does no harm.
    let modes = [
        ("behave", ""),
        ("panic", "3 x panic, such as: as asked at"),
        ("panic-in-no-grad", "3 x panic, such as: without gradients"),
        ("segfault", "SIGSEGV (segmentation fault); its last lines: about to read address 8"),
        ("abort", "SIGABRT (abort)"),
        ("exit", "exit code 3"),
        ("hang", "no score after 4 s; --time-limit allows more"),
        ("eat-memory", "held more than 900 MiB; --memory-limit allows more"),
        ("nan", "3 x not-finite, such as: the score is NaN"),
        ("infinity", "3 x not-finite, such as: the score is -inf"),
        ("chatter", ""),
        ("leave-state", ""),
        ("leave-thread", ""),
        ("overwrite", "it changed loss_gradients, which others use, in place"),
        ("misuse-autograd", "the output does not require grad"),
        (
            "device-fault",
            "3 x device, such as: the device failed; its last lines: CUDA error: device-side assert",
        ),
        ("bad-index", "index out of range in self"),
        ("huge-tensor", "can't allocate memory"),
    ];
    for (mode, words) in modes {
        let run = study(folder.path(), Some(mode));
        let own = costs_its_row((mode, words), &run, "misbehaving", &expected);
        assert!(own.iter().all(|score| score.is_empty() != words.is_empty()), "{mode}: {own:?}");
        for entry in fs::read_dir(&run.1).unwrap().flatten() {
            let size = entry.metadata().unwrap().len();
            assert!(size < 4 << 20, "{mode}: {} has {size} bytes", entry.path().display());
        }
    }
}

#[test]
fn an_estimator_may_use_autograd_itself() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out").to_str().unwrap().to_owned();
    let plugin = fixture("own_autograd").to_str().unwrap().to_owned();
    let mut args = vec!["run", "--plugin", &plugin, "--allow-unpinned", "--out", &out];
    // Enough images and channels for a meaningful Hessian.
    args.extend(support::small_with(&["--batch-size", "16", "--set", "channels=4"]));
    args.extend(["--archs", "6", "--seeds", "0", "--estimators", "frees,own_grasp,grasp,snip"]);
    run(&args);
    let columns = columns(&out);
    for (own, bundled) in columns["own_grasp"].iter().zip(&columns["grasp"]) {
        let [own, bundled] = [own, bundled].map(|text| text.parse::<f64>().unwrap());
        assert!((own - bundled).abs() <= 1e-2 * bundled.abs() + 1e-6, "{own} {bundled}");
    }
    assert!(columns["snip"].iter().all(|score| !score.is_empty()));
}

/// Runs the fixture's meta estimator in this mode beside other rows.
fn judged(folder: &Path, mode: Option<&str>) -> (Output, String) {
    let mut text = format!("plugins = [{:?}]\nseeds = [0]\n", fixture("in_host"));
    text += "[[estimators]]\nid = \"params\"\n[[estimators]]\nid = \"synflow\"\n";
    if let Some(mode) = mode {
        text += &format!("[[estimators]]\nid = \"judge\"\nsettings = {{ mode = {mode:?} }}\n");
    }
    let mut args = SMALL.to_vec();
    args.extend(["--archs", "4", "--workers", "1", "--allow-unpinned", "--time-limit", "4"]);
    run_study(folder, mode.unwrap_or("without"), &text, &args)
}

#[test]
fn a_meta_estimator_that_goes_wrong_costs_its_own_row() {
    let folder = tempfile::tempdir().unwrap();
    let (without, out) = judged(folder.path(), None);
    assert!(without.status.success(), "{without:?}");
    let expected = columns(&out);
    let modes = [
        ("behave", ""),
        ("segfault", "4 x crash, such as: the worker was ended by SIGSEGV"),
        ("abort", "SIGABRT"),
        ("exit", "4 x crash, such as: the worker ended with exit code 0"),
        ("panic", "4 x panic, such as: as asked at"),
        ("error", "4 x error, such as: it says why"),
        ("hang", "4 x timeout, such as: no score after 4 s; --time-limit allows more"),
        ("short", "scores gave 1 scores, expected 4"),
        ("nan", "4 x not-finite, such as: the score is NaN"),
    ];
    for (mode, words) in modes {
        let run = judged(folder.path(), Some(mode));
        let own = costs_its_row((mode, words), &run, "judge", &expected);
        match words {
            // Without harm it returns the scores of its expert.
            "" => assert_eq!(own, expected["params"]),
            _ => assert!(own.iter().all(String::is_empty), "{mode}: {own:?}"),
        }
    }
}

#[test]
fn code_of_a_plugin_that_ends_the_host_is_named_with_its_call() {
    let folder = tempfile::tempdir().unwrap();
    let plugin = fixture("in_host").to_str().unwrap().to_owned();
    let out = folder.path().join("out");
    let shaky = |args: &[&str], call: &str| {
        let all = [args, &["--plugin", &plugin, "--allow-unpinned"]].concat();
        osee(&all).env("OSEE_TEST_SHAKY", call).output().unwrap()
    };
    let run = ["run", "--space", "shaky", "--archs", "9", "--estimators", "params", "--seeds", "0"];
    let run = [&run[..], &["--data", "noise", "--out", out.to_str().unwrap()]].concat();
    let done = shaky(&run, "");
    assert!(done.status.success(), "{done:?}");
    let stored = fs::read(out.join("results.sqlite")).unwrap();
    let calls = [
        ("new", "`shaky`, making it", "SIGSEGV"),
        ("architecture", "search space `shaky`, architecture of 0", "SIGSEGV"),
        ("graph", "search space `shaky`, graph of 1", "SIGSEGV"),
        ("graph!", "search space `shaky`, graph of 1", "exit code 0"),
    ];
    for (call, words, how) in calls {
        let ended = shaky(&run, call);
        let said = String::from_utf8_lossy(&ended.stderr);
        assert_eq!(ended.status.code(), Some(4), "{call}: {said}");
        assert!(said.contains(words) && said.contains(how), "{call}: {said}");
        assert!(said.contains("what was stored before is kept"), "{said}");
        assert_eq!(fs::read(out.join("results.sqlite")).unwrap(), stored, "{call}");
    }
    // This holds for other commands and for other kinds of export.
    let ended = shaky(&["space", "show", "shaky", "3"], "graph");
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.code() == Some(4) && said.contains("graph of 3"), "{said}");
    let (ended, _) = judged(folder.path(), Some("segfault-in-needs"));
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.code() == Some(4), "{said}");
    assert!(said.contains("estimator `judge`, needs") && said.contains("SIGSEGV"), "{said}");
    // The same run, after the plugin has been repaired.
    assert!(shaky(&run, "").status.success());
    // A merge calls the plugin too, which it finds in the study.
    let out = folder.path().join("shards").to_str().unwrap().to_owned();
    let run = ["run", "--archs", "9", "--seeds", "0", "--estimators", "params,judge", "--data"];
    for shard in ["1/2", "2/2"] {
        let part = [&run[..], &["noise", "--out", &out, "--shard", shard]].concat();
        assert!(shaky(&part, "").status.success());
    }
    // A merge accepts a pinned plugin.
    let pinned = osee(&["plugin", "trust", &plugin]).current_dir(folder.path()).output().unwrap();
    assert!(pinned.status.success(), "{}", String::from_utf8_lossy(&pinned.stderr));
    for (call, how) in [("needs", "SIGSEGV"), ("needs~", "no answer after 2 s")] {
        let mut command = osee(&["merge", &out]);
        command.env("OSEE_TEST_SHAKY", call).env("OSEE_CALL_SECONDS", "2");
        let ended = command.current_dir(folder.path()).output().unwrap();
        let said = String::from_utf8_lossy(&ended.stderr);
        assert_eq!(ended.status.code(), Some(4), "{call}: {said}");
        assert!(said.contains("estimator `judge`, needs") && said.contains(how), "{call}: {said}");
    }
    let done = osee(&["merge", &out]).current_dir(folder.path()).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

/// Calls made before any worker runs have limits, too.
#[test]
fn a_space_that_hangs_or_takes_all_memory_is_ended_and_named() {
    let folder = tempfile::tempdir().unwrap();
    let plugin = fixture("in_host").to_str().unwrap().to_owned();
    let out = folder.path().join("out");
    let own = ["--plugin", &plugin, "--allow-unpinned"];
    let run = ["run", "--space", "shaky", "--archs", "9", "--estimators", "params", "--seeds", "0"];
    let run = [&run[..], &["--data", "noise", "--out", out.to_str().unwrap()], &own].concat();
    let show = [&["space", "show", "shaky", "3"], &own[..]].concat();
    let groups = [&["space", "groups", "shaky"], &own[..]].concat();
    let time = ("OSEE_CALL_SECONDS", "2", "no answer after 2 s");
    let memory = ("OSEE_CALL_MIB", "1500", "the program held more than 1500 MiB");
    for (args, call, words, (variable, most, limit)) in [
        (&run, "architecture~", "search space `shaky`, architecture of 0", time),
        (&run, "graph~", "search space `shaky`, graph of 1", time),
        (&run, "new~", "`shaky`, making it", time),
        (&show, "canonical~", "search space `shaky`, canonical of 3", time),
        (&groups, "canonical~", "search space `shaky`, canonical of ", time),
        (&run, "graph+", "search space `shaky`, graph of 1", memory),
    ] {
        let start = Instant::now();
        let ended = osee(args).env("OSEE_TEST_SHAKY", call).env(variable, most).output().unwrap();
        let said = String::from_utf8_lossy(&ended.stderr);
        assert_eq!(ended.status.code(), Some(4), "{call}: {said}");
        assert!(said.contains(limit) && said.contains(words), "{call}: {said}");
        assert!(said.contains(&format!("{variable} gives it more")), "{call}: {said}");
        assert!(start.elapsed() < Duration::from_secs(100), "{call}");
    }
    let wrong = osee(&show).env("OSEE_CALL_SECONDS", "soon").output().unwrap();
    let said = String::from_utf8_lossy(&wrong.stderr);
    assert!(wrong.status.code() == Some(2) && said.contains("OSEE_CALL_SECONDS=soon"), "{said}");
    // A space that keeps within the limits gets its answers through.
    assert!(osee(&run).env("OSEE_CALL_SECONDS", "2").output().unwrap().status.success());
}

#[test]
fn what_a_plugin_prints_is_not_what_a_command_prints() {
    let folder = tempfile::tempdir().unwrap();
    let plugin = fixture("in_host").to_str().unwrap().to_owned();
    let output = |args: &[&str]| {
        let all = [args, &["--plugin", &plugin, "--allow-unpinned"]].concat();
        let output = osee(&all).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code(), text(output.stdout), text(output.stderr))
    };
    let out = folder.path().join("out").to_str().unwrap().to_owned();
    let run = ["run", "--space", "shaky", "--archs", "9", "--seeds", "0", "--data", "noise"];
    let estimators = ["--estimators", "params,chatty,judge", "--format", "json", "--out", &out];
    let (code, said, news) = output(&[&run[..], &estimators].concat());
    assert_eq!(code, Some(0), "{news}");
    let board: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert!(board.is_object(), "{board}");
    for line in ["shaky graph", "chatty new", "judge new"] {
        assert!(news.contains(&format!("libin_host.so: {line}\n")), "{line}: {news}");
    }
    let (code, table, _) = output(&["space", "table", "shaky"]);
    assert_eq!(code, Some(0));
    assert_eq!(table.lines().count(), 10, "a heading and nine rows: {table}");
    // The verdict of `plugin check` is on standard output, although a child prints it.
    let check = osee(&["plugin", "check", &plugin, "--allow-unpinned"]).output().unwrap();
    let said = String::from_utf8(check.stdout).unwrap();
    assert!(said.contains("it loads") && said.contains("chatty\n"), "{said}");
    assert!(!said.contains("chatty new") && !said.contains("shaky graph"), "{said}");
    let named = |news: &str, lines: &[&str]| {
        for line in lines {
            assert!(news.contains(&format!("libin_host.so: {line}\n")), "{line}: {news}");
            assert!(!news.contains(&format!("\n{line}\n")), "{line}: {news}");
        }
    };
    named(&String::from_utf8(check.stderr).unwrap(), &["chatty new", "chatty score", "judge new"]);
    // The same holds without child processes, where this one must tell the lines apart.
    let here = ["plugin", "check", &plugin, "--allow-unpinned", "--here"];
    let here = osee(&here).output().unwrap();
    assert!(!String::from_utf8(here.stdout).unwrap().contains("chatty new"));
    named(&String::from_utf8(here.stderr).unwrap(), &["chatty new", "judge scores"]);
    let alone = folder.path().join("alone").to_str().unwrap().to_owned();
    let estimators = ["--estimators", "params,chatty,judge", "--format", "json"];
    let none = ["--isolation", "none", "--out", &alone];
    let (code, said, news) = output(&[&run[..], &estimators, &none].concat());
    assert_eq!(code, Some(0), "{news}");
    let other: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!(other["rows"].as_array().unwrap().len(), 3, "{other}");
    named(&news, &["shaky graph", "chatty new", "chatty score", "judge new", "judge scores"]);
}

#[test]
fn signals_reach_a_command_that_loads_a_plugin() {
    let folder = tempfile::tempdir().unwrap();
    let plugin = fixture("in_host").to_str().unwrap().to_owned();
    let out = folder.path().join("out");
    let mut args = vec!["run", "--plugin", &plugin, "--allow-unpinned", "--archs", "300"];
    args.extend(SMALL);
    args.extend(["--seeds", "0", "--estimators", "chatty,grad_norm,synflow", "--workers", "1"]);
    args.extend(["--out", out.to_str().unwrap()]);
    let stopped_by = |signal: &str, log: &Path| {
        // Undoes what started these tests, such as `nohup`.
        let plain = osee(&args);
        let mut command = Command::new("env");
        command.arg("--default-signal=HUP").arg(plain.get_program()).args(plain.get_args());
        command.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let mut child = command.stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        while !log.exists() {
            assert!(child.try_wait().unwrap().is_none(), "it ended before its first unit");
            thread::sleep(Duration::from_millis(5));
        }
        let id = child.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
        child.wait_with_output().unwrap()
    };
    let log = out.join("worker-0.log");
    for signal in ["-TERM", "-INT", "-HUP"] {
        let ended = stopped_by(signal, &log);
        let said = String::from_utf8_lossy(&ended.stderr);
        assert_eq!(ended.status.code(), Some(9), "{signal}: {said}");
        assert!(said.contains("the same command resumes"), "{signal}: {said}");
        fs::remove_file(&log).unwrap();
    }
    // Killed, it leaves no process that holds the run, and the same command resumes it.
    assert_eq!(stopped_by("-KILL", &log).status.code(), None);
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(60) {
        let done = osee(&args).output().unwrap();
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        match said.contains("another osee-host is writing") {
            true => thread::sleep(Duration::from_millis(50)),
            false => return assert!(done.status.success(), "{said}"),
        }
    }
    panic!("the run is held for ever");
}

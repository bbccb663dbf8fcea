//! Commands that a user is told to type work, whatever folders are called; and what a
//! user sees of a fault of osee itself.

use crate::support::osee;
use crate::support::shards;
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

/// A folder name that a shell splits and expands unless it is quoted.
const ODD: &str = "it's a \"folder\" $HOME";

/// The result of running these lines with bash in `folder`; `osee-host` is the tested one.
fn bash(folder: &Path, lines: &str) -> Output {
    let script = format!("set -e; osee-host() {{ \"$OSEE_HOST\" \"$@\"; }}\n{lines}\n");
    let mut command = Command::new("bash");
    command.args(["-c", &script]).current_dir(folder);
    let plain = osee(&[]);
    command.envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.env("OSEE_HOST", crate::support::program()).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn hints_that_name_a_folder_can_be_pasted() {
    let folder = tempfile::tempdir().unwrap();
    let study = shards::study(folder.path());
    let out = folder.path().join(ODD);
    // Two shards, the last of which says how to merge; the merge says how to read the result.
    let shard = |text: &str| {
        let args = shards::run_args(&study, &out, &["--workers", "2", "--shard", text]);
        osee(&args).output().unwrap()
    };
    shard("1/2");
    let said = text(&shard("2/2").stderr);
    let hint = said.lines().find_map(|line| line.split_once("are there: ")).unwrap().1.to_owned();
    assert!(hint.starts_with("osee-host merge "), "{said}");
    let merged = bash(folder.path(), &hint);
    let printed = text(&merged.stdout);
    assert!(merged.status.success(), "{hint}: {}", text(&merged.stderr));
    let line = printed.lines().find_map(|line| line.strip_prefix("complete; ")).unwrap();
    let hint = line.strip_suffix(" prints it").unwrap();
    let board = bash(folder.path(), hint);
    assert!(board.status.success(), "{hint}: {}", text(&board.stderr));
    assert!(text(&board.stdout).contains("scale: 40 architectures"), "{}", text(&board.stdout));
}

#[test]
fn a_new_plugin_says_how_to_come_to_it_and_its_manifests_are_toml() {
    let folder = tempfile::tempdir().unwrap();
    let sdk = folder.path().join("sdk \"1\" \\x");
    fs::create_dir(&sdk).unwrap();
    // One of the names looks like an option.
    for into in [ODD, "-x"] {
        let into = format!("--into={into}");
        let mut command = osee(&["plugin", "new", "mine", &into, "--sdk", sdk.to_str().unwrap()]);
        let output = command.current_dir(folder.path()).output().unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
        let said = text(&output.stdout);
        let enter = said.lines().find(|line| line.starts_with("  cd ")).unwrap();
        let there = bash(folder.path(), &format!("{enter}\ncat Cargo.toml"));
        assert!(there.status.success(), "{enter}: {}", text(&there.stderr));
        let manifest: toml::Table = text(&there.stdout).parse().unwrap();
        let named = manifest["dependencies"]["osee-sdk"]["path"].as_str().unwrap();
        assert_eq!(PathBuf::from(named), sdk.canonicalize().unwrap());
    }
}

#[test]
fn a_panic_is_one_line_and_an_exit_code_of_ours() {
    let exe = std::env::current_exe().unwrap();
    let program = exe.ancestors().nth(2).unwrap().join("examples/panics");
    assert!(program.exists(), "cargo build -p osee-host --examples");
    let run = |how: &str| {
        let mut command = Command::new(&program);
        command.arg(how).env_remove("RUST_BACKTRACE").env_remove("RUST_LIB_BACKTRACE");
        let Output { status, stdout, stderr } = command.output().unwrap();
        assert!(stdout.is_empty());
        (status.code(), text(&stderr))
    };
    for (how, words) in [
        ("lines", "internal error: as asked / in two lines at "),
        ("index", "internal error: range start index 5 out of range"),
        ("payload", "internal error: a panic without a message at "),
        ("thread", "internal error: as asked at "),
    ] {
        let (code, said) = run(how);
        assert_eq!(code, Some(1), "{how}: {said}");
        assert!(said.starts_with(words), "{how}: {said}");
        assert!(said.ends_with("please report it with the command\n"), "{how}: {said}");
        assert_eq!(said.lines().count(), 1, "{how}: {said}");
    }
    assert_eq!(run("none"), (Some(0), String::new()));
}

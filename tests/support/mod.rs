//! Shared by the end-to-end tests: the real host with the plugins that cargo
//! built beside the test, and the data if it is available.

pub mod report;
pub mod server;
pub mod shards;
mod skipped;
pub mod snapshots;
pub mod stores;
pub mod tables;
pub mod training;

pub use skipped::{data, skipped};

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::OnceLock,
};

/// The program under test, which cargo builds beside the tests.
pub fn program() -> &'static str {
    static PROGRAM: OnceLock<String> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let exe = std::env::current_exe().expect("a test has a path");
        let file = exe.ancestors().nth(2).expect("it is in deps").join("osee-host");
        assert!(file.exists(), "{} is missing: run cargo test --workspace", file.display());
        file.into_os_string().into_string().expect("the repository's path is UTF-8")
    })
}

/// A plugin of tests/fixtures; cargo builds it as an example.
pub fn fixture(name: &str) -> PathBuf {
    let exe = std::env::current_exe().expect("a test has a path");
    let profile = exe.ancestors().nth(2).expect("it is in deps");
    let file = profile.join("examples").join(format!("lib{name}.so"));
    assert!(file.exists(), "{} is missing: run cargo test --workspace", file.display());
    file
}

/// The libtorch that everything was built against.
pub fn libtorch() -> PathBuf {
    PathBuf::from(std::env::var_os("LIBTORCH").expect("cargo sets it, by .cargo/config.toml"))
}

/// `osee-host` with these arguments.
pub fn osee(args: &[&str]) -> Command {
    let exe = std::env::current_exe().expect("a test has a path");
    let mut command = Command::new(program());
    command.args(args).env("OSEE_PLUGIN_PATH", exe.parent().expect("it is in a folder"));
    // Tests do not use the user's data sets.
    command.env("OSEE_DATA", "/nonexistent").env_remove("OSEE_DATA_MIRROR");
    command
}

/// Standard output of a command that must succeed.
pub fn run(args: &[&str]) -> String {
    let Output { status, stdout, stderr } = osee(args).output().expect("osee-host starts");
    assert!(status.success(), "{args:?}: {}", String::from_utf8_lossy(&stderr));
    String::from_utf8(stdout).expect("osee-host prints UTF-8")
}

/// Exit code and standard error of a command.
pub fn fail(args: &[&str]) -> (i32, String) {
    let output = osee(args).output().expect("osee-host starts");
    assert!(!output.status.success(), "{args:?} succeeded");
    (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&output.stderr).into_owned())
}

/// Writes the study `text` to NAME.toml in `folder` and runs it into the
/// folder NAME beside it. Returns its output and its run directory.
pub fn run_study(folder: &Path, name: &str, text: &str, more: &[&str]) -> (Output, String) {
    let file = folder.join(format!("{name}.toml"));
    fs::write(&file, text).expect("a test's folder can be written");
    let [file, out] = [file, folder.join(name)].map(|path| path.display().to_string());
    let args = [&["run", "--study", &file, "--out", &out], more].concat();
    (osee(&args).output().expect("osee-host starts"), out)
}

/// The scores of a run by row, and its architectures, as text, so that equal
/// text means equal bits.
pub fn columns(out: &str) -> BTreeMap<String, Vec<String>> {
    let table = run(&["leaderboard", out, "--format", "scores-csv"]);
    let mut reader = csv::Reader::from_reader(table.as_bytes());
    let names: Vec<String> =
        reader.headers().expect("it has a header").iter().map(str::to_owned).collect();
    let rows: Vec<csv::StringRecord> =
        reader.records().map(|row| row.expect("it is CSV")).collect();
    let column = |i: usize| rows.iter().map(|row| row[i].to_owned()).collect();
    names.into_iter().enumerate().map(|(i, name)| (name, column(i))).collect()
}

/// The end of a study with a supernet that is trained in seconds; more settings
/// of `[training]` may follow.
pub const SMALL_TRAINING: &str = "
[training.space]
channels = 2
cells = 1
image_size = 8
[training]
epochs = 2
images = 64
batch_size = 32
validation_images = 32
validation_batch_size = 32
";

/// The arguments [`SMALL`] with these changes, which replace its own values.
pub fn small_with<'a>(changes: &[&'a str]) -> Vec<&'a str> {
    let key = |it: &str| it.split_once('=').map(|(key, _)| key.to_owned());
    let given: Vec<String> = changes.iter().filter_map(|it| key(it)).collect();
    let replaced = |pair: &&[&str]| key(pair[1]).is_some_and(|it| given.contains(&it));
    let kept = SMALL.chunks(2).filter(|pair| !replaced(pair)).flatten().copied();
    kept.chain(changes.iter().copied()).collect()
}

/// Arguments of a study that takes seconds: thin networks on noise.
pub const SMALL: [&str; 10] = [
    "--data",
    "noise",
    "--set",
    "channels=2",
    "--set",
    "cells=1",
    "--set",
    "image_size=8",
    "--batch-size",
    "8",
];

/// A Python that can import torch, `OSEE_PYTHON` or else python3; without one the calling test is
/// skipped.
pub fn python_with_torch() -> Option<String> {
    let python = std::env::var("OSEE_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let importable = Command::new(&python).args(["-c", "import torch"]).output();
    if importable.is_ok_and(|output| output.status.success()) {
        return Some(python);
    }
    skipped(&format!("{python} cannot import torch; OSEE_PYTHON names another"));
    None
}

//! What the end-to-end tests share: the real host with the plugins that cargo
//! built beside the test, and the data if it is at hand.
#![allow(dead_code, reason = "every test uses its own part")]

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
};

/// The data folder: `OSEE_TEST_DATA`, else `../shared/data` beside the repository.
pub fn data() -> Option<PathBuf> {
    let folder = std::env::var_os("OSEE_TEST_DATA").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data"),
        Into::into,
    );
    if !folder.exists() {
        println!("skipped: no data");
        return None;
    }
    Some(folder)
}

/// A plugin of tests/fixtures; cargo builds it as an example of the host.
pub fn fixture(name: &str) -> PathBuf {
    let exe = std::env::current_exe().expect("a test has a path");
    let profile = exe.ancestors().nth(2).expect("it is in deps");
    let file = profile.join("examples").join(format!("lib{name}.so"));
    assert!(
        file.exists(),
        "`cargo test` builds it; for one test: cargo build -p osee-host --examples"
    );
    file
}

/// The libtorch that everything was built against.
pub fn libtorch() -> PathBuf {
    PathBuf::from(std::env::var_os("LIBTORCH").expect("cargo sets it, by .cargo/config.toml"))
}

/// `osee-host` with these arguments.
pub fn osee(args: &[&str]) -> Command {
    let exe = std::env::current_exe().expect("a test has a path");
    let mut command = Command::new(env!("CARGO_BIN_EXE_osee-host"));
    command.args(args).env("OSEE_PLUGIN_PATH", exe.parent().expect("it is in a folder"));
    command
}

/// Its output, which must be a success.
pub fn run(args: &[&str]) -> String {
    let Output { status, stdout, stderr } = osee(args).output().expect("osee-host starts");
    assert!(status.success(), "{args:?}: {}", String::from_utf8_lossy(&stderr));
    String::from_utf8(stdout).expect("osee-host prints UTF-8")
}

/// Its exit code and what it said on standard error.
pub fn fail(args: &[&str]) -> (i32, String) {
    let output = osee(args).output().expect("osee-host starts");
    assert!(!output.status.success(), "{args:?} succeeded");
    (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&output.stderr).into_owned())
}

/// A study that takes seconds: thin networks on noise.
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

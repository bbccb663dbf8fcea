//! Plugins as libraries: each is itself, whatever was loaded before it.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use osee_host::loader::{LoadErrorKind, Plugin};
use osee_sdk::{
    Measurement,
    testkit::{self, FixedNetwork},
};
use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};
use tch::Tensor;

fn library(name: &str) -> PathBuf {
    let exe = std::env::current_exe().unwrap();
    exe.with_file_name(format!("lib{name}.so"))
}

#[test]
fn two_plugins_in_one_process_are_two() {
    // abi_stable's usual loader hands out the first module for every path.
    let ids = |name| -> Vec<String> {
        let plugin = Plugin::load(&library(name), |_, _| Ok(())).unwrap();
        plugin.exports.iter().map(|export| export.id().to_owned()).collect()
    };
    assert_eq!(ids("zse_synflow"), ["synflow", "synflow_bn"]);
    assert_eq!(ids("zse_activation"), ["jacob_cov", "relu_logdet"]);
    assert_eq!(ids("zse_synflow"), ["synflow", "synflow_bn"]);
}

#[test]
fn a_library_scores_what_the_network_says() {
    let kernel = Tensor::from_slice(&[3.0f64, 1.0, 1.0, 3.0]).view([2, 2]);
    let network =
        FixedNetwork::new(testkit::small_graph()).with(Measurement::ReluKernel, vec![kernel]);
    let path = library("zse_activation");
    let score = testkit::score_through_library(&path, "relu_logdet", &network).unwrap();
    assert!((score - 8.0f64.ln()).abs() < 1e-12);
    let error = testkit::score_through_library(&path, "jacob_cov", &network).unwrap_err();
    assert_eq!(error.to_string(), "this test gave no input_gradient");
}

/// A copy of a plugin with one field of its header changed.
fn forged(change: impl Fn(&mut [u8])) -> (tempfile::TempDir, PathBuf) {
    let mut bytes = fs::read(library("meta_vote")).unwrap();
    let at = bytes.windows(8).position(|window| window == b"OSEEPLUG").unwrap();
    change(&mut bytes[at..]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("libforged.so");
    fs::write(&path, bytes).unwrap();
    (folder, path)
}

/// What the program says of a plugin file, its path left out.
fn refusal(path: &Path, args: &[&str]) -> String {
    let path = path.to_str().unwrap();
    let mut all = vec!["plugin", "list", "--plugin", path];
    all.extend(args);
    let (code, said) = support::fail(&all);
    assert_eq!(code, 4, "{said}");
    // The warning that --allow-unpinned asks for is not part of the error.
    let error: Vec<&str> = said.lines().skip_while(|line| !line.starts_with("error")).collect();
    error.join("\n").replace(path, "FILE") + "\n"
}

/// Three lines at most, as they stand here: what, why, what to do.
#[test]
fn every_rung_of_the_ladder_has_its_own_error() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    };
    let allow = ["--allow-unpinned"];
    let expect = |path: &Path, args: &[&str], why: &str, help: &str| {
        let whole = format!("error: cannot load plugin FILE\n  {why}\n  help: {help}\n");
        assert_eq!(refusal(path, args), whole);
    };
    expect(
        Path::new("/nowhere.so"),
        &allow,
        "it cannot be read: No such file or directory (os error 2)",
        "check the path and its permissions",
    );
    let build = "give the .so that `cargo build --release` made of a cdylib crate";
    let why = "it is no shared library for this machine: Unknown file magic";
    expect(&file("text.so", &[b'x'; 4096]), &allow, why, build);
    let program = fs::read(std::env::current_exe().unwrap()).unwrap();
    expect(
        &file("program.so", &program),
        &allow,
        "it is a shared library, but no osee plugin: it exports no OSEE_PLUGIN_HEADER",
        "its crate needs `osee_sdk::export! { ... }` and crate-type cdylib",
    );
    let (_keep, forged_abi) = forged(|header| header[12] = 99);
    expect(
        &forged_abi,
        &allow,
        "it was built with osee-sdk 0.1.0 (ABI 99.1); this host has ABI 3.1",
        "rebuild it: cargo update -p osee-sdk && cargo build --release",
    );
    let (_keep, forged_torch) = forged(|header| header[24 + 64..][..6].copy_from_slice(b"2.9.1\0"));
    expect(
        &forged_torch,
        &allow,
        "it was built for libtorch 2.9.1; this host has libtorch 2.11.0",
        "rebuild it with LIBTORCH at the host's libtorch",
    );
    let (_keep, aborts) = forged(|header| header[20] = 0);
    expect(
        &aborts,
        &allow,
        "it was built with panic = \"abort\", so a panic in it would end the host",
        "set panic = \"unwind\" in its Cargo.toml profile and rebuild it",
    );
    let whole = fs::read(support::fixture("misbehaving")).unwrap();
    let plugin = file("plugin.so", &whole);
    fs::set_permissions(&plugin, fs::Permissions::from_mode(0o664)).unwrap();
    expect(
        &plugin,
        &allow,
        "others than its owner can write to it (mode 664)",
        "chmod go-w it, and look at what it is",
    );
    fs::set_permissions(&plugin, fs::Permissions::from_mode(0o644)).unwrap();
    let trust = "if you know it: osee-host plugin trust FILE, or --allow-unpinned";
    expect(
        &plugin,
        &[],
        "it is not pinned in osee.lock, and loading a plugin runs its code",
        trust,
    );
    expect(
        &support::fixture("crash_on_load"),
        &allow,
        "it does not survive being loaded: signal: 6 (SIGABRT)",
        "see why: osee-host plugin check --here FILE, under a debugger",
    );
    // A table cut off: the header stands before it, the linker finds out.
    let cut = whole.len() - whole.len() / 3;
    let broken = file("broken.so", &whole[..cut]);
    let said = refusal(&broken, &allow);
    assert!(said.lines().count() <= 3 && said.contains("help: "), "{said}");
}

#[test]
fn a_pinned_file_is_loaded_until_it_changes() {
    let folder = tempfile::tempdir().unwrap();
    let plugin = folder.path().join("libmine.so");
    fs::copy(support::fixture("misbehaving"), &plugin).unwrap();
    let here = |args: &[&str]| {
        let output = support::osee(args).current_dir(folder.path()).output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(said).unwrap())
    };
    let list = ["plugin", "list", "--plugin", "libmine.so"];
    assert_eq!(here(&list).0, Some(4));
    assert_eq!(here(&["plugin", "trust", "libmine.so"]).0, Some(0));
    assert_eq!(here(&list).0, Some(0), "{}", here(&list).1);
    let mut bytes = fs::read(&plugin).unwrap();
    bytes.push(0);
    fs::write(&plugin, bytes).unwrap();
    let (code, said) = here(&list);
    assert!(code == Some(4) && said.contains("its sha256 differs"), "{said}");
}

#[test]
fn two_plugins_with_one_id_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let second = folder.path().join("libsecond.so");
    fs::copy(library("meta_vote"), &second).unwrap();
    let said = refusal(&second, &["--allow-unpinned"]);
    assert!(said.contains("estimator `vote` is exported by both FILE and"), "{said}");
    assert!(said.lines().count() <= 3, "{said}");
}

#[test]
fn headers_that_do_not_fit_are_refused_before_loading() {
    let refused = |change: fn(&mut [u8])| {
        let (_folder, path) = forged(change);
        Plugin::load(&path, |_, _| Ok(())).err().unwrap()
    };
    let abi = refused(|header| header[12] = 99);
    assert!(matches!(abi.kind, LoadErrorKind::Abi { major: 99, .. }));
    assert!(abi.to_string().contains("help: rebuild it"), "{abi}");
    let torch = refused(|header| header[24 + 64..][..5].copy_from_slice(b"2.9.0"));
    assert!(matches!(torch.kind, LoadErrorKind::Libtorch { .. }), "{torch}");
    let aborts = refused(|header| header[20] = 0);
    assert!(matches!(aborts.kind, LoadErrorKind::Aborts));
    let magic = refused(|header| header[0] = b'X');
    assert!(matches!(magic.kind, LoadErrorKind::NotAPlugin));
}

#[test]
fn the_check_names_the_rule_that_is_broken() {
    let allow = "--allow-unpinned";
    let good = library("zse_gradient");
    let said = support::run(&["plugin", "check", good.to_str().unwrap()]);
    assert!(said.ends_with("it keeps the rules\n"), "{said}");
    // Its default mode keeps every rule but one: all its scores are equal.
    let constant = support::fixture("misbehaving");
    let output =
        support::osee(&["plugin", "check", constant.to_str().unwrap(), allow]).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(4), "{said}");
    for words in [
        "scores tell architectures apart ... FAILED\n    all are 1\n    help: a constant",
        "it is described, and made with its default settings ... FAILED",
        "the same network gets the same score again ... ok",
        "2 checks failed",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
}

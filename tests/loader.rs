//! Plugins as libraries: each is itself, whatever was loaded before it.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use osee_host::loader::{LoadErrorKind, Plugin};
use osee_sdk::{
    Measurement,
    testkit::{self, FixedNetwork},
};
use std::{fs, path::PathBuf};
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

//! Every mistake has its own message and exit code, and loses nothing.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::fs;
use support::{SMALL, fail, run};

/// A small run with these changes, into a fresh folder.
fn small(changes: &[&str]) -> (i32, String) {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let mut args = vec!["run"];
    args.extend(SMALL);
    args.extend(["--archs", "3", "--out", out.to_str().unwrap()]);
    args.extend(changes);
    let failed = fail(&args);
    assert!(!out.exists(), "a run that cannot start leaves no folder: {failed:?}");
    failed
}

#[track_caller]
fn says((code, text): (i32, String), wanted: i32, words: &str) {
    assert!(code == wanted && text.contains(words), "exit code {code}: {text}");
}

#[test]
fn names_that_are_not_there_are_answered_with_the_nearest() {
    says(small(&["--estimators", "grad_nrom"]), 3, "did you mean `grad_norm`?");
    says(small(&["--space", "nb2O1"]), 3, "did you mean `nb201`?");
    says(small(&["--set", "chanels=8"]), 3, "did you mean `channels`?");
    says(small(&["--set", "channels=many"]), 3, "must be a whole number");
    says(small(&["--set", "channels=0"]), 3, "must be at least 1");
    says(small(&["--preset", "papr"]), 3, "did you mean `paper`?");
    says(small(&["--estimators", "vote"]), 3, "needs `relu_logdet`");
    says(small(&["--device", "cuda:0"]), 1, "device `cuda:0` is not there");
    says(small(&["--data", "imagenet"]), 6, "unknown data");
    says(fail(&["run", "--no-such-flag"]), 2, "--no-such-flag");
}

#[test]
fn architectures_that_are_none_are_refused_with_the_place() {
    let folder = tempfile::tempdir().unwrap();
    let list = folder.path().join("archs.txt");
    fs::write(&list, "# comment\n|none~0|+|none~0|none~1|\n").unwrap();
    says(small(&["--archs", list.to_str().unwrap()]), 3, "archs.txt line 2");
    says(small(&["--archs", "no-such-file"]), 3, "no-such-file");
    says(small(&["--archs", "20000"]), 3, "there are 15625");
    says(small(&["--archs", "20000", "--unique"]), 3, "there are 6466 unique");
    says(small(&["--seeds", "1,1"]), 3, "seed 1 is given twice");
    says(fail(&["space", "show", "nb201", "|x~0|"]), 3, "1 nodes");
}

#[test]
fn files_that_are_no_plugins_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("text.so");
    fs::write(&text, "hello").unwrap();
    let refused = |file: &str| fail(&["plugin", "list", "--plugin", file]);
    says(refused(text.to_str().unwrap()), 4, "no shared library");
    says(refused("/nowhere.so"), 4, "cannot be read");
    // The test's own program is ELF, but no library.
    let exe = std::env::current_exe().unwrap();
    says(refused(exe.to_str().unwrap()), 4, "osee plugin");
}

#[test]
fn damaged_images_are_named() {
    let folder = tempfile::tempdir().unwrap();
    for i in 1..=5 {
        let file = fs::File::create(folder.path().join(format!("data_batch_{i}.bin"))).unwrap();
        file.set_len(if i == 3 { 12_345 } else { 30_730_000 }).unwrap();
    }
    let data = format!("cifar10:{}", folder.path().display());
    says(small(&["--data", &data]), 6, "data_batch_3.bin has 12345 bytes");
    says(small(&["--data", "cifar10:/nowhere"]), 6, "cannot read /nowhere/data_batch_1.bin");
}

#[test]
fn networks_that_do_not_fit_the_images_are_told_which_setting_to_give() {
    let folder = tempfile::tempdir().unwrap();
    let file = fs::File::create(folder.path().join("train.bin")).unwrap();
    let data = format!("cifar100:{}", folder.path().display());
    says(small(&["--data", &data]), 6, "train.bin has 0 bytes, that of CIFAR-100 has 153700000");
    file.set_len(153_700_000).unwrap();
    says(small(&["--data", &data]), 6, "give it --set classes=100");
    let wide = ["--data", &data, "--set", "classes=100", "--set", "image_size=20"];
    says(small(&wide), 6, "sides of 32 pixels, which can be made 32, 16, 8, 4, 2 or 1");
    says(small(&wide), 6, "--set image_size=32");
    says(small(&["--data", "imagenet16-120:/nowhere"]), 6, "train_data_batch_1.npz");
}

#[test]
fn truth_that_cannot_be_used_is_known_before_the_scoring() {
    let folder = tempfile::tempdir().unwrap();
    let truth = folder.path().join("truth.csv");
    fs::write(&truth, "arch_str,acc\nx,1\ny,2\n").unwrap();
    let truth = truth.to_str().unwrap();
    says(small(&["--truth", truth, "--truth-column", "accu"]), 7, "did you mean `acc`?");
    says(small(&["--truth", "/nowhere.csv", "--truth-column", "acc"]), 7, "/nowhere.csv");
    says(small(&["--truth", truth, "--truth-column", "acc"]), 7, "no architecture of the run");
}

#[test]
fn a_run_directory_is_never_taken_from_somebody_else() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("thesis.tex"), "precious").unwrap();
    let out = folder.path().to_str().unwrap();
    let mut args = vec!["run", "--archs", "2", "--seeds", "0", "--out", out];
    args.extend(SMALL);
    says(fail(&args), 5, "no osee run");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);

    let own = folder.path().join("own");
    let at = args.iter().position(|arg| *arg == out).unwrap();
    args[at] = own.to_str().unwrap();
    run(&args);
    args.extend(["--seeds", "7"]);
    let other: Vec<&str> = {
        // The later flag would be a repetition; replace the first.
        let at = args.iter().position(|arg| *arg == "0").unwrap();
        let mut other = args[..args.len() - 2].to_vec();
        other[at] = "7";
        other
    };
    says(fail(&other), 5, "its seeds differs");
    says(fail(&["leaderboard", "/nowhere"]), 5, "no osee run");
    args.truncate(args.len() - 2);
    let file = folder.path().join("thesis.tex/run");
    let at = args.iter().position(|arg| *arg == own.to_str().unwrap()).unwrap();
    args[at] = file.to_str().unwrap();
    says(fail(&args), 5, "cannot write to");
}

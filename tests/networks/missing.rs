//! Architectures that make no network, or one that the images do not fit.

use crate::support;
use crate::support::fixture;
use std::{fs, path::Path};

/// Runs the fixture's widths in this order. Returns the exit code, standard output
/// and standard error.
fn widths(folder: &Path, list: &[usize], more: &[&str]) -> (i32, String, String) {
    let (plugin, file) = (fixture("widths"), folder.join("archs.txt"));
    let lines: Vec<String> = list.iter().map(usize::to_string).collect();
    fs::write(&file, lines.join("\n")).unwrap();
    let mut args = vec!["run", "--plugin", plugin.to_str().unwrap(), "--allow-unpinned"];
    args.extend(["--space", "widths", "--batch-size", "4", "--seeds", "0"]);
    args.extend(["--estimators", "params,l2_norm", "--archs", file.to_str().unwrap()]);
    args.extend(more);
    let output = support::osee(&args).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

#[test]
fn an_architecture_without_a_network_is_a_failure_wherever_it_stands() {
    let folder = tempfile::tempdir().unwrap();
    let truth = folder.path().join("truth.csv");
    let rows: String = (0..12).map(|it| format!("{it},{}\n", it * it)).collect();
    fs::write(&truth, format!("arch,acc\n{rows}")).unwrap();
    let truth = truth.to_str().unwrap();
    let forwards: Vec<usize> = (0..12).collect();
    let backwards: Vec<usize> = (0..12).rev().collect();
    let why = "`0` makes no network: plugin libwidths.so, export `widths`: graph of 0: a convolution \
               has at least one channel";
    for (name, list) in [("first", forwards), ("last", backwards)] {
        let out = folder.path().join(name);
        let out = out.to_str().unwrap();
        let more = ["--data", "noise", "--truth", truth, "--out", out, "--format", "scores-csv"];
        let (code, scores, said) = widths(folder.path(), &list, &more);
        assert_eq!(code, 8, "{said}");
        assert!(said.contains(why), "{said}");
        let row = scores.lines().find(|line| line.starts_with("0,")).unwrap();
        assert_eq!((scores.lines().count(), row), (13, "0,,"), "{scores}");
        // The failure ranks last, as it should, and analyses cover the others as well.
        support::run(&["report", out]);
    }
    let alone = ["--data", "noise", "--out", "/nowhere/x"];
    let (code, _, said) = widths(folder.path(), &[0], &alone);
    assert!(code == 3 && said.contains(why), "{said}");
}

#[test]
fn a_benchmark_has_failures_for_an_architecture_without_a_network() {
    let folder = tempfile::tempdir().unwrap();
    let (study, list) = (folder.path().join("bench.toml"), folder.path().join("archs.txt"));
    let text = format!(
        "name = \"b\"\nplugins = [{:?}]\nseeds = [0, 1]\ndata = \"digits\"\n[space]\nid = \"widths\"\n\
         [architectures]\nfile = \"archs.txt\"\n[training]\nepochs = 1\nimages = 64\nbatch_size = 32\n\
         validation_images = 32\nvalidation_batch_size = 32\n",
        fixture("widths")
    );
    fs::write(&study, &text).unwrap();
    let build = |name: &str| {
        let out = folder.path().join(name);
        let args = ["bench", "build", "--study", study.to_str().unwrap(), "--allow-unpinned"];
        let args = [&args[..], &["--out", out.to_str().unwrap()]].concat();
        (support::osee(&args).output().unwrap(), out)
    };
    for (name, archs) in [("first", "0\n8\n"), ("last", "8\n0\n")] {
        fs::write(&list, archs).unwrap();
        let (output, out) = build(name);
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success() || output.status.code() == Some(8), "{said}");
        let log = fs::read_dir(&out).unwrap().map(|it| it.unwrap().path());
        let log = log.filter_map(|file| fs::read_to_string(file).ok()).collect::<String>();
        let why = "graph of 0: a convolution has at least one channel";
        assert_eq!(log.matches(why).count(), 2, "{log}");
    }
    // Networks that end in feature maps are refused before any is trained.
    fs::write(&list, "8\n").unwrap();
    fs::write(&study, text.replace("\"widths\"\n", "\"widths\"\nsettings = { ends = \"map\" }\n"))
        .unwrap();
    let (output, out) = build("maps");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(
        output.status.code() == Some(3) && said.contains("ends in a vector of logits"),
        "{said}"
    );
    assert!(!out.exists());
}

#[test]
fn networks_end_in_logits_one_for_every_label() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let with = |set: &str, data: &str| {
        let more = ["--set", set, "--data", data, "--out", out.to_str().unwrap()];
        widths(folder.path(), &[4, 8], &more)
    };
    for data in ["noise", "digits"] {
        let (code, _, said) = with("ends=map", data);
        let why = "node 2, the output, is [4, 8, 8], and a network ends in a vector of logits";
        assert!(code == 3 && said.contains(why), "{said}");
    }
    let (code, _, said) = with("classes=9", "digits");
    assert!(code == 6 && said.contains("has 10 classes, the network 9"), "{said}");
    // A single output is refused too, except where the preset asks for it.
    let (code, _, said) = with("classes=1", "digits");
    assert!(code == 6 && said.contains("has 10 classes, the network 1;"), "{said}");
    assert!(!out.exists());
    let one = folder.path().join("one");
    let naswot = ["--data", "digits", "--preset", "naswot", "--out", one.to_str().unwrap()];
    let (code, _, said) = widths(folder.path(), &[4, 8], &naswot);
    assert_eq!(code, 0, "{said}");
    let few = [&naswot[..], &["--set", "classes=9"]].concat();
    let (code, _, said) = widths(folder.path(), &[4, 8], &few);
    assert!(code == 6 && said.contains("has 10 classes, the network 9"), "{said}");
    let (code, _, said) = with("classes=12", "digits");
    assert!(code == 0 && said.contains("the networks have 12 classes"), "{said}");
}

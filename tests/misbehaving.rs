//! A plugin that goes wrong costs its own scores and nobody else's.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod support;

use std::{collections::BTreeMap, fs, path::Path, process::Output};
use support::{SMALL, fixture, osee, run};

/// Bundled estimators, one or more of each library.
const OTHERS: [&str; 8] =
    ["params", "grad_norm", "snip", "grasp", "fisher", "synflow", "relu_logdet", "jacob_cov"];

/// Runs the study, with the fixture in this mode scored before the others;
/// its exit and its run directory.
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
    let name = mode.unwrap_or("without");
    let file = folder.join(format!("{name}.toml"));
    fs::write(&file, text).unwrap();
    let out = folder.join(name).to_str().unwrap().to_owned();
    let mut args = vec!["run", "--study", file.to_str().unwrap(), "--out", &out];
    args.extend(SMALL);
    args.extend(["--archs", "3", "--workers", "1", "--allow-unpinned"]);
    args.extend(["--time-limit", "4", "--memory-limit", "900"]);
    (osee(&args).output().unwrap(), out)
}

/// Estimator to its column, as text, so that equal means equal bits.
fn columns(out: &str) -> BTreeMap<String, Vec<String>> {
    let table = run(&["leaderboard", out, "--format", "scores-csv"]);
    let mut reader = csv::Reader::from_reader(table.as_bytes());
    let names: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    let column = |i: usize| rows.iter().map(|row| row[i].to_owned()).collect();
    names.into_iter().enumerate().map(|(i, name)| (name, column(i))).collect()
}

#[test]
fn every_way_to_go_wrong_costs_only_the_culprit() {
    let folder = tempfile::tempdir().unwrap();
    let (without, out) = study(folder.path(), None);
    assert!(without.status.success(), "{without:?}");
    let expected = columns(&out);
    // What standard error must say of it; nothing: it does no harm.
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
    ];
    for (mode, words) in modes {
        let (ended, out) = study(folder.path(), Some(mode));
        let said = String::from_utf8_lossy(&ended.stderr);
        let code = if words.is_empty() { 0 } else { 8 };
        assert_eq!(ended.status.code(), Some(code), "{mode}: {said}");
        assert!(said.contains(words), "{mode}: {said}");
        let mut found = columns(&out);
        let own = found.remove("misbehaving").unwrap();
        assert!(own.iter().all(|score| score.is_empty() != words.is_empty()), "{mode}: {own:?}");
        assert_eq!(found, expected, "{mode}");
        for entry in fs::read_dir(&out).unwrap().flatten() {
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
    args.extend(SMALL);
    // Later flags win: enough images and channels for a Hessian worth the name.
    args.extend(["--batch-size", "16", "--set", "channels=4", "--set", "image_size=8"]);
    args.extend(["--archs", "6", "--seeds", "0", "--estimators", "frees,own_grasp,grasp,snip"]);
    run(&args);
    let columns = columns(&out);
    for (own, bundled) in columns["own_grasp"].iter().zip(&columns["grasp"]) {
        let [own, bundled] = [own, bundled].map(|text| text.parse::<f64>().unwrap());
        assert!((own - bundled).abs() <= 1e-2 * bundled.abs() + 1e-6, "{own} {bundled}");
    }
    assert!(columns["snip"].iter().all(|score| !score.is_empty()));
}

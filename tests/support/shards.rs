//! A small study with a truth, run whole or in shards.
#![allow(clippy::unwrap_used, dead_code, reason = "a test may panic, and uses its own part")]

use crate::support::{osee, run};
use osee_core::store::Store;
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Writes a study of thin networks on noise, with a made-up truth.
pub fn study(folder: &Path) -> PathBuf {
    let table = run(&["space", "table", "nb201"]);
    let archs = table.lines().skip(1).map(|line| line.split(',').nth(1).unwrap_or_default());
    let archs: Vec<&str> = archs.collect();
    assert!(archs.len() > 6000);
    let truth = archs.iter().enumerate().map(|(i, arch)| format!("{arch},{}\n", i * 7919 % 1000));
    fs::write(folder.join("truth.csv"), format!("arch,acc\n{}", truth.collect::<String>()))
        .unwrap();
    let file = folder.join("study.toml");
    fs::write(
        &file,
        r#"
name = "scale"
seeds = [0, 1]
[space]
id = "nb201"
settings = { channels = 2, cells = 1, image_size = 8 }
[architectures]
count = 40
unique = true
[protocol]
preset = "paper"
batch_size = 8
[truth]
file = "truth.csv"
key = "arch"
column = "acc"
"#,
    )
    .unwrap();
    file
}

pub fn run_args<'a>(study: &'a Path, out: &'a Path, more: &[&'a str]) -> Vec<&'a str> {
    let mut args = vec!["run", "--study", study.to_str().unwrap(), "--out"];
    args.push(out.to_str().unwrap());
    args.extend(more);
    args
}

/// The outputs of a run that must be the same, byte for byte.
pub fn bytes(out: &Path) -> Vec<Vec<u8>> {
    let said = |command, format| {
        let args = [command, out.to_str().unwrap(), "--no-timing", "--format", format];
        let output = osee(&args).output().unwrap();
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    };
    let mut all = ["table", "json", "scores-csv"].map(|it| said("leaderboard", it)).to_vec();
    all.extend(["csv", "parquet"].map(|it| said("export", it)));
    all
}

/// Runs a shard to its end.
pub fn shard(study: &Path, out: &Path, number: u32) {
    let text = format!("{number}/5");
    let args = run_args(study, out, &["--workers", "2", "--shard", &text]);
    let done = osee(&args).output().unwrap();
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert_eq!(done.status.code(), Some(0), "{said}");
    assert!(done.stdout.is_empty() && said.contains("osee-host merge"), "{said}");
}

pub fn units(run: &Path) -> u64 {
    let progress = Store::open(run).and_then(|store| store.progress());
    progress.ok().flatten().map_or(0, |progress| progress.units - progress.outstanding)
}

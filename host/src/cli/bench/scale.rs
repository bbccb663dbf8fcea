//! Measures a study of a million units whose estimator takes no time: what planning,
//! storing, merging and judging cost by themselves.

use super::first_of;
use crate::{
    cli::{
        CliError,
        leaderboard::{TruthArgs, truth_of},
        plugin_args::PluginArgs,
    },
    leaderboard::{Format, Leaderboard, render},
    loader::Registry,
    plan::Plan,
    runner::{self, Outstanding, RunError},
};
use osee_core::{
    criteria::CriteriaOptions,
    run_dir::RunDir,
    shard::Shard,
    store::{Record, Retry, Store, StoreWriter},
    study::{Architectures, EstimatorChoice, Seeds, Study},
};
use osee_files::csv_text::CsvWriter;
use osee_model::estimator::EstimatorKind;
use std::{
    fmt::Write as _,
    fs::File,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// Seeds, for each of the 15,625 architectures of the default study's space.
const SEEDS: u64 = 64;
const SHARDS: u32 = 64;

/// Measures, and returns the figures as lines of text.
pub fn run() -> Result<String, CliError> {
    let registry = PluginArgs::default().registry()?;
    let (_, zero_shot) = first_of(&registry, EstimatorKind::ZeroShot)?;
    let study = Study {
        name: "a million".to_owned(),
        seeds: Seeds::try_from((0..SEEDS).collect::<Vec<_>>())?,
        architectures: Architectures { count: None, unique: false, ..Architectures::default() },
        estimators: vec![EstimatorChoice::plain(&zero_shot.id)],
        ..Study::default()
    };
    let folder = std::env::temp_dir().join(format!("osee-bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder).map_err(CliError::Worker)?;
    let text = figures(&study, &registry, &folder);
    let _ = std::fs::remove_dir_all(&folder);
    text
}

fn figures(study: &Study, registry: &Registry, folder: &Path) -> Result<String, CliError> {
    let space = registry.space(&study.space.id)?.info;
    let all = space.size.unwrap_or_default() * SEEDS;
    let mut text = format!(
        "\n{all} units ({} in full, {SEEDS} seeds), an estimator that takes no time, {SHARDS} \
         shards\n",
        space.id
    );
    // Writing to a string cannot fail.
    let mut say = |what: &str, figure: String| {
        let _ = writeln!(text, "  {what:<42}{figure:>12}   {:>4} MB so far", peak());
    };
    let start = Instant::now();
    let mut plan = Plan::new(study, registry, &RunDir::new(folder), 1, None)?;
    let of = |shard: Shard| Study { shard, ..study.clone() };
    let first = of(Shard::new(1, SHARDS).unwrap_or_default());
    plan.shard = first.shard;
    let mut store = StoreWriter::open(folder.join("planned"), &first)?;
    store.fix_architectures(&plan.architectures)?;
    let units = Outstanding::new(&plan, &store, &Retry::default())?.len();
    drop(store);
    say("planned, a shard's units listed", seconds(start.elapsed()));
    let truth = write_truth(&plan, folder).map_err(CliError::Worker)?;

    let (mut dirs, mut stored, mut spent) = (Vec::new(), 0, Duration::ZERO);
    for shard in first.shard.siblings() {
        let dir = RunDir::new(folder).shard(shard);
        plan.shard = shard;
        let took = store_shard(&plan, &of(shard), &dir)?;
        stored += took.0;
        spent += took.1;
        dirs.push(dir);
    }
    assert!(units > 0 && stored == all, "every unit is one shard's");
    let rate = stored as f64 / spent.as_secs_f64();
    say("results stored, each by itself", format!("{rate:.0} per s"));
    drop(plan);

    let out = folder.join("merged");
    let start = Instant::now();
    let none = |_: &Store| Err(RunError::NoShards(PathBuf::new()));
    let report = runner::merge(&RunDir::new(&out), &dirs, none)?;
    assert!(report.is_complete(), "{report:?}");
    say("shards merged", seconds(start.elapsed()));
    drop(report);

    let start = Instant::now();
    let store = Store::open(&out)?;
    let asked = TruthArgs {
        truth: Some(truth),
        truth_column: Some("accuracy".to_owned()),
        truth_key: Some("arch".to_owned()),
        ..TruthArgs::default()
    };
    let truth = truth_of(&store, registry, None, &asked)?;
    let board = Leaderboard::new(&store, truth, &CriteriaOptions::default())?;
    let printed = render(&board, Format::Csv, false);
    say("leaderboard", seconds(start.elapsed()));
    let _ = write!(text, "{printed}");
    Ok(text)
}

/// Returns the number of stored results and the time that storing took.
fn store_shard(plan: &Plan, study: &Study, dir: &RunDir) -> Result<(u64, Duration), CliError> {
    let mut store = StoreWriter::open(dir, study)?;
    store.fix_architectures(&plan.architectures)?;
    let row = store.register(&plan.keys())?[0];
    let outstanding = Outstanding::new(plan, &store, &Retry::default())?;
    let start = Instant::now();
    for &(arch_index, seed_index) in outstanding.units() {
        let (arch_index, seed_index) = (arch_index as usize, seed_index as usize);
        let seed = plan.seeds[seed_index];
        let outcome = Ok(quality(arch_index) + 50.0 * noise(arch_index * 64 + seed_index));
        let device = "cpu".to_owned();
        let record = Record { row, arch_index, seed, outcome, milliseconds: 1.0, device };
        store.record_unit(&[record], 1.0)?;
    }
    Ok((outstanding.len() as u64, start.elapsed()))
}

fn write_truth(plan: &Plan, folder: &Path) -> std::io::Result<PathBuf> {
    let file = folder.join("truth.csv");
    let mut to = CsvWriter::new(File::create(&file)?, ["arch", "accuracy"])?;
    for (at, arch) in plan.architectures.iter().enumerate() {
        to.row([arch.as_str().into(), quality(at).into()])?;
    }
    to.end()?;
    Ok(file)
}

/// Made-up accuracies in percent, with ties.
fn quality(arch: usize) -> f64 {
    (noise(arch + 1) * 1e6).round() / 1e4
}

/// Pseudo-random number between 0 and 1 (splitmix64).
fn noise(at: usize) -> f64 {
    let mut z = (at as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    (z ^ z >> 31) as f64 / u64::MAX as f64
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

/// Peak memory of this process in megabytes.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.and_then(|line| line.trim().split(' ').next()?.parse::<u64>().ok());
    number.unwrap_or(0) / 1000
}

//! Measures what the plugin boundary and isolation cost, and what workers gain.

use super::{BenchArgs, first_of};
use crate::{
    cli::{CliError, plugin_args::PluginArgs},
    loader::Registry,
    plan::{Plan, Setup, Unit},
    runner::RunError,
    stop::Stop,
    worker::{Limits, Scorer, Worker, WorkerError},
};
use osee_core::{
    run_dir::RunDir,
    study::{Architectures, ProtocolChoice, Seeds, Study},
};
use osee_model::estimator::EstimatorKind;
use osee_sdk::abi::kinds::meta::ForeignMeta;
use std::{
    path::Path,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

/// Number of calls across the boundary to average over.
const CALLS: u32 = 200_000;

/// Networks that two workers share before the other worker takes its turn: enough that
/// neither waits long for the other at the end.
const BLOCK: usize = 16;

/// Measures, and returns the three figures as lines of text.
pub fn run(args: &BenchArgs) -> Result<String, CliError> {
    let registry = PluginArgs::default().registry()?;
    let study = Study {
        seeds: Seeds::one(0),
        device: args.device(),
        architectures: Architectures {
            count: Some(args.networks().max(3 * BLOCK) as u64),
            ..Architectures::default()
        },
        protocol: ProtocolChoice {
            batch_size: Some(args.batch_size()),
            ..ProtocolChoice::default()
        },
        ..Study::default()
    };
    let plan = Plan::new(&study, &registry, &RunDir::new(""), 1, None)?;
    let folder = std::env::temp_dir().join(format!("osee-bench-{}", std::process::id()));
    std::fs::create_dir_all(&folder).map_err(CliError::Worker)?;
    let figures = figures(&plan, &folder);
    let _ = std::fs::remove_dir_all(&folder);
    let [isolation, workers] = figures?;
    let nanoseconds = boundary(&registry)?;
    Ok(format!(
        "\na call into a plugin and back      {nanoseconds:>8.0} ns\n\
         isolation process against none     {isolation:>8.3} times the time\n\
         2 workers against 2 torch threads  {workers:>8.2} times the throughput\n"
    ))
}

fn figures(plan: &Plan, folder: &Path) -> Result<[f64; 2], RunError> {
    let units: Vec<Unit> = plan
        .architectures
        .iter()
        .enumerate()
        .map(|(arch_index, arch)| Unit {
            arch_index,
            arch: arch.clone(),
            seed: 0,
            rows: (0..plan.setup.rows.len()).collect(),
            ..Unit::default()
        })
        .collect();
    Ok([isolation(&plan.setup, &units, folder)?, workers(&plan.setup, &units, folder)?])
}

/// Nanoseconds of a call that only asks what a meta estimator needs: out, through the
/// panic guard, and back with a list.
fn boundary(registry: &Registry) -> Result<f64, CliError> {
    let (plugin, info) = first_of(registry, EstimatorKind::Meta)?;
    let made = plugin.functions.create(info.kind, &info.id, &info.defaults())?;
    let meta: ForeignMeta = made.try_into()?;
    let start = Instant::now();
    for _ in 0..CALLS {
        std::hint::black_box(meta.needs()?);
    }
    Ok(start.elapsed().as_nanos() as f64 / f64::from(CALLS))
}

/// Time in a worker process over time in this one, alternating network by network: the
/// median of the ratios. The first quarter warms both up.
fn isolation(setup: &Setup, units: &[Unit], folder: &Path) -> Result<f64, RunError> {
    let mut worker =
        Worker::start(setup, &folder.join("one.log"), (Limits::default(), 1), &Stop::default())?;
    let mut scorer = Scorer::new(setup)?;
    let units = &units[..units.len() / 2];
    let mut ratios = Vec::with_capacity(units.len());
    for (i, unit) in units.iter().enumerate() {
        let start = Instant::now();
        worker.score(unit, drop)?;
        let between = Instant::now();
        scorer.score(unit, |_| Ok(())).map_err(WorkerError::Start)?;
        if i >= units.len() / 4 {
            ratios.push((between - start).as_secs_f64() / between.elapsed().as_secs_f64());
        }
    }
    ratios.sort_by(f64::total_cmp);
    Ok(ratios[ratios.len() / 2])
}

/// Throughput of two workers of one thread over that of one worker with two, on the
/// same networks, alternating block by block; the first block warms them up.
fn workers(setup: &Setup, units: &[Unit], folder: &Path) -> Result<f64, RunError> {
    let start = |threads, name: &str| {
        let setup = Setup { threads, ..setup.clone() };
        Worker::start(&setup, &folder.join(name), (Limits::default(), 1), &Stop::default())
    };
    let mut two = [start(1, "a.log")?, start(1, "b.log")?];
    let mut one = start(2, "c.log")?;
    let (mut parallel, mut threaded) = (Duration::ZERO, Duration::ZERO);
    for (i, block) in units.chunks(BLOCK).enumerate() {
        let begin = Instant::now();
        let next = AtomicUsize::new(0);
        let serve = |worker: &mut Worker| -> Result<(), WorkerError> {
            while let Some(unit) = block.get(next.fetch_add(1, Ordering::Relaxed)) {
                worker.score(unit, drop)?;
            }
            Ok(())
        };
        thread::scope(|scope| {
            let jobs: Vec<_> = two.iter_mut().map(|worker| scope.spawn(|| serve(worker))).collect();
            jobs.into_iter().try_for_each(|job| match job.join() {
                Ok(result) => result,
                Err(_) => {
                    Err(WorkerError::Refused("a thread of the benchmark panicked".to_owned()))
                }
            })
        })?;
        let between = Instant::now();
        block.iter().try_for_each(|unit| one.score(unit, drop).map(drop))?;
        if i > 0 {
            parallel += between - begin;
            threaded += between.elapsed();
        }
    }
    Ok(threaded.as_secs_f64() / parallel.as_secs_f64())
}

//! Runs a study: plan, supernets, outstanding work, workers, store.
//!
//! Invariants: scores that the store has are not computed again, failures only
//! where their limit has grown or the user asks; every answer of a worker is
//! stored before it counts as done; the leaderboard depends on the study alone,
//! not on workers, order or interruptions.

mod architectures;
mod error;
mod forecast;
mod list;
mod merge;
mod outstanding;
mod plan;
mod pool;
mod rows;
mod times;
mod training;
mod vote;

pub use architectures::{Choice, LISTABLE, any_network, choose};

pub use crate::stop::Stop;
pub use error::RunError;
pub use forecast::{Cost, Forecast};
pub use merge::{MergeReport, Part, merge};
pub use outstanding::Outstanding;
pub use plan::{Job, Plan};
pub use training::Failed;

use crate::{
    loader::Registry,
    worker::{Answer, Limits, Scored, Scorer, Unit, WorkerError},
};
use indicatif::{ProgressBar, ProgressStyle};
use osee_core::{
    store::{Record, Retry, Store},
    study::Study,
};
use osee_model::estimator::FailureKind;
use std::time::{Duration, Instant};

/// How a study is run; none of it changes a number.
#[derive(Debug, Clone)]
pub struct RunOptions {
    /// Where plugins run.
    pub isolation: Isolation,
    /// Worker processes.
    pub workers: usize,
    /// Of one worker.
    pub limits: Limits,
    /// Kinds of stored failures that are tried again.
    pub retry: Vec<FailureKind>,
    /// Ends it early.
    pub stop: Stop,
}

impl RunOptions {
    /// Which stored failures are tried again.
    pub fn retry(&self) -> Retry {
        let Limits { time, memory } = match self.isolation {
            Isolation::Process => self.limits,
            // There is nobody to keep any.
            Isolation::None => Limits { time: Duration::MAX, memory: u64::MAX },
        };
        Retry { kinds: self.retry.clone(), ..Retry::within(time, memory) }
    }
}

/// What a run came to.
#[derive(Debug)]
pub struct Ran {
    /// Its results.
    pub store: Store,
    /// What could not be trained; the next run tries again.
    pub failed: Vec<Failed>,
    /// Units that are left because it was stopped, none where only votes over all
    /// of them are; `None` if it was not.
    pub stopped: Option<u64>,
}

/// Where plugins run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Isolation {
    /// In worker processes: a crash costs a worker.
    Process,
    /// In the host itself, one network at a time: a crash ends it. For
    /// debuggers.
    None,
}

/// Runs what is outstanding of `plan` in its directory, and stores it. `plan`
/// is `study` resolved with `registry`. What depends on the whole population
/// is left out of a shard, and of a run that was stopped.
///
/// # Errors
/// When the directory cannot be used, or workers cannot be started.
pub fn run(
    study: &Study,
    plan: &Plan,
    registry: &Registry,
    options: &RunOptions,
) -> Result<Ran, RunError> {
    let mut store = Store::for_run(&plan.dir, study)?;
    store.set_plan(&plan.architectures)?;
    let mut outstanding = Outstanding::new(plan, &store, &options.retry())?;
    let mut left = outstanding.len();
    let jobs = outstanding.jobs();
    if !plan.shard.is_whole() {
        training::check(plan, &jobs)?;
    }
    let failed = training::run(plan, &jobs, &mut store, options)?;
    training::check_weights(plan, &store)?;
    outstanding.drop_untrained(&failed);
    training::record(plan, &failed, &mut store)?;
    if !outstanding.is_empty() && !options.stop.is_set() {
        tracing::info!(units = outstanding.len(), "scoring");
        left -= score(plan, &outstanding, &mut store, options)?;
    }
    // A merge finds there what is to be computed of the whole.
    let meta = plan.meta_scorers(&store)?;
    if options.stop.is_set() {
        return Ok(Ran { store, failed, stopped: Some(left as u64) });
    }
    let mut votes = 0;
    if plan.shard.is_whole() {
        let RunOptions { isolation, limits, ref stop, .. } = *options;
        let bench = vote::Bench { isolation, limits, dir: &plan.dir, stop };
        votes = vote::finish(&plan.population(&store, meta)?, registry, &mut store, &bench)?;
    }
    // All units are there then.
    let stopped = (votes > 0).then_some(0);
    Ok(Ran { store, failed, stopped })
}

/// Trains all supernets of `plan`, or those that are its shard's, without
/// scoring anything.
///
/// # Errors
/// As [`run`].
pub fn train(study: &Study, plan: &Plan, options: &RunOptions) -> Result<Ran, RunError> {
    let mut store = Store::for_run(&plan.dir, study)?;
    store.set_plan(&plan.architectures)?;
    let jobs = plan.all_jobs();
    let failed = training::run(plan, &jobs, &mut store, options)?;
    let stopped = options.stop.is_set().then(|| training::open(plan, &jobs).count() as u64);
    Ok(Ran { store, failed, stopped })
}

/// How many units it completed.
fn score(
    plan: &Plan,
    outstanding: &Outstanding<'_>,
    store: &mut Store,
    options: &RunOptions,
) -> Result<usize, RunError> {
    let scorers = plan.scorers(store)?;
    let device = plan.setup.device.clone();
    let bar = progress(outstanding.len() as u64, plan.units());
    let mut complete = 0;
    let keep = |unit: &Unit, scored: Vec<Scored>, took: Duration| {
        for one in &scored {
            store.record_evaluations(&one.evaluated)?;
        }
        let records: Vec<Record> = scored
            .into_iter()
            .map(|scored| Record {
                scorer: scorers[scored.estimator],
                arch: unit.arch,
                seed: unit.seed,
                outcome: scored.outcome,
                milliseconds: scored.milliseconds,
                device: device.clone(),
            })
            .collect();
        store.record_unit(&records, took.as_secs_f64() * 1e3)?;
        complete += usize::from(!outstanding.waits(unit));
        bar.inc(1);
        Ok(())
    };
    match options.isolation {
        Isolation::Process => pool::run(plan, outstanding, options, keep)?,
        Isolation::None => in_host(plan, outstanding, options, keep)?,
    }
    bar.finish_and_clear();
    Ok(complete)
}

fn in_host(
    plan: &Plan,
    units: &Outstanding<'_>,
    options: &RunOptions,
    mut keep: impl FnMut(&Unit, Vec<Scored>, Duration) -> Result<(), RunError>,
) -> Result<(), RunError> {
    let mut scorer = Scorer::new(&plan.setup)?.stopped_by(&options.stop);
    let mut queue = units.queue(&plan.dir, &options.stop)?;
    while let Some(unit) = queue.next()? {
        let mut scored = Vec::with_capacity(unit.estimators.len());
        let tell = |answer| {
            scored.extend(match answer {
                Answer::Scored(result) => Some(result),
                _ => None,
            });
            Ok(())
        };
        let start = Instant::now();
        scorer.score(&unit, tell).map_err(WorkerError::Start)?;
        // Else one of them was told to stop.
        if scored.len() == unit.estimators.len() {
            keep(&unit, scored, start.elapsed())?;
        }
    }
    Ok(())
}

/// Silent off a terminal. `outstanding` of `all` units are left.
fn progress(outstanding: u64, all: u64) -> ProgressBar {
    let style = ProgressStyle::with_template(
        "{msg} [{bar:30}] {pos}/{len} networks, {per_sec}, {eta} left",
    );
    let bar = ProgressBar::new(all.max(outstanding))
        .with_position(all.saturating_sub(outstanding))
        .with_message("scoring");
    if let Ok(style) = style {
        bar.set_style(style.progress_chars("=> "));
    }
    bar.reset_eta();
    bar
}

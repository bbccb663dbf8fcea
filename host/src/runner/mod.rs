//! Runs a study: plan, supernets, outstanding work, workers, store.
//!
//! Invariants: what the store has is not computed again; every answer of a
//! worker is stored before it counts as done; the leaderboard depends on the
//! study alone, not on workers, order or interruptions.

mod architectures;
mod plan;
mod pool;
mod rows;
mod training;
mod vote;

pub use architectures::{LISTABLE, choose};
pub use vote::seed_means;

pub use plan::{Plan, RunError};
pub use training::Failed;

use crate::{
    loader::Registry,
    worker::{Answer, Limits, Scored, Scorer, Unit, WorkerError},
};
use indicatif::{ProgressBar, ProgressStyle};
use osee_core::{
    store::{Record, Store},
    study::Study,
};
use std::path::Path;

/// How a study is run; none of it changes a number.
#[derive(Debug, Clone)]
pub struct RunOptions {
    /// Where plugins run.
    pub isolation: Isolation,
    /// Worker processes.
    pub workers: usize,
    /// Of one worker.
    pub limits: Limits,
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

/// Runs what is outstanding of `plan` in its directory, and stores it; what
/// could not be trained is returned beside the store, and is tried again by
/// the next run. `plan` is `study` resolved with `registry`.
///
/// # Errors
/// When the directory cannot be used, or workers cannot be started.
pub fn run(
    study: &Study,
    plan: &Plan,
    registry: &Registry,
    options: &RunOptions,
) -> Result<(Store, Vec<Failed>), RunError> {
    let dir = &plan.setup.run;
    let mut store = Store::for_run(dir, study)?;
    store.set_plan(&plan.architectures)?;
    let mut outstanding = plan.outstanding(&store)?;
    let failed = training::run(plan, &plan.jobs(&outstanding), &mut store, dir, options)?;
    plan.drop_untrained(&mut outstanding, &failed);
    if !outstanding.is_empty() {
        tracing::info!(units = outstanding.len(), "scoring");
        score(plan, outstanding, &mut store, dir, options)?;
    }
    vote::finish(plan, registry, &mut store)?;
    Ok((store, failed))
}

/// Trains all supernets of `plan` without scoring anything.
///
/// # Errors
/// As [`run`].
pub fn train(
    study: &Study,
    plan: &Plan,
    options: &RunOptions,
) -> Result<(Store, Vec<Failed>), RunError> {
    let dir = &plan.setup.run;
    let mut store = Store::for_run(dir, study)?;
    store.set_plan(&plan.architectures)?;
    let failed = training::run(plan, &plan.all_jobs(), &mut store, dir, options)?;
    Ok((store, failed))
}

fn score(
    plan: &Plan,
    outstanding: Vec<Unit>,
    store: &mut Store,
    dir: &Path,
    options: &RunOptions,
) -> Result<(), RunError> {
    let scorers = plan.scorers(store)?;
    let device = plan.setup.device.clone();
    let bar = progress(outstanding.len() as u64, plan.units());
    let keep = |unit: &Unit, scored: Vec<Scored>| {
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
        store.record(&records)?;
        bar.inc(1);
        Ok(())
    };
    match options.isolation {
        Isolation::Process => pool::run(plan, outstanding, dir, options, keep)?,
        Isolation::None => in_host(plan, &outstanding, keep)?,
    }
    bar.finish_and_clear();
    Ok(())
}

fn in_host(
    plan: &Plan,
    units: &[Unit],
    mut keep: impl FnMut(&Unit, Vec<Scored>) -> Result<(), RunError>,
) -> Result<(), RunError> {
    let mut scorer = Scorer::new(&plan.setup)?;
    for unit in units {
        let mut scored = Vec::with_capacity(unit.estimators.len());
        let tell = |answer| {
            scored.extend(match answer {
                Answer::Scored(result) => Some(result),
                _ => None,
            });
            Ok(())
        };
        scorer.score(unit, tell).map_err(WorkerError::Start)?;
        keep(unit, scored)?;
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

//! Runs a study: plan, outstanding work, workers, store.
//!
//! Invariants: what the store has is not computed again; every answer of a
//! worker is stored before it counts as done; the leaderboard depends on the
//! study alone, not on workers, order or interruptions.

mod architectures;
mod plan;
mod pool;
mod vote;

pub use vote::seed_means;

pub use plan::{Plan, RunError};

use crate::{loader::Registry, worker::Unit};
use indicatif::{ProgressBar, ProgressStyle};
use osee_core::{
    store::{Record, Store},
    study::Study,
};
use std::path::Path;

/// How a study is run; none of it changes a number.
#[derive(Debug, Clone)]
pub struct RunOptions {
    /// Worker processes.
    pub workers: usize,
}

/// Runs what is outstanding of `plan` in `dir` and stores it. `plan` is
/// `study` resolved with `registry`.
///
/// # Errors
/// When the directory cannot be used, or workers cannot be started.
pub fn run(
    study: &Study,
    plan: &Plan,
    registry: &Registry,
    dir: &Path,
    options: &RunOptions,
) -> Result<Store, RunError> {
    let mut store = Store::for_run(dir, study)?;
    store.set_plan(&plan.architectures)?;
    let outstanding = plan.outstanding(&store)?;
    if !outstanding.is_empty() {
        tracing::info!(units = outstanding.len(), "scoring");
        score(plan, outstanding, &mut store, dir, options)?;
    }
    vote::finish(plan, registry, &mut store)?;
    Ok(store)
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
    pool::run(plan, outstanding, dir, options.workers, |unit, scored| {
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
    })?;
    bar.finish_and_clear();
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

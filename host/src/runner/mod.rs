//! Carries out a plan: supernets, outstanding units, workers, store.
//!
//! Invariants: stored scores are not computed again, and failures only if their limit
//! has grown or the user asks. Every answer of a worker is stored before it counts as
//! done. The leaderboard depends on the study alone, not on workers, order or
//! interruptions.

mod error;
mod forecast;
mod merge;
mod outstanding;
mod pool;
mod times;
mod training;
mod vote;

pub use crate::stop::Stop;
pub use error::RunError;
pub use forecast::{Cost, Forecast};
pub use merge::{MergeReport, Part, merge};
pub use outstanding::Outstanding;
pub use training::Failed;

use crate::{
    loader::Registry,
    plan::{Plan, PlanError, Unit},
    progress::{Event, Reporter},
    worker::{Answer, Limits, Scored, Scorer, WorkerError, cores, memory_of_one, policy},
};
use osee_core::{
    row::RowKey,
    store::{Record, Retry, RowId, Store, StoreWriter, Superseded},
    study::Study,
};
use osee_engine::data::Source;
use osee_model::{device::DeviceKind, estimator::FailureKind};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

/// How a study is run; no option changes a number.
#[derive(Debug, Clone)]
pub struct RunOptions {
    /// Where plugins run.
    pub isolation: Isolation,
    /// Number of worker processes; the device's own if `None`.
    pub workers: Option<usize>,
    /// Longest time for one score.
    pub time: Duration,
    /// Memory limit of each worker in bytes; the device's own if `None`.
    pub memory: Option<u64>,
    /// Kinds of stored failures that are tried again.
    pub retry: Vec<FailureKind>,
    /// Ends the run early when set.
    pub stop: Stop,
    /// Receives the events of the run.
    pub reporter: Arc<dyn Reporter>,
}

impl RunOptions {
    /// Number of worker processes on a device.
    pub fn workers_on(&self, device: DeviceKind) -> usize {
        self.workers.unwrap_or_else(|| policy::workers(device, cores()))
    }

    /// Limits of each worker on a device.
    pub fn limits_on(&self, device: DeviceKind) -> Limits {
        let workers = self.workers_on(device);
        let own = || policy::memory(device, memory_of_one(), cores(), workers);
        Limits { time: self.time, memory: self.memory.unwrap_or_else(own) }
    }

    /// Selects the stored failures that are tried again on a device.
    pub fn retry_on(&self, device: DeviceKind) -> Retry {
        let Limits { time, memory } = match self.isolation {
            Isolation::Process => self.limits_on(device),
            // Without a worker, nothing enforces limits.
            Isolation::None => Limits { time: Duration::MAX, memory: u64::MAX },
        };
        Retry { kinds: self.retry.clone(), ..Retry::within(time, memory) }
    }
}

/// The result of a run.
#[derive(Debug)]
pub struct Ran {
    /// The store with its results.
    pub store: Store,
    /// Trainings that failed; the next run tries them again.
    pub failed: Vec<Failed>,
    /// Number of units left because the run was stopped, 0 if only meta estimators are
    /// left; `None` if it was not stopped.
    pub stopped: Option<u64>,
}

/// Where plugins run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Isolation {
    /// Worker processes: a crash costs a worker.
    Process,
    /// The host itself, one network at a time, for debuggers: a crash ends the host.
    None,
}

/// Computes and stores what is outstanding of `plan`, which is `study` resolved with
/// `registry`. What depends on the whole population is skipped in a shard, and in a run
/// that was stopped.
///
/// # Errors
/// If the directory cannot be used, or workers cannot be started.
pub fn run(
    study: &Study,
    plan: &Plan,
    registry: &Registry,
    options: &RunOptions,
) -> Result<Ran, RunError> {
    let mut store = StoreWriter::open(&plan.dir, study)?;
    store.fix_architectures(&plan.architectures)?;
    let keys = plan.keys();
    tell_superseded(plan, &store, &*options.reporter)?;
    let ids = store.register(&keys)?;
    let (rows, meta) = ids.split_at(plan.setup.rows.len());
    let mut outstanding =
        Outstanding::new(plan, &store, &options.retry_on(plan.setup.device.kind()))?;
    let mut left = outstanding.len();
    let trainings = outstanding.trainings();
    if !plan.shard.is_whole() {
        training::check(plan, &trainings)?;
    }
    let failed = training::run(plan, &trainings, &mut store, options)?;
    training::check_weights(plan, &store)?;
    outstanding.drop_untrained(&failed);
    training::record(plan, rows, &failed, &mut store)?;
    if !outstanding.is_empty() && !options.stop.is_set() {
        left -= score(plan, &outstanding, (rows, &mut store), options)?;
    }
    if options.stop.is_set() {
        return Ok(Ran { store: store.finish(), failed, stopped: Some(left as u64) });
    }
    let mut votes = 0;
    // A shard leaves what depends on the whole population to a merge.
    if plan.shard.is_whole() {
        let with_keys = |ids: &[RowId], keys: &[RowKey]| {
            ids.iter().copied().zip(keys.iter().cloned()).collect::<Vec<_>>()
        };
        let population = vote::Population {
            architectures: &plan.architectures[..plan.drawn],
            experts: with_keys(rows, &keys[..rows.len()]),
            meta: with_keys(meta, &keys[rows.len()..]),
            seed: plan.seeds.first(),
            device: plan.setup.device,
        };
        let RunOptions { isolation, ref stop, .. } = *options;
        let limits = options.limits_on(DeviceKind::Cpu);
        let place = vote::Place { isolation, limits, dir: &plan.dir, stop };
        votes = vote::finish(&population, registry, &mut store, &place)?;
    }
    // All units are complete at this point.
    let stopped = (votes > 0).then_some(0);
    Ok(Ran { store: store.finish(), failed, stopped })
}

/// Reports which stored scores are computed again because they were made with other
/// images, or with a key that covered only a sample.
fn tell_superseded(plan: &Plan, store: &Store, reporter: &dyn Reporter) -> Result<(), RunError> {
    let superseded = store.superseded(&plan.keys())?;
    if superseded.is_empty() {
        return Ok(());
    }
    let source = Source::open(&plan.setup.data).map_err(PlanError::from)?;
    let (now, sampled) = (source.identity(), source.sampled_identity());
    let (now, sampled) = (now.map_err(PlanError::from)?, sampled.map_err(PlanError::from)?);
    for Superseded { row, scores, images } in superseded {
        let reason = match images == sampled {
            true => format!(
                "their key, {images}, covers a sample of the images; that of all of them is {now}"
            ),
            false => format!("they are of other images, {images}; those of the study are {now}"),
        };
        reporter.tell(Event::Superseded { row: &row, scores, reason: &reason });
    }
    Ok(())
}

/// Trains the supernets of `plan`, all or its shard's, and scores nothing.
///
/// # Errors
/// As for [`run`].
pub fn train(study: &Study, plan: &Plan, options: &RunOptions) -> Result<Ran, RunError> {
    let mut store = StoreWriter::open(&plan.dir, study)?;
    store.fix_architectures(&plan.architectures)?;
    let trainings = plan.trainings();
    let failed = training::run(plan, &trainings, &mut store, options)?;
    let stopped = options.stop.is_set().then(|| training::open(plan, &trainings).count() as u64);
    Ok(Ran { store: store.finish(), failed, stopped })
}

/// Scores what is outstanding. Returns the number of completed units.
fn score(
    plan: &Plan,
    outstanding: &Outstanding<'_>,
    (rows, store): (&[RowId], &mut StoreWriter),
    options: &RunOptions,
) -> Result<usize, RunError> {
    let device = osee_engine::described_device(plan.setup.device);
    let tell = |event: Event<'_>| options.reporter.tell(event);
    tell(Event::ScoringBegins { outstanding: outstanding.len() as u64, units: plan.units() });
    let mut complete = 0;
    let keep = |unit: &Unit, scored: Vec<Scored>, took: Duration| {
        for one in &scored {
            store.record_evaluations(&one.evaluated)?;
        }
        let records: Vec<Record> = scored
            .into_iter()
            .map(|scored| Record {
                row: rows[scored.row],
                arch_index: unit.arch_index,
                seed: unit.seed,
                outcome: scored.outcome,
                milliseconds: scored.milliseconds,
                device: device.clone(),
            })
            .collect();
        let milliseconds = took.as_secs_f64() * 1e3;
        store.record_unit(&records, milliseconds)?;
        complete += usize::from(!outstanding.waits(unit));
        let failed = records.iter().filter(|record| record.outcome.is_err()).count();
        let (architecture, seed) = (unit.arch.as_str(), unit.seed);
        tell(Event::UnitScored { architecture, seed, failed, milliseconds });
        Ok(())
    };
    match options.isolation {
        Isolation::Process => pool::run(plan, outstanding, options, keep)?,
        Isolation::None => in_host(plan, outstanding, options, keep)?,
    }
    tell(Event::Over);
    Ok(complete)
}

fn in_host(
    plan: &Plan,
    units: &Outstanding<'_>,
    options: &RunOptions,
    mut keep: impl FnMut(&Unit, Vec<Scored>, Duration) -> Result<(), RunError>,
) -> Result<(), RunError> {
    let mut scorer = Scorer::new(&plan.setup)?.stopped_by(&options.stop);
    let mut queue = units.queue(&options.stop)?;
    while let Some(unit) = queue.next()? {
        let mut scored = Vec::with_capacity(unit.rows.len());
        let tell = |answer| {
            scored.extend(match answer {
                Answer::Scored(result) => Some(result),
                _ => None,
            });
            Ok(())
        };
        let start = Instant::now();
        scorer.score(&unit, tell).map_err(WorkerError::Start)?;
        // If results are missing, an estimator was told to stop.
        if scored.len() == unit.rows.len() {
            keep(&unit, scored, start.elapsed())?;
        }
    }
    Ok(())
}

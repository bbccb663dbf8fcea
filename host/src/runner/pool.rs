//! Hands units to worker processes.
//!
//! A worker that dies is replaced. The unit it died of is tried again
//! estimator by estimator, so that the culprit gets the failure and the
//! others their scores.

use super::{Plan, RunError};
use crate::worker::{Scored, Unit, Worker, WorkerError};
use osee_core::estimator::{Failure, FailureKind};
use std::{
    collections::VecDeque,
    path::Path,
    sync::{Mutex, PoisonError, mpsc},
    thread,
};

type Finished = Result<(Unit, Vec<Scored>), WorkerError>;

/// Scores `units` with up to `workers` processes; `store` is called for each
/// in the order they finish.
pub fn run(
    plan: &Plan,
    units: Vec<Unit>,
    dir: &Path,
    workers: usize,
    mut store: impl FnMut(&Unit, Vec<Scored>) -> Result<(), RunError>,
) -> Result<(), RunError> {
    let workers = workers.clamp(1, units.len());
    let mut left = units.len();
    let queue = Mutex::new(VecDeque::from(units));
    // Of no length: a worker starts its next unit only when its last is being
    // stored, so a kill loses at most what is under way.
    let (send, receive) = mpsc::sync_channel::<Finished>(0);
    thread::scope(|scope| {
        for number in 0..workers {
            let (send, queue) = (send.clone(), &queue);
            let log = dir.join(format!("worker-{number}.log"));
            scope.spawn(move || work(plan, queue, &log, &send));
        }
        drop(send);
        let mut outcome = Ok(());
        while left > 0 && outcome.is_ok() {
            outcome = match receive.recv() {
                Ok(Ok((unit, scored))) => store(&unit, scored),
                Ok(Err(error)) => Err(error.into()),
                Err(_) => break,
            };
            left -= 1;
        }
        if outcome.is_err() {
            queue.lock().unwrap_or_else(PoisonError::into_inner).clear();
        }
        // Threads that still wait to hand something over see that nobody takes it.
        drop(receive);
        outcome
    })
}

fn work(plan: &Plan, queue: &Mutex<VecDeque<Unit>>, log: &Path, send: &mpsc::SyncSender<Finished>) {
    let mut worker = None;
    loop {
        let next = queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        let Some(unit) = next else { return };
        let scored = score(plan, &mut worker, &unit, log);
        let stop = scored.is_err();
        if send.send(scored.map(|scored| (unit, scored))).is_err() || stop {
            return;
        }
    }
}

/// Scores a unit, at worst estimator by estimator.
fn score(
    plan: &Plan,
    worker: &mut Option<Worker>,
    unit: &Unit,
    log: &Path,
) -> Result<Vec<Scored>, WorkerError> {
    let death = match attempt(plan, worker, unit, log) {
        Err(WorkerError::Died(how)) => how,
        result => return result,
    };
    tracing::warn!(arch = unit.text, "{death}");
    if let [estimator] = unit.estimators[..] {
        let outcome = Err(Failure::new(FailureKind::Crash, death));
        return Ok(vec![Scored { estimator, outcome, milliseconds: 0.0 }]);
    }
    let mut scored = Vec::with_capacity(unit.estimators.len());
    for &estimator in &unit.estimators {
        let alone = Unit { estimators: vec![estimator], ..unit.clone() };
        scored.extend(score(plan, worker, &alone, log)?);
    }
    Ok(scored)
}

/// One try; a worker that failed is gone afterwards.
fn attempt(
    plan: &Plan,
    worker: &mut Option<Worker>,
    unit: &Unit,
    log: &Path,
) -> Result<Vec<Scored>, WorkerError> {
    let mut running = match worker.take() {
        Some(running) => running,
        None => Worker::start(&plan.setup, log)?,
    };
    let scored = running.score(unit)?;
    *worker = Some(running);
    Ok(scored)
}

//! Hands units to worker processes.
//!
//! A worker that dies is replaced. The estimator that was at work is tried once more,
//! alone in a fresh worker: if that dies too, the estimator gets the failure; otherwise
//! something before it had broken the worker, and it gets its score. The rest of the
//! unit continues. An estimator that fails this way repeatedly is given up, so that one
//! that always hangs cannot hold up a study.
//!
//! An estimator that passes the time limit is told so, and all are told once the run is
//! stopped: one that listens returns, and its worker lives on. A unit that was cut by a
//! stop is left as if it had not been begun.

use super::{
    RunError, RunOptions,
    outstanding::{Outstanding, Queue},
};
use crate::plan::Plan;
use crate::{
    plan::Unit,
    worker::{Death, Ended, Scored, Worker, WorkerError},
};
use osee_model::estimator::{Failure, FailureKind};
use std::{
    path::PathBuf,
    sync::{Mutex, MutexGuard, PoisonError, mpsc},
    thread,
    time::Duration,
};

/// Consecutive deaths and timeouts, over all workers, after which an estimator is not
/// tried again.
const PATIENCE: u32 = 3;

/// A unit, its results, and the time that workers spent on it.
type Finished = Result<(Unit, Vec<Scored>, Duration), RunError>;

/// Recent deaths and timeouts of one estimator.
#[derive(Debug, Default)]
struct Strikes {
    /// Number since its last result, over all workers.
    count: u32,
    last: Option<Failure>,
}

impl Strikes {
    /// Returns the failure of an estimator that is not tried again; `None` if it still
    /// is.
    fn given_up(&self) -> Option<Failure> {
        let last = self.last.as_ref().filter(|_| self.count >= PATIENCE)?;
        let what = format!("not tried, after {PATIENCE} such failures in a row: {}", last.message);
        // A wider limit may make it worth a try, as it does for the last failure.
        Some(Failure::new(last.kind, what).by(last.limit))
    }
}

/// Scores `units` with as many processes as `options` say. `store` is called for each
/// unit in the order they finish. When told to stop, it ends the units under way.
pub fn run(
    plan: &Plan,
    units: &Outstanding<'_>,
    options: &RunOptions,
    mut store: impl FnMut(&Unit, Vec<Scored>, Duration) -> Result<(), RunError>,
) -> Result<(), RunError> {
    let workers = options.workers_on(plan.setup.device.kind()).clamp(1, units.len());
    let queue = Mutex::new(units.queue(&options.stop)?);
    let strikes: Vec<Mutex<Strikes>> = plan.setup.rows.iter().map(|_| Mutex::default()).collect();
    // Capacity zero: a worker starts its next unit only when its last is being stored,
    // so a kill loses at most what is under way.
    let (send, receive) = mpsc::sync_channel::<Finished>(0);
    thread::scope(|scope| {
        for number in 0..workers {
            let (send, queue) = (send.clone(), &queue);
            let log = plan.dir.worker_log(number);
            let strikes = strikes.as_slice();
            let mut post =
                Post { plan, options, strikes, log, worker: None, spent: Duration::ZERO };
            scope.spawn(move || post.serve(queue, &send));
        }
        drop(send);
        let mut outcome = Ok(());
        while outcome.is_ok() {
            outcome = match receive.recv() {
                Ok(Ok((unit, scored, took))) => store(&unit, scored, took),
                Ok(Err(error)) => Err(error),
                // All senders are gone.
                Err(_) => break,
            };
        }
        if outcome.is_err() {
            queue.lock().unwrap_or_else(PoisonError::into_inner).close();
        }
        // Threads that still wait to send see that nobody receives.
        drop(receive);
        outcome
    })
}

/// One slot of the pool, with its current worker.
struct Post<'a> {
    plan: &'a Plan,
    options: &'a RunOptions,
    /// Strikes of each row.
    strikes: &'a [Mutex<Strikes>],
    log: PathBuf,
    worker: Option<Worker>,
    /// Time that workers have spent on the current unit.
    spent: Duration,
}

impl Post<'_> {
    fn serve(&mut self, queue: &Mutex<Queue<'_>>, send: &mpsc::SyncSender<Finished>) {
        loop {
            let next = queue.lock().unwrap_or_else(PoisonError::into_inner).next();
            let finished = match next {
                Ok(None) => return,
                Ok(Some(unit)) => match self.score(&unit) {
                    Ok(scored) => Ok((unit, scored, self.spent)),
                    // The unit is left as if it had not been begun.
                    Err(WorkerError::Stopped) => return,
                    Err(error) => Err(error.into()),
                },
                Err(error) => Err(error),
            };
            let stop = finished.is_err();
            if send.send(finished).is_err() || stop {
                return;
            }
        }
    }

    /// Scores a unit: a result or a failure for every estimator.
    fn score(&mut self, unit: &Unit) -> Result<Vec<Scored>, WorkerError> {
        let mut scored: Vec<Scored> = Vec::with_capacity(unit.rows.len());
        let mut left = unit.clone();
        self.spent = Duration::ZERO;
        loop {
            left.rows.retain(|row| !scored.iter().any(|done| done.row == *row));
            left.rows.retain(|row| match self.strikes(*row).given_up() {
                Some(failure) => {
                    scored.push(Scored::new(*row, Err(failure), 0.0));
                    false
                }
                None => true,
            });
            if left.rows.is_empty() {
                return Ok(scored);
            }
            let Some(death) = self.attempt(&left, &mut scored)? else { continue };
            tracing::warn!(arch = unit.arch, "{death}");
            let Some(suspect) = death.row else { return Err(WorkerError::Died(death)) };
            if death.failure.kind == FailureKind::Timeout {
                // The estimator was at work all that time: there is no other suspect.
                scored.push(self.strike(suspect, death));
                continue;
            }
            let alone = Unit { rows: vec![suspect], ..unit.clone() };
            if let Some(death) = self.attempt(&alone, &mut scored)? {
                scored.push(self.strike(suspect, death));
            }
        }
    }

    fn strikes(&self, row: usize) -> MutexGuard<'_, Strikes> {
        self.strikes[row].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a strike, and returns the failure as the estimator's result.
    fn strike(&self, row: usize, death: Death) -> Scored {
        let mut strikes = self.strikes(row);
        strikes.count += 1;
        strikes.last = Some(death.failure.clone());
        Scored::new(row, Err(death.failure), death.milliseconds)
    }

    /// Scores a unit once, adding results as they come. Returns the death, if any, of
    /// the worker, which is then gone, or of the estimator alone.
    fn attempt(
        &mut self,
        unit: &Unit,
        scored: &mut Vec<Scored>,
    ) -> Result<Option<Death>, WorkerError> {
        let mut worker = match self.worker.take() {
            Some(worker) => worker,
            None => {
                let Self { plan, options, log, .. } = self;
                let device = plan.setup.device.kind();
                let (limits, beside) = (options.limits_on(device), options.workers_on(device));
                Worker::start(&plan.setup, log, (limits, beside), &options.stop)?
            }
        };
        let strikes = self.strikes;
        let keep = |result: Scored| {
            let of = strikes[result.row].lock();
            of.unwrap_or_else(PoisonError::into_inner).count = 0;
            scored.push(result);
        };
        let before = worker.spent();
        let ended = worker.score(unit, keep);
        self.spent += worker.spent() - before;
        match ended {
            Ok(ended) => {
                self.worker = Some(worker);
                Ok(match ended {
                    Ended::Whole | Ended::Cut => None,
                    Ended::Late(death) => Some(death),
                })
            }
            Err(WorkerError::Died(death)) => Ok(Some(death)),
            Err(error) => Err(error),
        }
    }
}

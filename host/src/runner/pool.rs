//! Hands units to worker processes.
//!
//! A worker that dies is replaced. The estimator that was at work is tried
//! once more, alone in a fresh worker: if that dies too, it has the failure;
//! else something before it had broken the worker, and it has its score. The
//! rest of the unit goes on. An estimator that fails this way again and again
//! is given up, so that one that always hangs cannot hold up a study.

use super::{
    Plan, RunError, RunOptions,
    outstanding::{Outstanding, Queue},
};
use crate::worker::{Death, Scored, Unit, Worker, WorkerError};
use osee_core::estimator::{Failure, FailureKind};
use std::{
    path::PathBuf,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU32, Ordering},
        mpsc,
    },
    thread,
};

/// Deaths and timeouts in a row, over all workers, after which an estimator
/// is not tried again.
const PATIENCE: u32 = 3;

type Finished = Result<(Unit, Vec<Scored>), RunError>;

/// Scores `units` with up to `options.workers` processes; `store` is called
/// for each in the order they finish. Told to stop, it ends those under way.
pub fn run(
    plan: &Plan,
    units: &Outstanding<'_>,
    options: &RunOptions,
    mut store: impl FnMut(&Unit, Vec<Scored>) -> Result<(), RunError>,
) -> Result<(), RunError> {
    let workers = options.workers.clamp(1, units.len());
    let queue = Mutex::new(units.queue(&plan.dir, &options.stop)?);
    let strikes: Vec<AtomicU32> =
        plan.setup.estimators.iter().map(|_| AtomicU32::default()).collect();
    // Of no length: a worker starts its next unit only when its last is being
    // stored, so a kill loses at most what is under way.
    let (send, receive) = mpsc::sync_channel::<Finished>(0);
    thread::scope(|scope| {
        for number in 0..workers {
            let (send, queue) = (send.clone(), &queue);
            let log = plan.dir.join(format!("worker-{number}.log"));
            let mut post = Post { plan, options, strikes: &strikes, log, worker: None };
            scope.spawn(move || post.serve(queue, &send));
        }
        drop(send);
        let mut outcome = Ok(());
        while outcome.is_ok() {
            outcome = match receive.recv() {
                Ok(Ok((unit, scored))) => store(&unit, scored),
                Ok(Err(error)) => Err(error),
                // Nobody is left who could send.
                Err(_) => break,
            };
        }
        if outcome.is_err() {
            queue.lock().unwrap_or_else(PoisonError::into_inner).close();
        }
        // Threads that still wait to hand something over see that nobody takes it.
        drop(receive);
        outcome
    })
}

/// One place at work, with the worker that fills it just now.
struct Post<'a> {
    plan: &'a Plan,
    options: &'a RunOptions,
    /// Deaths in a row, by estimator.
    strikes: &'a [AtomicU32],
    log: PathBuf,
    worker: Option<Worker>,
}

impl Post<'_> {
    fn serve(&mut self, queue: &Mutex<Queue<'_>>, send: &mpsc::SyncSender<Finished>) {
        loop {
            let next = queue.lock().unwrap_or_else(PoisonError::into_inner).next();
            let finished = match next {
                Ok(None) => return,
                Ok(Some(unit)) => match self.score(&unit) {
                    Ok(scored) => Ok((unit, scored)),
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

    /// Every estimator's result or failure.
    fn score(&mut self, unit: &Unit) -> Result<Vec<Scored>, WorkerError> {
        let mut scored: Vec<Scored> = Vec::with_capacity(unit.estimators.len());
        let mut left = unit.clone();
        loop {
            left.estimators.retain(|estimator| !scored.iter().any(|s| s.estimator == *estimator));
            for estimator in left.estimators.extract_if(.., |estimator| self.given_up(*estimator)) {
                let what = format!("not tried: its worker died {PATIENCE} times in a row");
                scored.push(failed(estimator, Failure::new(FailureKind::Crash, what)));
            }
            if left.estimators.is_empty() {
                return Ok(scored);
            }
            let Some(death) = self.attempt(&left, &mut scored)? else { continue };
            tracing::warn!(arch = unit.text, "{death}");
            let Some(suspect) = death.estimator else { return Err(WorkerError::Died(death)) };
            if death.failure.kind == FailureKind::Timeout {
                // It was at work all that time: there is no other suspect.
                self.strike(suspect);
                scored.push(failed(suspect, death.failure));
                continue;
            }
            let alone = Unit { estimators: vec![suspect], ..unit.clone() };
            if let Some(death) = self.attempt(&alone, &mut scored)? {
                self.strike(suspect);
                scored.push(failed(suspect, death.failure));
            }
        }
    }

    fn given_up(&self, estimator: usize) -> bool {
        self.strikes[estimator].load(Ordering::Relaxed) >= PATIENCE
    }

    fn strike(&self, estimator: usize) {
        self.strikes[estimator].fetch_add(1, Ordering::Relaxed);
    }

    /// One try, results added as they come; the death of the worker, if it
    /// died, and then it is gone.
    fn attempt(
        &mut self,
        unit: &Unit,
        scored: &mut Vec<Scored>,
    ) -> Result<Option<Death>, WorkerError> {
        let mut worker = match self.worker.take() {
            Some(worker) => worker,
            None => Worker::start(&self.plan.setup, &self.log, self.options.limits)?,
        };
        let keep = |result: Scored| {
            self.strikes[result.estimator].store(0, Ordering::Relaxed);
            scored.push(result);
        };
        match worker.score(unit, keep) {
            Ok(()) => {
                self.worker = Some(worker);
                Ok(None)
            }
            Err(WorkerError::Died(death)) => Ok(Some(death)),
            Err(error) => Err(error),
        }
    }
}

fn failed(estimator: usize, failure: Failure) -> Scored {
    Scored::new(estimator, Err(failure), 0.0)
}

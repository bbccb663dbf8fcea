//! Trains the supernets whose weights rows score, each in a worker process.

use super::{RunError, RunOptions};
use crate::{
    one_shot::Step,
    plan::{Plan, Setup, Training},
    progress::Event,
    worker::{Worker, WorkerError, policy},
};
use osee_core::store::{Curve, Record, RowId, StoreWriter};
use osee_model::{
    estimator::{Failure, FailureKind},
    hex::hex,
};
use sha2::{Digest, Sha256};
use std::{
    collections::{BTreeSet, VecDeque},
    fs::File,
    io::{self, BufRead, BufReader},
    ops::ControlFlow,
    path::PathBuf,
    sync::{Mutex, PoisonError, mpsc},
    thread,
};

/// A training that failed.
#[derive(Debug)]
pub struct Failed {
    /// The supernet and seed.
    pub training: Training,
    /// Name of the row that trains it.
    pub name: String,
    /// The reason.
    pub error: WorkerError,
}

enum News {
    Step(Training, Step),
    Ended(Training, Result<(), WorkerError>),
}

/// The trainings that are not complete.
pub fn open<'a>(
    plan: &'a Plan,
    trainings: &'a BTreeSet<Training>,
) -> impl Iterator<Item = Training> {
    let Setup { supernets, run, .. } = &plan.setup;
    let trained = |(supernet, seed): &Training| supernets[*supernet].is_trained(run, *seed);
    trainings.iter().copied().filter(move |it| !trained(it))
}

/// Refuses to continue unless all of `trainings` are complete.
///
/// # Errors
/// At the first training that is not.
pub fn check(plan: &Plan, trainings: &BTreeSet<Training>) -> Result<(), RunError> {
    match open(plan, trainings).next() {
        None => Ok(()),
        Some((supernet, seed)) => {
            let row = plan.setup.supernets[supernet].name.clone();
            Err(RunError::Untrained { row, seed })
        }
    }
}

/// Refuses to continue with other weights than the scores in `store` were made with.
///
/// # Errors
/// If a checkpoint that rows score has changed, or cannot be read.
pub fn check_weights(plan: &Plan, store: &StoreWriter) -> Result<(), RunError> {
    let mut wanted: BTreeSet<(Training, u32)> = BTreeSet::new();
    for (row, it) in plan.setup.rows.iter().enumerate() {
        let Some(weights) = &it.weights else { continue };
        let trainings = (0..plan.seeds.len()).filter_map(|seed| plan.training_of(row, seed));
        for training in trainings {
            wanted.extend(weights.epochs.iter().map(|epoch| (training, *epoch)));
        }
    }
    for ((supernet, seed), epoch) in wanted {
        let (spec, run) = (&plan.setup.supernets[supernet], &plan.setup.run);
        // A training that is not complete has no scores.
        if !spec.is_trained(run, seed) {
            continue;
        }
        let path = spec.dir(run, seed).checkpoint(epoch);
        let sha256 = match sha256(&path) {
            Ok(sha256) => sha256,
            Err(source) => return Err(RunError::Weights { path, source }),
        };
        if !store.pin_weights((&spec.key, seed, epoch), &sha256)? {
            return Err(RunError::OtherWeights(path));
        }
    }
    Ok(())
}

fn sha256(path: &PathBuf) -> io::Result<String> {
    let mut hash = Sha256::new();
    let mut file = BufReader::with_capacity(1 << 20, File::open(path)?);
    loop {
        let read = match file.fill_buf()? {
            [] => break,
            bytes => {
                hash.update(bytes);
                bytes.len()
            }
        };
        file.consume(read);
    }
    Ok(hex(hash.finalize()))
}

/// Runs those of `trainings` that are not complete, and stores epochs as they come. A
/// failure does not end the others; failures are returned.
///
/// # Errors
/// If the store cannot be written.
pub fn run(
    plan: &Plan,
    trainings: &BTreeSet<Training>,
    store: &mut StoreWriter,
    options: &RunOptions,
) -> Result<Vec<Failed>, RunError> {
    let queue: VecDeque<Training> = open(plan, trainings).collect();
    if queue.is_empty() {
        return Ok(Vec::new());
    }
    let tell = |event: Event<'_>| options.reporter.tell(event);
    let named = |(supernet, seed): Training| (plan.setup.supernets[supernet].name.as_str(), seed);
    for training in &queue {
        let ((supernet, seed), recipe) =
            (named(*training), &plan.setup.supernets[training.0].recipe);
        let steps = u64::from(recipe.epochs) * recipe.steps() as u64;
        tell(Event::TrainingBegins { supernet, seed, steps });
    }
    let device = plan.setup.device.kind();
    let workers = policy::trainings(device, queue.len(), options.workers_on(device));
    let queue = Mutex::new(queue);
    let (send, receive) = mpsc::channel::<News>();
    thread::scope(|scope| {
        for _ in 0..workers {
            let (send, queue) = (send.clone(), &queue);
            scope.spawn(move || {
                loop {
                    let next = queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
                    let Some(training) = next.filter(|_| !options.stop.is_set()) else { return };
                    let ended = train(plan, training, options, &send);
                    if send.send(News::Ended(training, ended)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(send);
        let mut failed = Vec::new();
        for news in &receive {
            match news {
                News::Step(training, step) => {
                    let (supernet, seed) = named(training);
                    match step {
                        Step::Working { done, .. } => {
                            tell(Event::TrainingStep { supernet, seed, done });
                        }
                        Step::Epoch(report) => {
                            tell(Event::TrainingEpoch { supernet, seed, report: &report });
                            let supernet = plan.setup.supernets[training.0].key.clone();
                            store.record_epoch(&Curve { supernet, seed, report })?;
                        }
                    }
                }
                News::Ended(training, Ok(())) => {
                    let (supernet, seed) = named(training);
                    tell(Event::TrainingEnds { supernet, seed });
                }
                // A stopped training did not fail: it resumes from its last checkpoint.
                News::Ended(_, Err(WorkerError::Stopped)) => {}
                News::Ended(training, Err(error)) => {
                    let name = named(training).0.to_owned();
                    failed.push(Failed { training, name, error });
                }
            }
        }
        tell(Event::Over);
        Ok(failed)
    })
}

/// Stores the failure of a training for every score that depends on it. The scores stay
/// outstanding.
///
/// # Errors
/// If the store cannot be written.
pub fn record(
    plan: &Plan,
    ids: &[RowId],
    failed: &[Failed],
    store: &mut StoreWriter,
) -> Result<(), RunError> {
    let device = osee_engine::described_device(plan.setup.device);
    for (index, &row) in ids.iter().enumerate() {
        for (seed_index, &seed) in plan.seeds.iter().enumerate() {
            let training = plan.training_of(index, seed_index);
            let cause = failed.iter().find(|it| Some(it.training) == training);
            let Some(Failed { error, .. }) = cause else { continue };
            let why = match error {
                WorkerError::Refused(why) => why.clone(),
                error => error.to_string(),
            };
            let failure = Failure::new(FailureKind::Untrained, why);
            let record = |arch_index| Record {
                row,
                arch_index,
                seed,
                outcome: Err(failure.clone()),
                milliseconds: 0.0,
                device: device.clone(),
            };
            store.record(&(0..plan.architectures.len()).map(record).collect::<Vec<_>>())?;
        }
    }
    Ok(())
}

fn train(
    plan: &Plan,
    (supernet, seed): Training,
    options: &RunOptions,
    send: &mpsc::Sender<News>,
) -> Result<(), WorkerError> {
    let key = &plan.setup.supernets[supernet].key;
    let log = plan.dir.training_log(key, seed);
    let limits = options.limits_on(plan.setup.device.kind());
    let mut worker = Worker::start(&plan.setup, &log, (limits, 1), &options.stop)?;
    worker.train(supernet, seed, |step| {
        // The receiver may be gone; the training continues all the same.
        let _ = send.send(News::Step((supernet, seed), step));
        match options.stop.is_set() {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    })
}

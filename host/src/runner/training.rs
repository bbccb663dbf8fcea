//! Trains the supernets that estimators look at, each in a worker process.

use super::{Job, Plan, RunError, RunOptions};
use crate::{
    one_shot::Step,
    worker::{Worker, WorkerError},
};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use osee_core::store::{Curve, Record, Store};
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

/// A training that did not come to its end.
#[derive(Debug)]
pub struct Failed {
    /// What was trained.
    pub job: Job,
    /// Name of a row that looks at it.
    pub name: String,
    /// Why.
    pub error: WorkerError,
}

enum News {
    Step(Job, Step),
    Ended(Job, Result<(), WorkerError>),
}

/// Those of `jobs` that have not come to their end.
pub fn open<'a>(plan: &'a Plan, jobs: &'a BTreeSet<Job>) -> impl Iterator<Item = Job> {
    let trained =
        |(supernet, seed): &Job| plan.setup.supernets[*supernet].is_trained(&plan.setup.run, *seed);
    jobs.iter().copied().filter(move |job| !trained(job))
}

/// Refuses to go on without one of `jobs`.
///
/// # Errors
/// When one is not trained.
pub fn check(plan: &Plan, jobs: &BTreeSet<Job>) -> Result<(), RunError> {
    match open(plan, jobs).next() {
        None => Ok(()),
        Some((supernet, seed)) => {
            let row = plan.setup.supernets[supernet].name.clone();
            Err(RunError::Untrained { row, seed })
        }
    }
}

/// Refuses to go on with other weights than those that scores in `store` were
/// made with.
///
/// # Errors
/// When a checkpoint that rows look at is another file than it was.
pub fn check_weights(plan: &Plan, store: &Store) -> Result<(), RunError> {
    let wanted: BTreeSet<(Job, u32)> = (0..plan.setup.estimators.len())
        .flat_map(|i| (0..plan.seeds.len()).map(move |round| (i, round)))
        .flat_map(|(i, round)| {
            let epochs = plan.setup.estimators[i].supernet.iter().flat_map(|it| &it.epochs);
            epochs.flat_map(move |epoch| plan.jobs_of(i, round).map(move |job| (job, *epoch)))
        })
        .collect();
    for ((supernet, seed), epoch) in wanted {
        let (spec, run) = (&plan.setup.supernets[supernet], &plan.setup.run);
        // One that is not trained to its end has no scores.
        if !spec.is_trained(run, seed) {
            continue;
        }
        let path = spec.checkpoint(run, seed, epoch);
        let sha256 = match sha256(&path) {
            Ok(sha256) => sha256,
            Err(source) => return Err(RunError::Weights { path, source }),
        };
        if !store.same_weights((&spec.key, seed, epoch), &sha256)? {
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

/// Trains what is not trained yet of `jobs`; epochs are stored and shown as
/// they come. Those that fail do not keep the others from going on.
///
/// # Errors
/// When the store fails.
pub fn run(
    plan: &Plan,
    jobs: &BTreeSet<Job>,
    store: &mut Store,
    options: &RunOptions,
) -> Result<Vec<Failed>, RunError> {
    let jobs: Vec<Job> = open(plan, jobs).collect();
    let queue = Mutex::new(VecDeque::from(jobs.clone()));
    let workers = at_once(jobs.len(), options.workers);
    let (send, receive) = mpsc::channel::<News>();
    let bars = Bars::new(plan, &jobs);
    thread::scope(|scope| {
        for _ in 0..workers {
            let (send, queue) = (send.clone(), &queue);
            scope.spawn(move || {
                loop {
                    let next = queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
                    let Some(job) = next.filter(|_| !options.stop.is_set()) else { return };
                    let ended = train(plan, job, options, &send);
                    if send.send(News::Ended(job, ended)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(send);
        let mut failed = Vec::new();
        for news in &receive {
            match news {
                News::Step(job, step) => {
                    bars.show(job, &step);
                    if let Step::Epoch(report) = step {
                        let supernet = plan.setup.supernets[job.0].key.clone();
                        store.record_epoch(&Curve { supernet, seed: job.1, report })?;
                    }
                }
                News::Ended(job, Ok(())) => bars.end(job),
                // Not its fault: it goes on from its last checkpoint.
                News::Ended(_, Err(WorkerError::Stopped)) => {}
                News::Ended(job, Err(error)) => {
                    let name = plan.setup.supernets[job.0].name.clone();
                    failed.push(Failed { job, name, error });
                }
            }
        }
        bars.clear();
        Ok(failed)
    })
}

/// Stores, for every score that would have come of a failed training, why there
/// is none. It stays outstanding.
///
/// # Errors
/// When the store fails.
pub fn record(plan: &Plan, failed: &[Failed], store: &mut Store) -> Result<(), RunError> {
    if failed.is_empty() {
        return Ok(());
    }
    let scorers = plan.scorers(store)?;
    for (estimator, scorer) in scorers.into_iter().enumerate() {
        for (round, &seed) in plan.seeds.iter().enumerate() {
            let mut jobs = plan.jobs_of(estimator, round);
            let cause = jobs.find_map(|job| failed.iter().find(|it| it.job == job));
            let Some(Failed { error, .. }) = cause else { continue };
            let why = match error {
                WorkerError::Refused(why) => why.clone(),
                error => error.to_string(),
            };
            let failure = Failure::new(FailureKind::Untrained, why);
            let record = |arch| Record {
                scorer,
                arch,
                seed,
                outcome: Err(failure.clone()),
                milliseconds: 0.0,
                device: plan.setup.device.clone(),
            };
            store.record(&(0..plan.architectures.len()).map(record).collect::<Vec<_>>())?;
        }
    }
    Ok(())
}

/// A few trainings more than workers share the cores and end together, which
/// is sooner than leaving the last ones a core each.
fn at_once(jobs: usize, workers: usize) -> usize {
    if jobs < workers.saturating_mul(2) { jobs } else { workers }
}

fn train(
    plan: &Plan,
    (supernet, seed): Job,
    options: &RunOptions,
    send: &mpsc::Sender<News>,
) -> Result<(), WorkerError> {
    let key = &plan.setup.supernets[supernet].key;
    let log = plan.dir.join(format!("training-{key}-seed{seed}.log"));
    let mut worker = Worker::start(&plan.setup, &log, options.limits, &options.stop)?;
    worker.train(supernet, seed, |step| {
        // Whoever shows it may be gone; the training need not be.
        let _ = send.send(News::Step((supernet, seed), step));
        match options.stop.is_set() {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    })
}

/// One line per training; silent off a terminal, but for the log.
struct Bars {
    all: MultiProgress,
    bars: Vec<(Job, String, ProgressBar)>,
}

impl Bars {
    fn new(plan: &Plan, jobs: &[Job]) -> Self {
        let all = MultiProgress::new();
        let style =
            ProgressStyle::with_template("{prefix} [{bar:20}] {percent}%, {eta} left {msg}")
                .map(|style| style.progress_chars("=> "));
        let bar = |&job: &Job| {
            let spec = &plan.setup.supernets[job.0];
            let length = u64::from(spec.recipe.epochs) * spec.recipe.steps() as u64;
            let bar = all.add(ProgressBar::new(length));
            if let Ok(style) = &style {
                bar.set_style(style.clone());
            }
            let name = format!("training {} seed {}", spec.name, job.1);
            bar.set_prefix(name.clone());
            (job, name, bar)
        };
        let bars = jobs.iter().map(bar).collect();
        Self { bars, all }
    }

    fn show(&self, job: Job, step: &Step) {
        let Some((_, name, bar)) = self.bars.iter().find(|(other, ..)| *other == job) else {
            return;
        };
        match step {
            Step::Working { done, .. } => {
                if bar.position() == 0 {
                    // A resumed training has not done these just now.
                    bar.set_position(*done);
                    bar.reset_eta();
                }
                bar.set_position(*done);
            }
            Step::Epoch(report) => {
                let line = format!(
                    "epoch {}: loss {:.3}, accuracy {:.3}, learning rate {:.4}, {:.0} images/s",
                    report.epoch,
                    report.loss,
                    report.accuracy,
                    report.learning_rate,
                    report.images_per_second
                );
                tracing::info!("{name} {line}");
                bar.set_message(line);
            }
        }
    }

    fn end(&self, job: Job) {
        if let Some((_, _, bar)) = self.bars.iter().find(|(other, ..)| *other == job) {
            bar.finish();
        }
    }

    fn clear(&self) {
        // A terminal that is gone needs no clearing.
        let _ = self.all.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::at_once;

    #[test]
    fn three_trainings_on_two_cores_run_together_and_ten_in_pairs() {
        assert_eq!((at_once(1, 2), at_once(3, 2), at_once(10, 2)), (1, 3, 2));
    }
}

//! The host's side: starts a worker process, asks it, and watches its limits.

use super::{
    frames::{self, Answer, MetaSetup, Order, Scored},
    limits::{Clock, Exceeded, Limits, Unwanted, Watched},
    output::Output,
    policy,
};
use crate::{
    child::with_socket,
    loader::libtorch::this_program,
    one_shot::{Step, SupernetSpec},
    plan::{Setup, Unit},
    stop::Stop,
};
use osee_model::{
    estimator::{Failure, FailureKind},
    recipe::Precision,
};
use osee_sdk::Population;
use std::{
    fmt, io,
    ops::ControlFlow,
    os::unix::{net::UnixStream, process::ExitStatusExt},
    path::Path,
    process::{Child, ExitStatus, Stdio},
    time::Duration,
};

/// Settings of glibc's allocator. By default it returns every freed feature map to the
/// kernel, which then clears its pages for the next: half of the time of a network.
/// These keep the pages, and make them huge.
pub const MALLOC: &str = "glibc.malloc.mmap_threshold=1073741824:\
                      glibc.malloc.trim_threshold=4294967296:\
                      glibc.malloc.top_pad=67108864:\
                      glibc.malloc.hugetlb=1";

/// A running worker.
#[derive(Debug)]
pub struct Worker {
    child: Child,
    stream: UnixStream,
    output: Output,
    limits: Limits,
    stop: Stop,
    clock: Clock,
    /// Counted time at which the current estimator began.
    began: Duration,
    /// True if the time limit passed before the last answer.
    late: bool,
    /// True if its work cannot be told to return.
    deaf: bool,
}

/// The reason why a worker gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// The worker could not be started.
    #[error("cannot start a worker: {0}")]
    Start(io::Error),
    /// The worker refused its set-up, a unit or a training.
    #[error("a worker refused: {0}")]
    Refused(String),
    /// The worker died or was killed.
    #[error("{0}")]
    Died(Death),
    /// It was told to stop, or the receiver of its progress wants no more.
    #[error("it was stopped")]
    Stopped,
}

/// The death of a worker that was asked to score, or the timeout of an estimator whose
/// worker lives on.
#[derive(Debug)]
pub struct Death {
    /// The row at work, by its index in the setup.
    pub row: Option<usize>,
    /// How it ended, and its last lines.
    pub failure: Failure,
    /// Milliseconds that the estimator took until then.
    pub milliseconds: f64,
}

/// How a unit ended if its worker lives on.
#[derive(Debug)]
pub enum Ended {
    /// Every estimator has a result.
    Whole,
    /// An estimator returned early because its time was up.
    Late(Death),
    /// An estimator returned early without a reason; the rest can be asked for again.
    Cut,
}

impl fmt::Display for Death {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.failure.fmt(f)
    }
}

impl Worker {
    /// Starts and sets up a worker, one of `beside` that share a device, whose output goes
    /// to `log`. Its estimators are told to return when `stop` is set.
    ///
    /// # Errors
    /// If it cannot be started or set up.
    pub fn start(
        setup: &Setup,
        log: &Path,
        (limits, beside): (Limits, usize),
        stop: &Stop,
    ) -> Result<Self, WorkerError> {
        let visible = std::env::var("CUDA_VISIBLE_DEVICES").ok();
        let in_tf32 = |it: &SupernetSpec| it.recipe.precision == Precision::Tf32;
        let tf32 = setup.supernets.iter().any(in_tf32);
        let variables = policy::environment(setup.device, beside, visible.as_deref(), tf32);
        let worker = Self::spawn(log, &variables, limits, stop);
        let mut worker = worker.map_err(WorkerError::Start)?;
        let setup = Setup { device: policy::in_worker(setup.device), ..setup.clone() };
        match worker.ask(&Order::Setup(Box::new(setup))) {
            Ok(Answer::Ready) => Ok(worker),
            Ok(Answer::Refused(reason)) => Err(WorkerError::Refused(reason)),
            Ok(_) => Err(out_of_turn()),
            Err(error) => Err(WorkerError::Died(worker.post_mortem(None, &error))),
        }
    }

    fn spawn(
        log: &Path,
        variables: &[(&'static str, String)],
        limits: Limits,
        stop: &Stop,
    ) -> io::Result<Self> {
        let (output, writer) = Output::capture(log)?;
        let (child, mut stream) = with_socket(
            this_program()?
                .arg("__worker")
                .env("GLIBC_TUNABLES", MALLOC)
                // One thread each, also in libraries that read the environment.
                .env("OMP_NUM_THREADS", "1")
                .envs(variables.iter().map(|(name, value)| (name, value)))
                .stdout(Stdio::from(writer.try_clone()?))
                .stderr(Stdio::from(writer)),
        )?;
        frames::write_hello(&mut stream)?;
        let protocol = frames::read_hello(&mut stream)?;
        if protocol != frames::PROTOCOL {
            return Err(io::Error::other(format!("it speaks protocol {protocol}")));
        }
        let clock = Clock::new(child.id());
        let (stop, began) = (stop.clone(), Duration::ZERO);
        let (late, deaf) = (false, false);
        Ok(Self { child, stream, output, limits, stop, clock, began, late, deaf })
    }

    /// Time that the worker has had for its answers.
    pub fn spent(&self) -> Duration {
        self.clock.counted()
    }

    /// Scores a unit; results are handed to `keep` as they come.
    ///
    /// # Errors
    /// If the worker dies, refuses, or was told to stop.
    pub fn score(
        &mut self,
        unit: &Unit,
        mut keep: impl FnMut(Scored),
    ) -> Result<Ended, WorkerError> {
        let mut at_work = None;
        let mut left = unit.rows.len();
        let mut answer = self.ask(&Order::Score(unit.clone()));
        loop {
            match answer {
                Ok(Answer::Started(row)) => {
                    at_work = Some(row);
                    self.began = self.clock.counted();
                }
                Ok(Answer::Scored(scored)) => {
                    keep(scored);
                    left -= 1;
                    if left == 0 {
                        return Ok(Ended::Whole);
                    }
                }
                Ok(Answer::Cancelled(_)) if self.stop.is_set() => return Err(WorkerError::Stopped),
                Ok(Answer::Cancelled(_)) if !self.late => return Ok(Ended::Cut),
                Ok(Answer::Cancelled(row)) => {
                    let passed = Exceeded::Time(self.limits.time);
                    let failure = Failure::new(FailureKind::Timeout, passed.to_string());
                    let failure = failure.by(Some(passed.limit()));
                    return Ok(Ended::Late(self.death(Some(row), failure)));
                }
                Ok(Answer::Refused(reason)) => return Err(WorkerError::Refused(reason)),
                Ok(_) => return Err(out_of_turn()),
                Err(error) => return Err(WorkerError::Died(self.post_mortem(at_work, &error))),
            }
            answer = self.next();
        }
    }

    /// Trains a supernet, with progress handed to `tell`. The time limit holds between
    /// two progress reports.
    ///
    /// # Errors
    /// If the worker dies or refuses, or `tell` breaks.
    pub fn train(
        &mut self,
        supernet: usize,
        seed: u64,
        mut tell: impl FnMut(Step) -> ControlFlow<()>,
    ) -> Result<(), WorkerError> {
        let mut answer = self.ask(&Order::Train { supernet, seed });
        loop {
            match answer {
                Ok(Answer::Training(step)) => {
                    if tell(step).is_break() {
                        return Err(WorkerError::Stopped);
                    }
                }
                Ok(Answer::Trained) => return Ok(()),
                Ok(Answer::Refused(reason)) => return Err(WorkerError::Refused(reason)),
                Ok(_) => return Err(out_of_turn()),
                Err(error) => return Err(WorkerError::Died(self.post_mortem(None, &error))),
            }
            answer = self.next();
        }
    }

    /// Starts a worker for a meta estimator, with its output in `log`, and returns the
    /// names of its experts too. A meta estimator cannot be told to return when `stop`
    /// is set: it is killed soon after.
    ///
    /// # Errors
    /// If the worker cannot be started, or was stopped; anything else that goes wrong
    /// is the estimator's failure.
    pub fn meta(
        setup: MetaSetup,
        log: &Path,
        limits: Limits,
        stop: &Stop,
    ) -> Result<Result<(Self, Vec<String>), Failure>, WorkerError> {
        let mut worker = Self::spawn(log, &[], limits, stop).map_err(WorkerError::Start)?;
        worker.deaf = true;
        match worker.ask(&Order::Meta(setup)) {
            Ok(Answer::Needs(needs)) => Ok(Ok((worker, needs))),
            answer => worker.failed(answer).map(Err),
        }
    }

    /// The scores of the meta estimator that the worker was started for.
    ///
    /// # Errors
    /// If the worker does not do as it was asked, or the run was told to stop; what the
    /// estimator fails with is its failure.
    pub fn judge(
        mut self,
        population: Population,
    ) -> Result<Result<Vec<f64>, Failure>, WorkerError> {
        match self.ask(&Order::Judge(population)) {
            Ok(Answer::Judged(scores)) => Ok(Ok(scores)),
            answer => self.failed(answer).map(Err),
        }
    }

    /// A meta estimator's failure, from the answer that came in place of a result.
    fn failed(&mut self, answer: io::Result<Answer>) -> Result<Failure, WorkerError> {
        match answer {
            Ok(Answer::Failed(failure)) => Ok(failure),
            Ok(Answer::Refused(reason)) => Err(WorkerError::Refused(reason)),
            Ok(_) => Err(out_of_turn()),
            Err(error) if error.get_ref().is_some_and(|inner| inner.is::<Unwanted>()) => {
                Err(WorkerError::Stopped)
            }
            Err(error) => Ok(self.post_mortem(None, &error).failure),
        }
    }

    fn ask(&mut self, order: &Order) -> io::Result<Answer> {
        frames::write(&mut self.stream, order)?;
        self.next()
    }

    fn next(&mut self) -> io::Result<Answer> {
        let watched = Watched::new(&self.stream, self.limits, &self.stop, &mut self.clock);
        let mut watched = watched.deaf(self.deaf);
        let answer = frames::read(&mut watched);
        self.late = watched.is_late();
        answer
    }

    fn death(&self, row: Option<usize>, failure: Failure) -> Death {
        let milliseconds = (self.clock.counted() - self.began).as_secs_f64() * 1e3;
        Death { row, failure, milliseconds }
    }

    /// Collects how the worker ended, and its last lines.
    fn post_mortem(&mut self, row: Option<usize>, error: &io::Error) -> Death {
        let exceeded = error.get_ref().and_then(|inner| inner.downcast_ref::<Exceeded>());
        let hung_up = matches!(
            error.kind(),
            io::ErrorKind::UnexpectedEof
                | io::ErrorKind::BrokenPipe
                | io::ErrorKind::ConnectionReset
        );
        if !hung_up {
            // If it is dead already, `error` says what it died of.
            let _ = self.child.kill();
        }
        let ended_by = self.child.wait();
        let lines = self.output.last_lines();
        let (kind, end) = match (exceeded, ended_by) {
            (Some(Exceeded::Time(_)), _) => (FailureKind::Timeout, error.to_string()),
            (Some(Exceeded::Memory(_)), _) => (FailureKind::Crash, error.to_string()),
            (None, Ok(status)) if hung_up => match policy::is_fault_of_device(&lines) {
                true => (FailureKind::Device, "the device failed".to_owned()),
                false => (FailureKind::Crash, ended("the worker", status)),
            },
            (None, Ok(_)) => {
                (FailureKind::Crash, format!("the worker's answer cannot be read: {error}"))
            }
            (None, Err(error)) => (FailureKind::Crash, error.to_string()),
        };
        let message =
            if lines.is_empty() { end } else { format!("{end}; its last lines: {lines}") };
        let failure = Failure::new(kind, message).by(exceeded.map(Exceeded::limit));
        self.death(row, failure)
    }
}

fn out_of_turn() -> WorkerError {
    WorkerError::Refused("it sent an answer that nobody asked for".to_owned())
}

/// Describes how process `who` ended.
pub fn ended(who: &str, status: ExitStatus) -> String {
    match (status.signal(), status.code()) {
        (Some(signal), _) => format!("{who} was ended by {}", signal_name(signal)),
        (None, Some(code)) => format!("{who} ended with exit code {code}"),
        (None, None) => format!("{who} ended"),
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // It holds nothing that is not stored.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn signal_name(signal: i32) -> String {
    let name = match signal {
        4 => "SIGILL",
        6 => "SIGABRT (abort)",
        7 => "SIGBUS",
        8 => "SIGFPE",
        9 => "SIGKILL (killed, perhaps for memory)",
        11 => "SIGSEGV (segmentation fault)",
        15 => "SIGTERM",
        other => return format!("signal {other}"),
    };
    name.to_owned()
}

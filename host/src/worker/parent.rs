//! The host's side of a worker process.

use super::{
    Setup,
    frames::{self, Answer, Order, Scored, Unit},
    limits::{Exceeded, Limits, Watched},
    output::Output,
};
use crate::one_shot::Step;
use osee_core::estimator::{Failure, FailureKind};
use std::{
    fmt, io,
    ops::ControlFlow,
    os::{
        fd::OwnedFd,
        unix::{net::UnixStream, process::ExitStatusExt},
    },
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
};

/// By default glibc returns every freed feature map to the kernel, which then
/// clears its pages for the next: half of the time of a network. Keep them,
/// and in huge pages.
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
}

/// Why a worker gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// It could not be started.
    #[error("cannot start a worker: {0}")]
    Start(io::Error),
    /// It refused its set-up or a unit.
    #[error("a worker refused: {0}")]
    Refused(String),
    /// It died or was killed.
    #[error("{0}")]
    Died(Death),
    /// Whoever heard its news wanted no more.
    #[error("it was stopped")]
    Stopped,
}

/// The end of a worker that was asked to score.
#[derive(Debug)]
pub struct Death {
    /// The estimator at work, by its position in the setup.
    pub estimator: Option<usize>,
    /// How it ended, and its last lines.
    pub failure: Failure,
}

impl fmt::Display for Death {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.failure.fmt(f)
    }
}

impl Worker {
    /// Starts and sets up a worker whose output goes to `log`.
    ///
    /// # Errors
    /// When it cannot be started, or cannot be set up.
    pub fn start(setup: &Setup, log: &Path, limits: Limits) -> Result<Self, WorkerError> {
        let mut worker = Self::spawn(log, limits).map_err(WorkerError::Start)?;
        match worker.ask(&Order::Setup(Box::new(setup.clone()))) {
            Ok(Answer::Ready) => Ok(worker),
            Ok(Answer::Refused(reason)) => Err(WorkerError::Refused(reason)),
            Ok(_) => Err(out_of_turn()),
            Err(error) => Err(WorkerError::Died(worker.post_mortem(None, &error))),
        }
    }

    fn spawn(log: &Path, limits: Limits) -> io::Result<Self> {
        let (mut stream, theirs) = UnixStream::pair()?;
        let (output, writer) = Output::capture(log)?;
        let child = Command::new(std::env::current_exe()?)
            .arg("__worker")
            .env("GLIBC_TUNABLES", MALLOC)
            // One thread each, also in libraries that read the environment.
            .env("OMP_NUM_THREADS", "1")
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::from(writer.try_clone()?))
            .stderr(Stdio::from(writer))
            .spawn()?;
        frames::write_hello(&mut stream)?;
        let protocol = frames::read_hello(&mut stream)?;
        if protocol != frames::PROTOCOL {
            return Err(io::Error::other(format!("it speaks protocol {protocol}")));
        }
        Ok(Self { child, stream, output, limits })
    }

    /// Scores a unit; results are handed to `keep` as they come.
    ///
    /// # Errors
    /// When the worker dies of it, or refuses.
    pub fn score(&mut self, unit: &Unit, mut keep: impl FnMut(Scored)) -> Result<(), WorkerError> {
        let mut at_work = None;
        let mut left = unit.estimators.len();
        let mut answer = self.ask(&Order::Score(unit.clone()));
        loop {
            match answer {
                Ok(Answer::Started(estimator)) => at_work = Some(estimator),
                Ok(Answer::Scored(scored)) => {
                    keep(scored);
                    left -= 1;
                    if left == 0 {
                        return Ok(());
                    }
                }
                Ok(Answer::Refused(reason)) => return Err(WorkerError::Refused(reason)),
                Ok(_) => return Err(out_of_turn()),
                Err(error) => return Err(WorkerError::Died(self.post_mortem(at_work, &error))),
            }
            answer = self.next();
        }
    }

    /// Trains a supernet; its news are handed to `tell`. The time limit holds
    /// between two pieces of news.
    ///
    /// # Errors
    /// When the worker dies of it, or refuses, or `tell` wants no more.
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

    fn ask(&mut self, order: &Order) -> io::Result<Answer> {
        frames::write(&mut self.stream, order)?;
        self.next()
    }

    fn next(&mut self) -> io::Result<Answer> {
        frames::read(&mut Watched::new(&self.stream, self.limits, self.child.id()))
    }

    /// How it ended, and the last lines it wrote.
    fn post_mortem(&mut self, estimator: Option<usize>, error: &io::Error) -> Death {
        let exceeded = error.get_ref().and_then(|inner| inner.downcast_ref::<Exceeded>());
        let hung_up = matches!(
            error.kind(),
            io::ErrorKind::UnexpectedEof
                | io::ErrorKind::BrokenPipe
                | io::ErrorKind::ConnectionReset
        );
        if !hung_up {
            // Dead already, then; what it died of is what `error` says.
            let _ = self.child.kill();
        }
        let (kind, end) = match (exceeded, self.child.wait()) {
            (Some(Exceeded::Time(_)), _) => (FailureKind::Timeout, error.to_string()),
            (Some(Exceeded::Memory(_)), _) => (FailureKind::Crash, error.to_string()),
            (None, Ok(status)) if hung_up => (FailureKind::Crash, ended(status)),
            (None, Ok(_)) => (FailureKind::Crash, format!("the worker spoke nonsense: {error}")),
            (None, Err(error)) => (FailureKind::Crash, error.to_string()),
        };
        let lines = self.output.last_lines();
        let message =
            if lines.is_empty() { end } else { format!("{end}; its last lines: {lines}") };
        Death { estimator, failure: Failure::new(kind, message) }
    }
}

fn out_of_turn() -> WorkerError {
    WorkerError::Refused("it answered out of turn".to_owned())
}

fn ended(status: ExitStatus) -> String {
    match (status.signal(), status.code()) {
        (Some(signal), _) => format!("the worker died of {}", signal_name(signal)),
        (None, Some(code)) => format!("the worker ended with exit code {code}"),
        (None, None) => "the worker ended".to_owned(),
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

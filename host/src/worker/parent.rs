//! The host's side of a worker process.

use super::{
    Setup,
    frames::{self, Answer, Order, Scored, Unit},
};
use std::{
    fs::{File, OpenOptions},
    io::{self, Read, Seek, SeekFrom},
    os::{
        fd::OwnedFd,
        unix::{net::UnixStream, process::ExitStatusExt},
    },
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
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
    log: PathBuf,
    log_start: u64,
}

/// Why a worker gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// It could not be started.
    #[error("cannot start a worker: {0}")]
    Start(io::Error),
    /// It refused its set-up.
    #[error("a worker refused its set-up: {0}")]
    Refused(String),
    /// It died; how, and its last lines.
    #[error("{0}")]
    Died(String),
}

impl Worker {
    /// Starts and sets up a worker whose output goes to `log`.
    ///
    /// # Errors
    /// When it cannot be started, or cannot be set up.
    pub fn start(setup: &Setup, log: &Path) -> Result<Self, WorkerError> {
        let mut worker = Self::spawn(log).map_err(WorkerError::Start)?;
        match worker.ask(&Order::Setup(Box::new(setup.clone())))? {
            Answer::Ready => Ok(worker),
            Answer::Refused(reason) => Err(WorkerError::Refused(reason)),
            Answer::Done(_) => Err(WorkerError::Refused("it answered out of turn".to_owned())),
        }
    }

    fn spawn(log: &Path) -> io::Result<Self> {
        let (mut stream, theirs) = UnixStream::pair()?;
        let output = OpenOptions::new().create(true).append(true).open(log)?;
        let log_start = output.metadata()?.len();
        let child = Command::new(std::env::current_exe()?)
            .arg("__worker")
            .env("GLIBC_TUNABLES", MALLOC)
            // One thread each, also in libraries that read the environment.
            .env("OMP_NUM_THREADS", "1")
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::from(output.try_clone()?))
            .stderr(Stdio::from(output))
            .spawn()?;
        frames::write_hello(&mut stream)?;
        let protocol = frames::read_hello(&mut stream)?;
        if protocol != frames::PROTOCOL {
            return Err(io::Error::other(format!("it speaks protocol {protocol}")));
        }
        Ok(Self { child, stream, log: log.to_owned(), log_start })
    }

    /// Scores a unit.
    ///
    /// # Errors
    /// When the worker dies of it.
    pub fn score(&mut self, unit: &Unit) -> Result<Vec<Scored>, WorkerError> {
        match self.ask(&Order::Score(unit.clone()))? {
            Answer::Done(scored) => Ok(scored),
            Answer::Refused(reason) => Err(WorkerError::Refused(reason)),
            Answer::Ready => Err(WorkerError::Refused("it answered out of turn".to_owned())),
        }
    }

    fn ask(&mut self, order: &Order) -> Result<Answer, WorkerError> {
        let answer =
            frames::write(&mut self.stream, order).and_then(|()| frames::read(&mut self.stream));
        answer.map_err(|error| WorkerError::Died(self.post_mortem(&error)))
    }

    /// How it ended, and the last lines it wrote.
    fn post_mortem(&mut self, error: &io::Error) -> String {
        let _ = self.child.kill();
        let end = match self.child.wait() {
            // A broken message with the process alive: it was us who killed it.
            Ok(status) => match (status.signal(), status.code()) {
                (Some(9), _) if error.kind() != io::ErrorKind::UnexpectedEof => error.to_string(),
                (Some(signal), _) => format!("the worker died of {}", signal_name(signal)),
                (None, Some(code)) => format!("the worker ended with exit code {code}"),
                (None, None) => "the worker ended".to_owned(),
            },
            Err(error) => error.to_string(),
        };
        let lines = self.last_lines().unwrap_or_default();
        if lines.is_empty() { end } else { format!("{end}; its last lines: {lines}") }
    }

    fn last_lines(&self) -> io::Result<String> {
        let mut file = File::open(&self.log)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(self.log_start.max(length.saturating_sub(600))))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let text = String::from_utf8_lossy(&bytes);
        let lines: Vec<&str> = text.lines().collect();
        Ok(lines[lines.len().saturating_sub(3)..].join(" / "))
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

//! Limits on the time of a score and the memory of a worker.
//!
//! Invariant: time counts only while both a worker and its host can run. A scheduler
//! that suspends a job takes nothing from its scores.

use super::policy;
use crate::stop::{self, Stop};
use osee_model::{device::DeviceKind, estimator::Limit};
use std::{
    io::{self, Read},
    os::unix::net::UnixStream,
    time::{Duration, Instant},
};

/// Interval at which limits are checked while a worker is silent.
const PERIOD: Duration = Duration::from_millis(50);

/// Time between two checks from which the host is taken to have been suspended.
const GAP: Duration = Duration::from_secs(1);

/// Time that an estimator has left to return after it was told to stop.
pub const GRACE: Duration = Duration::from_secs(2);

/// What one worker may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Longest time for one score, with all passes that it is the first to need.
    pub time: Duration,
    /// Largest resident memory of one worker, in bytes.
    pub memory: u64,
}

/// A limit that was passed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Exceeded {
    /// The score took longer than this limit.
    #[error("no score after {} s; --time-limit allows more", .0.as_secs_f64())]
    Time(Duration),
    /// The worker held more than this limit, in bytes.
    #[error("its worker held more than {} MiB; --memory-limit allows more", .0 >> 20)]
    Memory(u64),
}

impl Exceeded {
    /// The limit, as a failure keeps it.
    pub fn limit(&self) -> Limit {
        match self {
            Self::Time(time) => Limit::Time(*time),
            Self::Memory(bytes) => Limit::Memory(*bytes),
        }
    }
}

impl Default for Limits {
    /// Two minutes, and three quarters of the machine's memory divided by its cores.
    fn default() -> Self {
        let memory = policy::memory(DeviceKind::Cpu, memory_of_one(), cores(), 1);
        Self { time: Duration::from_secs(120), memory }
    }
}

/// Number of the machine's cores that this process may use.
pub fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Memory limit in bytes of a process that is not one of several: three quarters of the
/// machine's memory.
pub fn memory_of_one() -> u64 {
    kilobytes("/proc/meminfo", "MemTotal:").map_or(u64::MAX, |kib| kib * 768)
}

/// Resident memory of a process in bytes, without pages of files, which libraries of CUDA
/// have many of and which all processes share; `None` if it is gone.
pub fn resident(process: u32) -> Option<u64> {
    let kib = |field| kilobytes(&format!("/proc/{process}/status"), field);
    Some((kib("RssAnon:")? + kib("RssShmem:")?) << 10)
}

/// The run was stopped, and the worker's work cannot be told to return.
#[derive(Debug, thiserror::Error)]
#[error("the run was told to stop")]
pub struct Unwanted;

/// Measures the time that a worker could run.
#[derive(Debug)]
pub struct Clock {
    process: u32,
    last: Instant,
    counted: Duration,
}

impl Clock {
    /// Begins to measure the worker `process`.
    pub fn new(process: u32) -> Self {
        Self { process, last: Instant::now(), counted: Duration::ZERO }
    }

    /// Time counted so far.
    pub fn counted(&self) -> Duration {
        self.counted
    }

    /// Discards the time since the last look.
    fn skip(&mut self) {
        self.last = Instant::now();
    }

    /// Adds the time since the last look.
    pub fn count(&mut self) {
        let passed = self.last.elapsed();
        self.last += passed;
        if !is_stopped(self.process) {
            self.counted += if passed < GAP { passed } else { PERIOD };
        }
    }
}

/// Reads an answer from a worker while it keeps within its limits. An estimator that
/// passes the time limit, or that nobody waits for any more, is told so and has
/// [`GRACE`] to return.
pub struct Watched<'a> {
    stream: &'a UnixStream,
    limits: Limits,
    stop: &'a Stop,
    clock: &'a mut Clock,
    start: Duration,
    told: bool,
    late: bool,
    /// True if the worker's work cannot be told to return.
    deaf: bool,
    /// Time of the first look after the stop, if it is deaf.
    unwanted: Option<Instant>,
}

impl<'a> Watched<'a> {
    /// Watches from now on.
    pub fn new(
        stream: &'a UnixStream,
        limits: Limits,
        stop: &'a Stop,
        clock: &'a mut Clock,
    ) -> Self {
        clock.skip();
        let start = clock.counted();
        let (told, late, deaf, unwanted) = (false, false, false, None);
        Self { stream, limits, stop, clock, start, told, late, deaf, unwanted }
    }

    /// Marks work that cannot be told to return: it has [`GRACE`] after a stop.
    #[must_use]
    pub fn deaf(self, deaf: bool) -> Self {
        Self { deaf, ..self }
    }

    /// True if the time limit has passed.
    pub fn is_late(&self) -> bool {
        self.late
    }

    fn check(&mut self) -> Result<(), Exceeded> {
        let spent = self.clock.counted() - self.start;
        if spent > self.limits.time.saturating_add(GRACE) {
            return Err(Exceeded::Time(self.limits.time));
        }
        self.late = spent > self.limits.time;
        if !self.told && (self.late || self.stop.is_set()) {
            self.told = true;
            stop::tell(self.clock.process);
        }
        match resident(self.clock.process) {
            Some(bytes) if bytes > self.limits.memory => Err(Exceeded::Memory(self.limits.memory)),
            _ => Ok(()),
        }
    }

    /// True if deaf work has not returned within [`GRACE`] after a stop.
    fn is_unwanted(&mut self) -> bool {
        let stopped = self.deaf && self.stop.is_set();
        stopped && self.unwanted.get_or_insert_with(Instant::now).elapsed() > GRACE
    }
}

impl Read for Watched<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.set_read_timeout(Some(PERIOD))?;
        loop {
            let result = self.stream.read(buffer);
            self.clock.count();
            match result {
                Err(error)
                    if matches!(
                        error.kind(),
                        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
                    ) =>
                {
                    self.check().map_err(io::Error::other)?;
                    if self.is_unwanted() {
                        return Err(io::Error::other(Unwanted));
                    }
                }
                result => return result,
            }
        }
    }
}

/// True if a signal or a debugger keeps a process from running.
fn is_stopped(process: u32) -> bool {
    let text = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    // The name in parentheses before it may contain any characters.
    text.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with(['T', 't']))
}

/// The number of a line `name N kB` in a file of /proc.
fn kilobytes(file: &str, name: &str) -> Option<u64> {
    let text = std::fs::read_to_string(file).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().trim_end_matches("kB").trim_end().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::process::{Pid, Signal, kill_process};
    use std::{process::Command, thread};

    #[test]
    fn our_own_memory_is_known_and_within_the_default() {
        let own = resident(std::process::id()).unwrap();
        assert!((100 << 10..1 << 40).contains(&own), "{own}");
        assert!(Limits::default().memory > own);
    }

    /// Counts every few milliseconds for `time`, and returns what was counted.
    fn watch(clock: &mut Clock, time: Duration) -> Duration {
        let (start, before) = (Instant::now(), clock.counted());
        clock.skip();
        while start.elapsed() < time {
            thread::sleep(Duration::from_millis(5));
            clock.count();
        }
        clock.counted() - before
    }

    #[test]
    fn time_counts_while_worker_and_host_can_run() {
        let half = Duration::from_millis(500);
        let mut sleeper = Command::new("sleep").arg("60").spawn().unwrap();
        let signal = |signal| {
            kill_process(Pid::from_child(&sleeper), signal).unwrap();
            // Until the kernel has delivered the signal.
            thread::sleep(Duration::from_millis(100));
        };
        let mut clock = Clock::new(sleeper.id());
        assert!(watch(&mut clock, half) >= half, "asleep is not stopped");
        signal(Signal::STOP);
        assert_eq!(watch(&mut clock, half), Duration::ZERO);
        signal(Signal::CONT);
        assert!(watch(&mut clock, half) >= half);
        // No look for longer than a running host would take.
        clock.skip();
        thread::sleep(GAP + Duration::from_millis(10));
        let before = clock.counted();
        clock.count();
        assert_eq!(clock.counted() - before, PERIOD);
        sleeper.kill().unwrap();
        sleeper.wait().unwrap();
    }
}

//! How long a score may take and how much memory a worker may hold.
//!
//! Invariant: time counts only while both a worker and its host can run. A
//! scheduler that suspends a job takes nothing from its scores.

use crate::stop::{self, Stop};
use osee_model::estimator::Limit;
use std::{
    io::{self, Read},
    os::unix::net::UnixStream,
    time::{Duration, Instant},
};

/// How often the limits are looked at while a worker is silent.
const PERIOD: Duration = Duration::from_millis(50);

/// So long between two looks the host did not run.
const GAP: Duration = Duration::from_secs(1);

/// What an estimator that was told to stop has left to return.
pub const GRACE: Duration = Duration::from_secs(2);

/// What one worker may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Longest time for one score, with all passes it is the first to need.
    pub time: Duration,
    /// Most resident memory of one worker, bytes.
    pub memory: u64,
}

/// A limit that was passed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Exceeded {
    /// Too slow.
    #[error("no score after {} s; --time-limit allows more", .0.as_secs_f64())]
    Time(Duration),
    /// Too big.
    #[error("its worker held more than {} MiB; --memory-limit allows more", .0 >> 20)]
    Memory(u64),
}

impl Exceeded {
    /// Which it was.
    pub fn limit(&self) -> Limit {
        match self {
            Self::Time(time) => Limit::Time(*time),
            Self::Memory(bytes) => Limit::Memory(*bytes),
        }
    }
}

impl Default for Limits {
    /// Two minutes; three quarters of the machine's memory over its cores.
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from) as u64;
        Self { time: Duration::from_secs(120), memory: memory_of_one() / cores }
    }
}

/// Most memory of a process that is not one of several, bytes: three quarters of
/// the machine's.
pub fn memory_of_one() -> u64 {
    kilobytes("/proc/meminfo", "MemTotal:").map_or(u64::MAX, |kib| kib * 768)
}

/// What a process holds in memory, bytes.
pub fn resident(process: u32) -> Option<u64> {
    kilobytes(&format!("/proc/{process}/status"), "VmRSS:").map(|kib| kib << 10)
}

/// Nobody waits any more for an answer of who cannot be told.
#[derive(Debug, thiserror::Error)]
#[error("the run was told to stop")]
pub struct Unwanted;

/// Time that a worker had.
#[derive(Debug)]
pub struct Clock {
    process: u32,
    last: Instant,
    counted: Duration,
}

impl Clock {
    /// Of the worker `process`.
    pub fn new(process: u32) -> Self {
        Self { process, last: Instant::now(), counted: Duration::ZERO }
    }

    /// All that was counted.
    pub fn counted(&self) -> Duration {
        self.counted
    }

    /// What has passed since it was last looked at counts for nothing.
    fn skip(&mut self) {
        self.last = Instant::now();
    }

    /// Counts what has passed since it was last looked at.
    pub fn count(&mut self) {
        let passed = self.last.elapsed();
        self.last += passed;
        if !is_stopped(self.process) {
            self.counted += if passed < GAP { passed } else { PERIOD };
        }
    }
}

/// Reads an answer from a worker while it keeps within its limits. An estimator
/// that passes the time limit, or that nobody waits for any more, is told so
/// and has [`GRACE`] to return.
pub struct Watched<'a> {
    stream: &'a UnixStream,
    limits: Limits,
    stop: &'a Stop,
    clock: &'a mut Clock,
    start: Duration,
    told: bool,
    late: bool,
    /// Whether who is asked cannot hear that nobody waits any more.
    deaf: bool,
    /// Since when nobody does.
    unwanted: Option<Instant>,
}

impl<'a> Watched<'a> {
    /// From now on.
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

    /// Of who cannot be told: it has [`GRACE`] once nobody waits for it any more.
    #[must_use]
    pub fn deaf(self, deaf: bool) -> Self {
        Self { deaf, ..self }
    }

    /// Whether the time limit has passed.
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

    /// Whether who cannot be told has not returned by itself.
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

/// Whether a signal or a debugger keeps a process from running.
fn is_stopped(process: u32) -> bool {
    let text = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    // The name before it is in parentheses, and may hold any.
    text.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with(['T', 't']))
}

/// A line `name N kB` of a file in /proc.
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

    /// A clock that is looked at every few milliseconds for so long.
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
            // Until the kernel has done it.
            thread::sleep(Duration::from_millis(100));
        };
        let mut clock = Clock::new(sleeper.id());
        assert!(watch(&mut clock, half) >= half, "asleep is not stopped");
        signal(Signal::STOP);
        assert_eq!(watch(&mut clock, half), Duration::ZERO);
        signal(Signal::CONT);
        assert!(watch(&mut clock, half) >= half);
        // Nobody looks for longer than a living host would take.
        clock.skip();
        thread::sleep(GAP + Duration::from_millis(10));
        let before = clock.counted();
        clock.count();
        assert_eq!(clock.counted() - before, PERIOD);
        sleeper.kill().unwrap();
        sleeper.wait().unwrap();
    }
}

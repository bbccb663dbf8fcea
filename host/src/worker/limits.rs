//! How long a score may take and how much memory a worker may hold.

use std::{
    io::{self, Read},
    os::unix::net::UnixStream,
    time::{Duration, Instant},
};

/// How often the limits are looked at while a worker is silent.
const PERIOD: Duration = Duration::from_millis(50);

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

impl Default for Limits {
    /// Two minutes; three quarters of the machine's memory over its cores.
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from) as u64;
        let memory = kilobytes("/proc/meminfo", "MemTotal:").map_or(u64::MAX, |kib| kib * 768);
        Self { time: Duration::from_secs(120), memory: memory / cores }
    }
}

/// Reads from a worker while it keeps within its limits.
pub struct Watched<'a> {
    stream: &'a UnixStream,
    limits: Limits,
    process: u32,
    start: Instant,
}

impl<'a> Watched<'a> {
    /// From now on.
    pub fn new(stream: &'a UnixStream, limits: Limits, process: u32) -> Self {
        Self { stream, limits, process, start: Instant::now() }
    }

    fn check(&self) -> Result<(), Exceeded> {
        if self.start.elapsed() > self.limits.time {
            return Err(Exceeded::Time(self.limits.time));
        }
        let resident = kilobytes(&format!("/proc/{}/status", self.process), "VmRSS:");
        match resident {
            Some(kib) if kib << 10 > self.limits.memory => {
                Err(Exceeded::Memory(self.limits.memory))
            }
            _ => Ok(()),
        }
    }
}

impl Read for Watched<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.set_read_timeout(Some(PERIOD))?;
        loop {
            match self.stream.read(buffer) {
                Err(error)
                    if matches!(
                        error.kind(),
                        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
                    ) =>
                {
                    self.check().map_err(io::Error::other)?;
                }
                result => return result,
            }
        }
    }
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

    #[test]
    fn our_own_memory_is_known_and_within_the_default() {
        let own = kilobytes("/proc/self/status", "VmRSS:").unwrap();
        assert!((100..1 << 30).contains(&own), "{own}");
        assert!(Limits::default().memory > own << 10);
    }
}

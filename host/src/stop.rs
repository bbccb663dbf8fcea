//! Requests to stop: from a scheduler whose time is up, from a user at a terminal, who
//! may also close it, or to a worker from its host.

use rustix::process::{Pid, Signal, kill_process};
use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1},
    flag,
};
use std::{
    fs, io,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
};

/// Signals that tell a process to stop: SIGTERM, SIGINT, and SIGHUP of a closed
/// terminal, unless that was ignored when the process began, as under `nohup`.
pub fn signals() -> Vec<i32> {
    static IGNORED: OnceLock<bool> = OnceLock::new();
    // Read before a handler is set, which would hide that.
    let ignored = IGNORED.get_or_init(|| {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        is_ignored(&status, SIGHUP)
    });
    let mut all = vec![SIGTERM, SIGINT];
    all.extend((!ignored).then_some(SIGHUP));
    all
}

/// True if `status`, the text of /proc/PID/status, says that the process ignores a
/// signal.
fn is_ignored(status: &str, signal: i32) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
}
/// The flag that this process's signals set, once they are handled.
static SIGNALLED: OnceLock<Stop> = OnceLock::new();
static HANDLED: AtomicBool = AtomicBool::new(false);

/// A flag that is checked before anything new is begun.
#[derive(Debug, Clone, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Returns the flag that [`signals`] set. A SIGINT after that ends the process at
    /// once; a second SIGTERM does not, since it may be the first one, passed on by the
    /// shell of a job.
    ///
    /// # Errors
    /// If handlers cannot be set.
    pub fn on_signals() -> io::Result<Self> {
        let stop = SIGNALLED.get_or_init(Self::default).clone();
        if HANDLED.swap(true, Ordering::Relaxed) {
            return Ok(stop);
        }
        // Before the other handler: the first SIGINT finds the flag unset.
        flag::register_conditional_shutdown(SIGINT, 128 + SIGINT, Arc::clone(&stop.0))?;
        for signal in signals() {
            flag::register(signal, Arc::clone(&stop.0))?;
        }
        Ok(stop)
    }

    /// True if a signal has come since this process began to handle them.
    pub fn was_signalled() -> bool {
        SIGNALLED.get().is_some_and(Self::is_set)
    }

    /// Returns the flag of a worker, which its host sets by [`tell`]. The worker
    /// ignores [`signals`] and ends with its host: schedulers signal every process of a
    /// job, and terminals every process in the foreground.
    ///
    /// # Errors
    /// If handlers cannot be set.
    pub fn left_to_host() -> io::Result<Self> {
        let nobody = Arc::new(AtomicBool::new(false));
        for signal in signals() {
            flag::register(signal, Arc::clone(&nobody))?;
        }
        let stop = Self::default();
        flag::register(SIGUSR1, Arc::clone(&stop.0))?;
        Ok(stop)
    }

    /// The flag, for code that knows nothing of signals.
    pub fn flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.0)
    }

    /// True if it is set.
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Sets the flag.
    pub fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Clears the flag.
    pub fn clear(&self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

/// Tells a worker that its estimator's current work is no longer wanted.
pub fn tell(worker: u32) {
    if let Some(process) = i32::try_from(worker).ok().and_then(Pid::from_raw) {
        // A worker that is gone has stopped.
        let _ = kill_process(process, Signal::USR1);
    }
}

/// Makes [`signals`] end the process at once with this code: for work that takes effect
/// as a whole or not at all.
///
/// # Errors
/// If handlers cannot be set.
pub fn end_on_signals(code: i32) -> io::Result<()> {
    let always = Arc::new(AtomicBool::new(true));
    for signal in signals() {
        flag::register_conditional_shutdown(signal, code, Arc::clone(&always))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nohup_ignores_stays_ignored() {
        let status = |mask| format!("Name:\tosee\nSigBlk:\t0000000000000001\nSigIgn:\t{mask}\n");
        assert!(is_ignored(&status("0000000000000001"), SIGHUP));
        assert!(!is_ignored(&status("0000000000001000"), SIGHUP));
        assert!(is_ignored(&status("0000000000004000"), SIGTERM));
        assert!(!is_ignored("", SIGHUP));
    }
}

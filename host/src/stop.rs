//! Being told to stop: by a scheduler whose time is up, or by somebody at a
//! terminal; and a worker by its host.

use rustix::process::{Pid, Signal, kill_process};
use signal_hook::{
    consts::{SIGINT, SIGTERM, SIGUSR1},
    flag,
};
use std::{
    io,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
};

/// Set by the signals of this process, once they are handled.
static SIGNALLED: OnceLock<Stop> = OnceLock::new();
static HANDLED: AtomicBool = AtomicBool::new(false);

/// Looked at before anything new is begun.
#[derive(Debug, Clone, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Set by SIGTERM and SIGINT; a SIGINT after it ends the process at once. A
    /// second SIGTERM may be the first one, handed on by the shell of a job.
    ///
    /// # Errors
    /// When handlers cannot be set.
    pub fn on_signals() -> io::Result<Self> {
        let stop = SIGNALLED.get_or_init(Self::default).clone();
        if HANDLED.swap(true, Ordering::Relaxed) {
            return Ok(stop);
        }
        // Before the other handler: the first SIGINT finds the flag unset.
        flag::register_conditional_shutdown(SIGINT, 128 + SIGINT, Arc::clone(&stop.0))?;
        for signal in [SIGTERM, SIGINT] {
            flag::register(signal, Arc::clone(&stop.0))?;
        }
        Ok(stop)
    }

    /// Whether a signal came while this process was one that handles them.
    pub fn was_signalled() -> bool {
        SIGNALLED.get().is_some_and(Self::is_set)
    }

    /// Of a worker: set by its host, see [`tell`]. It ends with its host and not
    /// before, for schedulers signal every process of a job, terminals every one
    /// in front.
    ///
    /// # Errors
    /// When handlers cannot be set.
    pub fn left_to_host() -> io::Result<Self> {
        let nobody = Arc::new(AtomicBool::new(false));
        for signal in [SIGTERM, SIGINT] {
            flag::register(signal, Arc::clone(&nobody))?;
        }
        let stop = Self::default();
        flag::register(SIGUSR1, Arc::clone(&stop.0))?;
        Ok(stop)
    }

    /// Whether it was set.
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Sets it.
    pub fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Takes it back.
    pub fn clear(&self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

/// Tells a worker that what its estimator is at is not wanted any more.
pub fn tell(worker: u32) {
    if let Some(process) = i32::try_from(worker).ok().and_then(Pid::from_raw) {
        // One that is gone has stopped.
        let _ = kill_process(process, Signal::USR1);
    }
}

/// SIGTERM and SIGINT end the process at once with this code: for work that is
/// there whole or not at all.
///
/// # Errors
/// When handlers cannot be set.
pub fn end_on_signals(code: i32) -> io::Result<()> {
    let always = Arc::new(AtomicBool::new(true));
    for signal in [SIGTERM, SIGINT] {
        flag::register_conditional_shutdown(signal, code, Arc::clone(&always))?;
    }
    Ok(())
}

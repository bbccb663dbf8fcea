//! Being told to stop: by a scheduler whose time is up, or by somebody at a
//! terminal.

use signal_hook::{
    consts::{SIGINT, SIGTERM},
    flag,
};
use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

/// Set once, and looked at before anything new is begun.
#[derive(Debug, Clone, Default)]
pub struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Set by SIGTERM and SIGINT; a SIGINT after it ends the process at once. A
    /// second SIGTERM may be the first one, handed on by the shell of a job.
    ///
    /// # Errors
    /// When handlers cannot be set.
    pub fn on_signals() -> io::Result<Self> {
        let stop = Self::default();
        // Before the other handler: the first SIGINT finds the flag unset.
        flag::register_conditional_shutdown(SIGINT, 128 + SIGINT, Arc::clone(&stop.0))?;
        for signal in [SIGTERM, SIGINT] {
            flag::register(signal, Arc::clone(&stop.0))?;
        }
        Ok(stop)
    }

    /// Whether it was set.
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// For a worker, which ends with its host and not before: schedulers signal
/// every process of a job, terminals every one in front.
///
/// # Errors
/// When handlers cannot be set.
pub fn leave_to_host() -> io::Result<()> {
    let nobody = Arc::new(AtomicBool::new(false));
    for signal in [SIGTERM, SIGINT] {
        flag::register(signal, Arc::clone(&nobody))?;
    }
    Ok(())
}

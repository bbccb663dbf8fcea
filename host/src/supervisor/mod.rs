//! Plugins of one's own have code that runs in the host: search spaces, and what
//! estimators say before any worker is started. So that such code can end
//! nothing without a word, a command that loads any is run by a child process.
//! Before each call the child notes what is called, where its parent finds it, and
//! the parent ends the child where a call passes its [limits](CallLimits).
//! What such code prints comes to the parent, which says whose it is.
//!
//! Invariant: the parent runs no code of a plugin.

mod calls;

pub use calls::{CallLimit, CallLimits};

use crate::{
    child, loader::shared_path, relay::Relay, stop::Stop, terminal::keep_output, worker::ended,
};
use calls::Watch;
use osee_sdk::abi::watch;
use rustix::{fs::MemfdFlags, process::Signal};
use signal_hook::consts::{SIGINT, SIGTERM};
use std::{
    env,
    ffi::OsString,
    fs::File,
    io,
    ops::ControlFlow,
    os::unix::process::ExitStatusExt,
    path::PathBuf,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
};

/// First argument of a child. The second is the file that it notes its calls in,
/// the third a pipe for what plugins print.
const CHILD: &str = "__supervised";

/// Where this process notes its calls, if it is such a child.
static NOTES: OnceLock<File> = OnceLock::new();

/// Whether this process is such a child.
pub fn is_supervised() -> bool {
    NOTES.get().is_some()
}

/// The arguments of the command, the program's name first. A child begins to
/// note every call of a plugin, ends with its parent, and keeps standard output
/// from plugins.
///
/// # Errors
/// When the parent has left no file for notes.
pub fn arguments() -> io::Result<Vec<OsString>> {
    let mut arguments: Vec<OsString> = env::args_os().collect();
    if arguments.get(1).is_none_or(|first| first != CHILD) || arguments.len() < 4 {
        return Ok(arguments);
    }
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    let open = |file: &OsString| File::options().write(true).open(file);
    keep_output(open(&arguments[3])?)?;
    if NOTES.set(open(&arguments[2])?).is_ok() {
        watch::with(note);
    }
    arguments.drain(1..4);
    Ok(arguments)
}

fn note(call: &str) {
    if let Some(notes) = NOTES.get() {
        calls::note(notes, call);
    }
}

/// Runs this command again in a child that loads these plugins, whose calls have
/// these limits.
///
/// # Errors
/// When it cannot be started.
pub fn run(plugins: &[PathBuf], limits: CallLimits) -> io::Result<Ended> {
    let notes = File::from(rustix::fs::memfd_create("osee-notes", MemfdFlags::CLOEXEC)?);
    notes.set_len(calls::FILE)?;
    let (relay, printing) = Relay::begin(plugins)?;
    let files = [shared_path(&notes)?, shared_path(&printing)?];
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGTERM, SIGINT] {
        signal_hook::flag::register(signal, Arc::clone(&stop))?;
    }
    let first = [OsString::from(CHILD)].into_iter().chain(files.map(OsString::from));
    let (mut watch, mut told) = (None, false);
    let waited = child::run_while(&mut child::again(first)?, |child| {
        // What it has stored is whole when it is killed, and its workers end with it.
        let watch = watch.get_or_insert_with(|| Watch::new(child, limits));
        if let Some((call, limit)) = watch.over(&notes)? {
            return Ok(ControlFlow::Break((call, limit)));
        }
        // A terminal signals the child as well, to which a second SIGINT means
        // more than the first; a second SIGTERM does not. The first may have come
        // before this was the one to hand it on.
        let signalled = stop.swap(false, Ordering::Relaxed) || (!told && Stop::was_signalled());
        if signalled && !told {
            watch.hurry();
            told = true;
        }
        Ok(ControlFlow::Continue(signalled))
    })?;
    drop(printing);
    relay.end();
    let status = match waited {
        ControlFlow::Break((call, _)) if told => return Ok(Ended::Stopped { call: Some(call) }),
        ControlFlow::Break((call, limit)) => return Ok(Ended::Over { call, limit }),
        ControlFlow::Continue(status) => status,
    };
    // It had not come to handle the signal that it was sent.
    if told && status.signal().is_some_and(|signal| [SIGTERM, SIGINT].contains(&signal)) {
        return Ok(Ended::Stopped { call: None });
    }
    Ok(match (status.code(), calls::under_way(&notes)?) {
        (Some(code), None) => Ended::Itself(code as u8),
        (None, None) => Ended::Killed(ended("the program", status), status.signal().unwrap_or(0)),
        (_, Some(call)) => Ended::InCall { call, how: ended("the program", status) },
    })
}

/// How a child ended.
#[derive(Debug)]
pub enum Ended {
    /// With this exit code, by itself.
    Itself(u8),
    /// While it ran this code of a plugin.
    InCall {
        /// What was called.
        call: String,
        /// How it ended.
        how: String,
    },
    /// By its parent, as this call was over a limit.
    Over {
        /// What was called.
        call: String,
        /// Which limit.
        limit: CallLimit,
    },
    /// By a signal, which has this number, while no plugin was at work.
    Killed(String, i32),
    /// As it was told to stop, before it could do so itself; in a call that it was
    /// not waited for any longer, if there is one.
    Stopped {
        /// What was called.
        call: Option<String>,
    },
}

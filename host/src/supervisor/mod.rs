//! Supervises commands that load user plugins. Search spaces run in the host, and so
//! does what estimators say before workers start, so such code could end the host
//! without a message. Therefore a child process runs the command. It notes each call
//! of a plugin before the call, and the parent ends it when a call passes its
//! [limits](CallLimits). Output of such code goes to the parent, which names its plugin.
//!
//! Invariant: the parent runs no code of a plugin.

mod calls;

pub use calls::{CallLimit, CallLimits};

use crate::{
    child,
    loader::shared_path,
    relay::Relay,
    stop::{self, Stop},
    terminal::keep_output,
    worker::ended,
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

/// First argument of a child. The second is the file for its notes of calls, the third
/// a pipe for output of plugins.
const CHILD: &str = "__supervised";

/// File in which this process notes its calls; set only in a supervised child.
static NOTES: OnceLock<File> = OnceLock::new();

/// True if this process is a supervised child.
pub fn is_supervised() -> bool {
    NOTES.get().is_some()
}

/// The command's arguments, the program's name first. In a child this also begins to
/// note every call of a plugin, makes it end with its parent, and keeps plugins from
/// writing to standard output.
///
/// # Errors
/// The files that the parent named cannot be opened.
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

/// Runs this command again in a child that loads these plugins, with these limits on
/// their calls.
///
/// # Errors
/// The child cannot be started.
pub fn run(plugins: &[PathBuf], limits: CallLimits) -> io::Result<Ended> {
    let notes = File::from(rustix::fs::memfd_create("osee-notes", MemfdFlags::CLOEXEC)?);
    notes.set_len(calls::FILE)?;
    let (relay, printing) = Relay::begin(plugins)?;
    let files = [shared_path(&notes)?, shared_path(&printing)?];
    let stop = Arc::new(AtomicBool::new(false));
    for signal in stop::signals() {
        signal_hook::flag::register(signal, Arc::clone(&stop))?;
    }
    let first = [OsString::from(CHILD)].into_iter().chain(files.map(OsString::from));
    let (mut watch, mut told) = (None, false);
    let waited = child::run_while(&mut child::again(first)?, |child| {
        // Killing is safe: what it has stored is complete, and its workers end with it.
        let watch = watch.get_or_insert_with(|| Watch::new(child, limits));
        if let Some((call, limit)) = watch.over(&notes)? {
            return Ok(ControlFlow::Break((call, limit)));
        }
        // A terminal signals the child as well. A second SIGINT would mean more to it than the
        // first, a second SIGTERM does not. The first signal may have come before the handler
        // above was registered.
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
    // It was killed by the signal before it had installed its handler.
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
    /// It ended by itself with this exit code.
    Itself(u8),
    /// It ended while it ran this code of a plugin.
    InCall {
        /// The plugin's function that was called.
        call: String,
        /// How it ended, in words.
        how: String,
    },
    /// Its parent killed it because a call passed a limit.
    Over {
        /// The plugin's function that was called.
        call: String,
        /// The limit that the call passed.
        limit: CallLimit,
    },
    /// A signal killed it while no plugin was at work: text, and the signal's number.
    Killed(String, i32),
    /// It was told to stop, and was killed before it ended by itself: by that signal, or in
    /// a call that did not return in time.
    Stopped {
        /// The plugin's function that was called, if any.
        call: Option<String>,
    },
}

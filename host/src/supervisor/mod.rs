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
    loader::{libtorch::this_program, shared_path},
    stop::Stop,
    terminal::{keep_output, output_of_child, say},
    worker::ended,
};
use calls::Watch;
use osee_sdk::abi::watch;
use rustix::{
    fs::MemfdFlags,
    process::{Pid, Signal},
};
use signal_hook::consts::{SIGINT, SIGTERM};
use std::{
    env,
    ffi::OsString,
    fs::File,
    io::{self, BufRead, BufReader, PipeReader, Read},
    os::unix::process::ExitStatusExt,
    path::PathBuf,
    process::{Child, ExitStatus},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

/// First argument of a child. The second is the file that it notes its calls in,
/// the third a pipe for what plugins print.
const CHILD: &str = "__supervised";

/// Bytes of a line that a plugin prints; a longer one becomes several.
const LINE: u64 = 1 << 13;

/// How often a child is looked at.
const PERIOD: Duration = Duration::from_millis(5);

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
    let (printed, printing) = io::pipe()?;
    let files = [shared_path(&notes)?, shared_path(&printing)?];
    let who = names_of(plugins);
    let printed = thread::spawn(move || relay(printed, &who));
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGTERM, SIGINT] {
        signal_hook::flag::register(signal, Arc::clone(&stop))?;
    }
    let mut child = this_program()?
        .arg(CHILD)
        .args(files)
        .args(env::args_os().skip(1))
        .stdout(output_of_child()?)
        .spawn()?;
    let mut watch = Watch::new(child.id(), limits);
    let (waited, told) = wait(&mut child, &stop, &mut watch, &notes)?;
    // What it printed last is on its way, unless somebody else keeps the pipe.
    drop(printing);
    for _ in 0..100 {
        if printed.is_finished() {
            break;
        }
        thread::sleep(PERIOD);
    }
    let status = match waited {
        Waited::Over(call, _) if told => return Ok(Ended::Stopped { call: Some(call) }),
        Waited::Over(call, limit) => return Ok(Ended::Over { call, limit }),
        Waited::Ended(status) => status,
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

/// Whose lines a child's plugins print.
fn names_of(plugins: &[PathBuf]) -> String {
    let name = |path: &PathBuf| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    plugins.iter().map(name).collect::<Vec<_>>().join(" or ")
}

/// Hands on what plugins print, line by line, with their name.
fn relay(from: PipeReader, who: &str) {
    let mut from = BufReader::new(from);
    loop {
        let mut line = Vec::new();
        match from.by_ref().take(LINE).read_until(b'\n', &mut line) {
            Ok(1..) => say(format_args!("{who}: {}", String::from_utf8_lossy(&line).trim_end())),
            _ => return,
        }
    }
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

/// What the end of a wait is.
enum Waited {
    Ended(ExitStatus),
    /// A call that was over a limit, so that the child was killed.
    Over(String, CallLimit),
}

/// Waits for a child, and hands signals on; kills it once a call is over a limit,
/// or over what it has left when the child was told to stop. Whether it was.
fn wait(
    child: &mut Child,
    stop: &AtomicBool,
    watch: &mut Watch,
    notes: &File,
) -> io::Result<(Waited, bool)> {
    let mut told = false;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok((Waited::Ended(status), told));
        }
        if let Some((call, limit)) = watch.over(notes)? {
            // What it has stored is whole, and its workers end with it.
            child.kill()?;
            child.wait()?;
            return Ok((Waited::Over(call, limit), told));
        }
        // A terminal signals the child as well, to which a second SIGINT means
        // more than the first; a second SIGTERM does not. The first may have come
        // before this was the one to hand it on.
        let signalled = stop.swap(false, Ordering::Relaxed) || (!told && Stop::was_signalled());
        if signalled && let Some(pid) = Pid::from_raw(child.id() as i32) {
            if !told {
                watch.hurry();
            }
            told = true;
            // Gone, then; its status is next.
            let _ = rustix::process::kill_process(pid, Signal::TERM);
        }
        thread::sleep(PERIOD);
    }
}

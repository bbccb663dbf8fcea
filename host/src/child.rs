//! This program as a child of itself: how it is started, waited for, and what it
//! does with the socket that it may be given.

use crate::{loader::libtorch::this_program, terminal::output_of_child};
use rustix::process::{Pid, Signal};
use std::{
    convert::Infallible,
    env,
    ffi::OsString,
    fs::File,
    io,
    ops::ControlFlow,
    os::{
        fd::{AsFd, OwnedFd},
        unix::net::UnixStream,
    },
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::Duration,
};

/// How often a child is looked at.
const PERIOD: Duration = Duration::from_millis(5);

/// This command once more: with these arguments, then its own, and with its
/// standard output.
///
/// # Errors
/// When the process may open no more files.
pub fn again(first: impl IntoIterator<Item = OsString>) -> io::Result<Command> {
    let mut command = this_program()?;
    command.args(first).args(env::args_os().skip(1)).stdout(output_of_child()?);
    Ok(command)
}

/// Runs `command` to its end. Whenever `told` says so, it is told to stop.
///
/// # Errors
/// When it cannot be started.
pub fn run(command: &mut Command, mut told: impl FnMut() -> bool) -> io::Result<ExitStatus> {
    let never = |_| Ok(ControlFlow::<Infallible, bool>::Continue(told()));
    match run_while(command, never)? {
        ControlFlow::Continue(status) => Ok(status),
        ControlFlow::Break(never) => match never {},
    }
}

/// Runs `command` to its end, or until `look`, which is given its process, breaks
/// off: then it is killed. Whenever `look` goes on with true, it is told to stop.
///
/// # Errors
/// When it cannot be started, and those of `look`.
pub fn run_while<T>(
    command: &mut Command,
    mut look: impl FnMut(u32) -> io::Result<ControlFlow<T, bool>>,
) -> io::Result<ControlFlow<T, ExitStatus>> {
    let mut child = command.spawn()?;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(ControlFlow::Continue(status));
        }
        match look(child.id())? {
            ControlFlow::Break(why) => {
                child.kill()?;
                child.wait()?;
                return Ok(ControlFlow::Break(why));
            }
            ControlFlow::Continue(false) => {}
            ControlFlow::Continue(true) => {
                // Gone, then; its status is next.
                let _ = rustix::process::kill_process(Pid::from_child(&child), Signal::TERM);
            }
        }
        thread::sleep(PERIOD);
    }
}

/// Starts `command`, whose other side finds the socket by [`socket`].
///
/// # Errors
/// When it cannot be started.
pub fn with_socket(command: &mut Command) -> io::Result<(Child, UnixStream)> {
    let (ours, theirs) = UnixStream::pair()?;
    let child = command.stdin(Stdio::from(OwnedFd::from(theirs))).spawn()?;
    // The command keeps its standard input open, and the other side would never hang up.
    command.stdin(Stdio::null());
    Ok((child, ours))
}

/// The socket that a process was given as its standard input by the host that
/// started it.
///
/// # Errors
/// When it cannot be moved away from there.
pub fn socket() -> io::Result<UnixStream> {
    let stream = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    // A plugin that reads its standard input finds the end of it, not our frames.
    rustix::stdio::dup2_stdin(File::open("/dev/null")?)?;
    // A host that is killed cannot say goodbye to a process that hangs.
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    Ok(stream)
}

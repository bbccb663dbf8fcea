//! This program as a child of itself: starts it, waits for it, and hands it a socket.

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

/// Interval at which a child is polled.
const PERIOD: Duration = Duration::from_millis(5);

/// Makes this command again: with these arguments, then its own, and with its standard
/// output.
///
/// # Errors
/// If the process may open no more files.
pub fn again(first: impl IntoIterator<Item = OsString>) -> io::Result<Command> {
    let mut command = this_program()?;
    command.args(first).args(env::args_os().skip(1)).stdout(output_of_child()?);
    Ok(command)
}

/// Runs `command` to its end. Each time that `told` returns true, it is told to stop.
///
/// # Errors
/// If it cannot be started.
pub fn run(command: &mut Command, mut told: impl FnMut() -> bool) -> io::Result<ExitStatus> {
    let never = |_| Ok(ControlFlow::<Infallible, bool>::Continue(told()));
    match run_while(command, never)? {
        ControlFlow::Continue(status) => Ok(status),
        ControlFlow::Break(never) => match never {},
    }
}

/// Runs `command` to its end, or kills it when `look`, which is given the process,
/// breaks. Each time that `look` continues with true, it is told to stop.
///
/// # Errors
/// If it cannot be started, or `look` fails.
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
                // If it is gone already, its status is read next.
                let _ = rustix::process::kill_process(Pid::from_child(&child), Signal::TERM);
            }
        }
        thread::sleep(PERIOD);
    }
}

/// Starts `command`, which gets its end of the socket by [`socket`].
///
/// # Errors
/// If it cannot be started.
pub fn with_socket(command: &mut Command) -> io::Result<(Child, UnixStream)> {
    let (ours, theirs) = UnixStream::pair()?;
    let child = command.stdin(Stdio::from(OwnedFd::from(theirs))).spawn()?;
    // Otherwise the command keeps the other end open as its standard input, and the
    // other side never hangs up.
    command.stdin(Stdio::null());
    Ok((child, ours))
}

/// The socket that the host which started this process gave it as standard input.
///
/// # Errors
/// If it cannot be moved away from there.
pub fn socket() -> io::Result<UnixStream> {
    let stream = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    // A plugin that reads its standard input finds the end of it, not our frames.
    rustix::stdio::dup2_stdin(File::open("/dev/null")?)?;
    // A host that is killed cannot end a process that hangs.
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    Ok(stream)
}

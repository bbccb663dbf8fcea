//! What a command prints. Standard output is the command's alone: the libraries
//! that it loads, and their print statements, are given standard error in its
//! place. News go to standard error, and nothing depends on whether they arrive.

use std::{
    backtrace::{Backtrace, BacktraceStatus},
    fmt::Display,
    fs::File,
    io::{self, Write},
    os::fd::AsFd,
    panic,
    process::Stdio,
    sync::OnceLock,
};

/// Standard output, once it was kept.
static KEPT: OnceLock<File> = OnceLock::new();

/// From here on only [`output`] writes to standard output; whatever else does,
/// in this process, writes to `instead`. The first call counts.
///
/// # Errors
/// When the process may open no more files.
pub fn keep_output(instead: impl AsFd) -> io::Result<()> {
    let kept = rustix::io::fcntl_dupfd_cloexec(io::stdout(), 3)?;
    match KEPT.set(kept.into()) {
        Ok(()) => give_output_to(instead),
        Err(_) => Ok(()),
    }
}

/// Whatever else writes to standard output in this process writes to `instead`
/// from here on; what [`keep_output`] kept stays the command's.
///
/// # Errors
/// When it cannot be put in place.
pub fn give_output_to(instead: impl AsFd) -> io::Result<()> {
    Ok(rustix::stdio::dup2_stdout(instead)?)
}

/// The same with standard output itself: for a command that prints nothing, and
/// whose parent reads what its plugins print.
///
/// # Errors
/// When it cannot be put in place.
pub fn give_output_back() -> io::Result<()> {
    KEPT.get().map_or(Ok(()), give_output_to)
}

/// Standard output.
pub fn output() -> Box<dyn Write> {
    match KEPT.get() {
        Some(kept) => Box::new(kept),
        None => Box::new(io::stdout()),
    }
}

/// Standard output for a child whose output is this command's.
///
/// # Errors
/// When the process may open no more files.
pub fn output_of_child() -> io::Result<Stdio> {
    match KEPT.get() {
        Some(kept) => Ok(kept.try_clone()?.into()),
        None => Ok(Stdio::inherit()),
    }
}

/// A line of news, if anyone can see it.
pub fn say(line: impl Display) {
    say_text(format_args!("{line}\n"));
}

/// Lines of news, if anyone can see them.
pub fn say_text(text: impl Display) {
    // As one write, so that processes do not cut each other's lines.
    let _ = io::stderr().write_all(text.to_string().as_bytes());
}

/// The last resort: what a user sees of a panic is one line.
pub fn report_panics() {
    panic::set_hook(Box::new(|info| {
        let place = info.location().map(|at| format!(" at {at}")).unwrap_or_default();
        let what = info.payload_as_str().unwrap_or("a panic without a message");
        let what = what.lines().collect::<Vec<_>>().join(" / ");
        if what == "a scoped thread panicked" {
            // That thread has said why.
            return;
        }
        say(format_args!("internal error: {what}{place}; please report it with the command"));
        // Only where RUST_BACKTRACE asks for it.
        let trace = Backtrace::capture();
        if trace.status() == BacktraceStatus::Captured {
            say(trace);
        }
    }));
}

//! What a command prints. Standard output is the command's alone: the libraries that it
//! loads, and their print statements, get standard error in its place. News go to
//! standard error, and nothing depends on whether they arrive.
//!
//! Invariant: no name, path or line of a plugin controls a terminal. News are cleaned
//! of control characters; so is output to a terminal, while elsewhere it is data.

use std::{
    backtrace::{Backtrace, BacktraceStatus},
    fmt::Display,
    fs::File,
    io::{self, IsTerminal, Write},
    os::fd::AsFd,
    panic,
    process::Stdio,
    sync::{
        OnceLock,
        atomic::{AtomicBool, Ordering},
    },
};

/// Standard output, once [`keep_output`] has been called.
static KEPT: OnceLock<File> = OnceLock::new();

/// True once a write to standard output has found no reader.
static GONE: AtomicBool = AtomicBool::new(false);

/// From now on only [`output`] writes to standard output; whatever else in this process
/// does writes to `instead`. Only the first call counts.
///
/// # Errors
/// If the process may open no more files.
pub fn keep_output(instead: impl AsFd) -> io::Result<()> {
    let kept = rustix::io::fcntl_dupfd_cloexec(io::stdout(), 3)?;
    match KEPT.set(kept.into()) {
        Ok(()) => give_output_to(instead),
        Err(_) => Ok(()),
    }
}

/// From now on whatever else writes to standard output in this process writes to
/// `instead`; what [`keep_output`] kept stays the command's.
///
/// # Errors
/// If `instead` cannot be put in place.
pub fn give_output_to(instead: impl AsFd) -> io::Result<()> {
    Ok(rustix::stdio::dup2_stdout(instead)?)
}

/// As [`give_output_to`] with standard output itself: for a command that prints
/// nothing, and whose parent reads what its plugins print.
///
/// # Errors
/// If it cannot be put in place.
pub fn give_output_back() -> io::Result<()> {
    KEPT.get().map_or(Ok(()), give_output_to)
}

/// The command's standard output.
pub fn output() -> Box<dyn Write> {
    match KEPT.get() {
        Some(kept) => Box::new(Output { terminal: kept.is_terminal(), to: kept }),
        None => Box::new(Output { terminal: io::stdout().is_terminal(), to: io::stdout() }),
    }
}

/// True if the reader of standard output has hung up, as pagers and `head` do. This is
/// not an error, whatever error a command makes of it.
pub fn reader_is_gone() -> bool {
    GONE.load(Ordering::Relaxed)
}

struct Output<W> {
    terminal: bool,
    to: W,
}

impl<W: Write> Write for Output<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = match self.terminal {
            true => self.to.write_all(&cleaned_bytes(bytes)).map(|()| bytes.len()),
            false => self.to.write(bytes),
        };
        written.inspect_err(noted)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush().inspect_err(noted)
    }
}

fn noted(error: &io::Error) {
    if error.kind() == io::ErrorKind::BrokenPipe {
        GONE.store(true, Ordering::Relaxed);
    }
}

/// Replaces control characters by spaces, except ends of lines and tabs.
fn cleaned(text: &str) -> String {
    let clean = |c: char| if c.is_control() && !matches!(c, '\n' | '\t') { ' ' } else { c };
    text.chars().map(clean).collect()
}

/// As [`cleaned`], for bytes, which may end within a character.
fn cleaned_bytes(bytes: &[u8]) -> Vec<u8> {
    let mut clean = Vec::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        clean.extend_from_slice(cleaned(chunk.valid()).as_bytes());
        clean.extend_from_slice(chunk.invalid());
    }
    clean
}

/// Standard output for a child whose output is this command's.
///
/// # Errors
/// If the process may open no more files.
pub fn output_of_child() -> io::Result<Stdio> {
    match KEPT.get() {
        Some(kept) => Ok(kept.try_clone()?.into()),
        None => Ok(Stdio::inherit()),
    }
}

/// Prints a line of news.
pub fn say(line: impl Display) {
    say_text(format_args!("{line}\n"));
}

/// Prints lines of news.
pub fn say_text(text: impl Display) {
    // As one write, so that processes do not break into each other's lines.
    let _ = io::stderr().write_all(cleaned(&text.to_string()).as_bytes());
}

/// The last resort: reduces a panic to one line for the user.
pub fn report_panics() {
    panic::set_hook(Box::new(|info| {
        let place = info.location().map(|at| format!(" at {at}")).unwrap_or_default();
        let what = info.payload_as_str().unwrap_or("a panic without a message");
        let what = what.lines().collect::<Vec<_>>().join(" / ");
        if what == "a scoped thread panicked" {
            // The thread has reported the reason.
            return;
        }
        say(format_args!("internal error: {what}{place}; please report it with the command"));
        // Only if RUST_BACKTRACE asks for it.
        let trace = Backtrace::capture();
        if trace.status() == BacktraceStatus::Captured {
            say(trace);
        }
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_is_controlled_by_nobodys_names() {
        let text = "a\u{1b}[31m\tb\r\u{7f}\u{9b}c\nd\u{e9}";
        let through = |terminal| {
            let mut to = Vec::new();
            let mut output = Output { terminal, to: &mut to };
            output.write_all(text.as_bytes()).unwrap();
            to
        };
        assert_eq!(through(false), text.as_bytes());
        assert_eq!(through(true), "a [31m\tb   c\nd\u{e9}".as_bytes());
        // Half a character waits for the rest.
        assert_eq!(cleaned_bytes(b"\xc3"), b"\xc3");
        assert_eq!(cleaned(text).as_bytes(), through(true));
    }
}

//! Passes on what plugins print, line by line, with their name.

use crate::terminal::{give_output_to, say};
use std::{
    io::{self, BufRead, BufReader, PipeReader, PipeWriter, Read},
    path::PathBuf,
    sync::{Mutex, PoisonError},
    thread::{self, JoinHandle},
    time::Duration,
};

/// Largest number of bytes of a plugin's line; a longer line becomes several.
const LINE: u64 = 1 << 13;

/// Interval at which the end of a relay is polled.
const PERIOD: Duration = Duration::from_millis(5);

/// The relay of this process, if any.
static HERE: Mutex<Option<Relay>> = Mutex::new(None);

/// The thread that passes on what is written to a pipe.
#[derive(Debug)]
pub struct Relay(JoinHandle<()>);

impl Relay {
    /// Starts a relay, and returns the end of the pipe that these plugins are to print
    /// to.
    ///
    /// # Errors
    /// If there is no pipe.
    pub fn begin(plugins: &[PathBuf]) -> io::Result<(Self, PipeWriter)> {
        let (printed, printing) = io::pipe()?;
        let who = names_of(plugins);
        Ok((Self(thread::spawn(move || hand_on(printed, &who))), printing))
    }

    /// To be called once nothing more is printed: waits a moment for the last lines, in
    /// case another process keeps the pipe open.
    pub fn end(self) {
        for _ in 0..100 {
            if self.0.is_finished() {
                break;
            }
            thread::sleep(PERIOD);
        }
    }
}

/// From now on these plugins print to a relay in this process, which no other process
/// watches: what they print just before they end it may be lost.
///
/// # Errors
/// If there is no pipe.
pub fn begin_here(plugins: &[PathBuf]) -> io::Result<()> {
    let mut here = HERE.lock().unwrap_or_else(PoisonError::into_inner);
    if here.is_none() && !plugins.is_empty() {
        let (relay, printing) = Relay::begin(plugins)?;
        give_output_to(printing)?;
        *here = Some(relay);
    }
    Ok(())
}

/// Ends the relay at the end of the program.
pub fn end_here() {
    let here = HERE.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(relay) = here {
        // The pipe ends with its last writer.
        let _ = give_output_to(io::stderr());
        relay.end();
    }
}

/// The names that lines are marked with.
fn names_of(plugins: &[PathBuf]) -> String {
    let name = |path: &PathBuf| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    plugins.iter().map(name).collect::<Vec<_>>().join(" or ")
}

/// Passes on what plugins print, line by line, with their name.
fn hand_on(from: PipeReader, who: &str) {
    let mut from = BufReader::new(from);
    loop {
        let mut line = Vec::new();
        match from.by_ref().take(LINE).read_until(b'\n', &mut line) {
            Ok(1..) => say(format_args!("{who}: {}", String::from_utf8_lossy(&line).trim_end())),
            _ => return,
        }
    }
}

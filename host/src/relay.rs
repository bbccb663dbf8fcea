//! What plugins print, handed on line by line with their name.

use crate::terminal::{give_output_to, say};
use std::{
    io::{self, BufRead, BufReader, PipeReader, PipeWriter, Read},
    path::PathBuf,
    sync::{Mutex, PoisonError},
    thread::{self, JoinHandle},
    time::Duration,
};

/// Bytes of a line that a plugin prints; a longer one becomes several.
const LINE: u64 = 1 << 13;

/// How often it is asked whether all has been handed on.
const PERIOD: Duration = Duration::from_millis(5);

/// Of this process.
static HERE: Mutex<Option<Relay>> = Mutex::new(None);

/// Whoever hands on what is written to a pipe.
#[derive(Debug)]
pub struct Relay(JoinHandle<()>);

impl Relay {
    /// With the end of the pipe that these plugins are to print to.
    ///
    /// # Errors
    /// When there is no pipe.
    pub fn begin(plugins: &[PathBuf]) -> io::Result<(Self, PipeWriter)> {
        let (printed, printing) = io::pipe()?;
        let who = names_of(plugins);
        Ok((Self(thread::spawn(move || hand_on(printed, &who))), printing))
    }

    /// Once nothing more is printed: what was printed last is on its way, unless
    /// somebody else keeps the pipe.
    pub fn end(self) {
        for _ in 0..100 {
            if self.0.is_finished() {
                break;
            }
            thread::sleep(PERIOD);
        }
    }
}

/// From here on these plugins print to a relay, in this process, which is not
/// watched by another: what they print just before they end it may be lost.
///
/// # Errors
/// When there is no pipe.
pub fn begin_here(plugins: &[PathBuf]) -> io::Result<()> {
    let mut here = HERE.lock().unwrap_or_else(PoisonError::into_inner);
    if here.is_none() && !plugins.is_empty() {
        let (relay, printing) = Relay::begin(plugins)?;
        give_output_to(printing)?;
        *here = Some(relay);
    }
    Ok(())
}

/// At the end of the program.
pub fn end_here() {
    let here = HERE.lock().unwrap_or_else(PoisonError::into_inner).take();
    if let Some(relay) = here {
        // The pipe ends with its last writer.
        let _ = give_output_to(io::stderr());
        relay.end();
    }
}

/// Whose lines they are.
fn names_of(plugins: &[PathBuf]) -> String {
    let name = |path: &PathBuf| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    plugins.iter().map(name).collect::<Vec<_>>().join(" or ")
}

/// Hands on what plugins print, line by line, with their name.
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

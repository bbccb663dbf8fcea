//! Captures what a worker prints: a log, up to a limit, and the end of it for error
//! messages.

use std::{
    collections::VecDeque,
    fs::OpenOptions,
    io::{self, PipeReader, PipeWriter, Read, Write},
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    thread::{self, JoinHandle},
    time::Duration,
};

/// Number of bytes of one worker that its log keeps.
const LOGGED: usize = 1 << 20;

/// Number of bytes kept for an error message.
const TAIL: usize = 600;

/// The reading end of a worker's standard output and standard error.
#[derive(Debug)]
pub struct Output {
    tail: Arc<Mutex<VecDeque<u8>>>,
    reader: JoinHandle<()>,
}

impl Output {
    /// Starts to read. The worker gets the writing end.
    ///
    /// # Errors
    /// If there is no pipe, or the log cannot be opened.
    pub fn capture(log: &Path) -> io::Result<(Self, PipeWriter)> {
        let log = OpenOptions::new().create(true).append(true).open(log)?;
        let (reader, writer) = io::pipe()?;
        let tail = Arc::new(Mutex::new(VecDeque::with_capacity(TAIL)));
        let kept = Arc::clone(&tail);
        let reader = thread::spawn(move || drain(reader, log, &kept));
        Ok((Self { tail, reader }, writer))
    }

    /// The last lines, once the worker has ended.
    pub fn last_lines(&self) -> String {
        // The reader ends with the last holder of the writing end, which may be a
        // process that a plugin started: do not wait for that for ever.
        for _ in 0..50 {
            if self.reader.is_finished() {
                break;
            }
            thread::sleep(Duration::from_millis(10));
        }
        let mut tail = self.tail.lock().unwrap_or_else(PoisonError::into_inner);
        let text = String::from_utf8_lossy(tail.make_contiguous()).into_owned();
        let lines: Vec<&str> =
            text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        lines[lines.len().saturating_sub(3)..].join(" / ")
    }
}

/// Reads to the end whatever happens to the log: a worker must never block because its
/// output is not read.
fn drain(mut from: PipeReader, mut log: impl Write, tail: &Mutex<VecDeque<u8>>) {
    let mut buffer = vec![0; 1 << 16];
    let mut logged = 0;
    while let Ok(read @ 1..) = from.read(&mut buffer) {
        let bytes = &buffer[..read];
        let kept = bytes.len().min(LOGGED.saturating_sub(logged));
        let _ = log.write_all(&bytes[..kept]);
        if kept < bytes.len() && logged <= LOGGED {
            let _ = writeln!(log, "\n[osee: more than {LOGGED} bytes; the rest is not kept]");
        }
        logged += bytes.len();
        let mut tail = tail.lock().unwrap_or_else(PoisonError::into_inner);
        tail.extend(&bytes[read.saturating_sub(TAIL)..]);
        let surplus = tail.len().saturating_sub(TAIL);
        tail.drain(..surplus);
    }
}

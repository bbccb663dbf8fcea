//! Tracks which calls of plugins are under way in a supervised process, and their
//! limits on time and memory. The process notes its calls in memory that its parent
//! reads; each thread has a place there.
//!
//! Invariant: time counts only while both processes can run.

use crate::worker::{Clock, memory_of_one, resident};
use std::{
    cell::RefCell,
    env,
    fs::File,
    io,
    os::unix::fs::FileExt,
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

/// Bytes for a note's text; longer text is cut off.
const TEXT: usize = 248;

/// Bytes of a note: a number that is new in its place, and the text.
const NOTE: usize = TEXT + size_of::<u64>();

/// Number of places; further threads share them.
const PLACES: usize = 64;

/// Longest time of a call once the process was told to stop.
const GRACE: Duration = Duration::from_secs(3);

/// Interval between checks of the limits.
const PERIOD: Duration = Duration::from_millis(50);

/// Environment variable with the longest time of one call, in seconds.
const SECONDS: &str = "OSEE_CALL_SECONDS";
/// Environment variable with the memory that a process may hold during a call, in MiB.
const MIB: &str = "OSEE_CALL_MIB";

/// Size of the file for notes, in bytes.
pub const FILE: u64 = (NOTE * PLACES) as u64;

/// Limits of one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallLimits {
    /// Longest time of the call.
    pub time: Duration,
    /// Most resident memory of the calling process, in bytes.
    pub memory: u64,
}

/// The limit that a call passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CallLimit {
    /// The call took longer than this.
    #[error("no answer after {} s", .0.as_secs_f64())]
    Time(Duration),
    /// The process held more than this many bytes.
    #[error("the program held more than {} MiB", .0 >> 20)]
    Memory(u64),
}

impl CallLimit {
    /// The environment variable that raises the limit.
    pub fn variable(&self) -> &'static str {
        match self {
            Self::Time(_) => SECONDS,
            Self::Memory(_) => MIB,
        }
    }
}

impl CallLimits {
    /// The environment's limits; by default ten minutes and three quarters of the machine's
    /// memory.
    ///
    /// # Errors
    /// A variable holds no valid number.
    pub fn of_environment() -> Result<Self, String> {
        Self::of(|name| env::var(name).ok())
    }

    fn of(variable: impl Fn(&str) -> Option<String>) -> Result<Self, String> {
        let number = |name: &str| -> Result<Option<f64>, String> {
            let Some(text) = variable(name) else { return Ok(None) };
            match text.trim().parse::<f64>() {
                Ok(number) if number.is_finite() && number > 0.0 => Ok(Some(number)),
                _ => Err(format!("{name}={text} is not a number above 0")),
            }
        };
        let time = match number(SECONDS)? {
            None => Duration::from_secs(600),
            Some(seconds) => Duration::try_from_secs_f64(seconds)
                .map_err(|error| format!("{SECONDS}={seconds}: {error}"))?,
        };
        let memory = number(MIB)?.map_or_else(memory_of_one, |mib| (mib * 1048576.0) as u64);
        Ok(Self { time, memory })
    }
}

thread_local! {
    /// Calls of this thread that are under way, outermost first; the place of its notes;
    /// and the number of notes so far.
    static CALLS: RefCell<(Vec<String>, usize, u64)> = {
        static THREADS: AtomicUsize = AtomicUsize::new(0);
        let place = THREADS.fetch_add(1, Ordering::Relaxed) % PLACES;
        RefCell::new((Vec::new(), place, 0))
    };
}

/// Notes in `file` that this thread begins a call or, with an empty text, that its
/// innermost call is over.
pub fn note(file: &File, call: &str) {
    CALLS.with_borrow_mut(|(calls, place, count)| {
        match call.is_empty() {
            true => drop(calls.pop()),
            false => calls.push(call.to_owned()),
        }
        *count += 1;
        let text = calls.last().map_or("", String::as_str);
        let mut note = [0; NOTE];
        let kept = text.len().min(TEXT);
        note[..8].copy_from_slice(&count.to_le_bytes());
        note[8..8 + kept].copy_from_slice(&text.as_bytes()[..kept]);
        // If a note cannot be written, the parent only knows less.
        let _ = file.write_all_at(&note, (*place * NOTE) as u64);
    });
}

/// Number and text of every note.
fn read(notes: &File) -> io::Result<Vec<(u64, String)>> {
    let mut bytes = vec![0; NOTE * PLACES];
    notes.read_exact_at(&mut bytes, 0)?;
    let one = |note: &[u8]| {
        let (number, text) = note.split_at(8);
        let number = number.try_into().map_or(0, u64::from_le_bytes);
        let text = String::from_utf8_lossy(text);
        // The last character may have been cut.
        (number, text.trim_end_matches(['\0', '\u{fffd}']).to_owned())
    };
    Ok(bytes.chunks(NOTE).map(one).collect())
}

/// The calls that are under way; for a process that has ended, those that did not
/// return. `None` if there are none.
///
/// # Errors
/// The notes cannot be read.
pub fn under_way(notes: &File) -> io::Result<Option<String>> {
    let texts = read(notes)?.into_iter().map(|(_, text)| text).filter(|text| !text.is_empty());
    let texts = texts.collect::<Vec<_>>().join(", or ");
    Ok(Some(texts).filter(|texts| !texts.is_empty()))
}

/// Compares the calls of a process with their limits.
pub struct Watch {
    limits: CallLimits,
    process: u32,
    clock: Clock,
    looked: Instant,
    /// Per place: the number of its last note, and the clock's time when that note was
    /// first seen.
    seen: Vec<(u64, Duration)>,
}

impl Watch {
    /// Starts watching `process`.
    pub fn new(process: u32, limits: CallLimits) -> Self {
        let (clock, looked) = (Clock::new(process), Instant::now());
        Self { limits, process, clock, looked, seen: vec![(0, Duration::ZERO); PLACES] }
    }

    /// To be called when the process is told to stop: from then on a call has [`GRACE`].
    pub fn hurry(&mut self) {
        self.limits.time = self.limits.time.min(GRACE);
        self.clock.count();
        let now = self.clock.counted();
        self.seen.iter_mut().for_each(|(_, since)| *since = now);
    }

    /// The call that has passed a limit, and that limit; checked every [`PERIOD`].
    ///
    /// # Errors
    /// The notes cannot be read.
    pub fn over(&mut self, notes: &File) -> io::Result<Option<(String, CallLimit)>> {
        if self.looked.elapsed() < PERIOD {
            return Ok(None);
        }
        self.looked = Instant::now();
        self.clock.count();
        let now = self.clock.counted();
        let mut longest: Option<(Duration, String)> = None;
        for ((number, text), (last, since)) in read(notes)?.into_iter().zip(&mut self.seen) {
            if number != *last {
                (*last, *since) = (number, now);
            }
            let spent = now - *since;
            if !text.is_empty() && longest.as_ref().is_none_or(|(time, _)| spent > *time) {
                longest = Some((spent, text));
            }
        }
        let Some((spent, call)) = longest else { return Ok(None) };
        if spent > self.limits.time {
            return Ok(Some((call, CallLimit::Time(self.limits.time))));
        }
        let memory = resident(self.process).filter(|bytes| *bytes > self.limits.memory);
        Ok(memory.map(|_| (call, CallLimit::Memory(self.limits.memory))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    fn file() -> File {
        let file = tempfile::tempfile().unwrap();
        file.set_len(FILE).unwrap();
        file
    }

    #[test]
    fn a_call_within_a_call_leaves_the_outer_one() {
        let notes = file();
        let now = || under_way(&notes).unwrap();
        assert_eq!(now(), None);
        note(&notes, "outer");
        note(&notes, "inner");
        assert_eq!(now().as_deref(), Some("inner"));
        note(&notes, "");
        assert_eq!(now().as_deref(), Some("outer"));
        // Another thread's finished call does not hide it.
        thread::scope(|threads| {
            let other = || {
                note(&notes, "other");
                note(&notes, "");
            };
            threads.spawn(other);
        });
        assert_eq!(now().as_deref(), Some("outer"));
        note(&notes, &"ä".repeat(TEXT));
        assert_eq!(now(), Some("ä".repeat(TEXT / 2)));
        note(&notes, "");
        note(&notes, "");
        assert_eq!(now(), None);
    }

    #[test]
    fn a_call_is_over_its_time_and_many_short_ones_are_not() {
        let notes = file();
        let limits = CallLimits { time: Duration::from_millis(300), memory: u64::MAX };
        let mut watch = Watch::new(std::process::id(), limits);
        let start = Instant::now();
        while start.elapsed() < Duration::from_millis(800) {
            note(&notes, "the same");
            thread::sleep(Duration::from_millis(10));
            note(&notes, "");
            assert_eq!(watch.over(&notes).unwrap(), None);
        }
        note(&notes, "the same");
        let over = loop {
            thread::sleep(Duration::from_millis(10));
            if let Some(over) = watch.over(&notes).unwrap() {
                break over;
            }
        };
        assert_eq!(over, ("the same".to_owned(), CallLimit::Time(limits.time)));
        note(&notes, "");
    }

    #[test]
    fn limits_are_those_of_the_environment() {
        let of = |seconds: Option<&str>, mib: Option<&str>| {
            let find = |name: &str| if name == SECONDS { seconds } else { mib };
            CallLimits::of(|name| find(name).map(str::to_owned))
        };
        let limits = of(Some("0.5"), Some("100")).unwrap();
        assert_eq!(limits, CallLimits { time: Duration::from_millis(500), memory: 100 << 20 });
        let limits = of(None, None).unwrap();
        assert_eq!(limits, CallLimits { time: Duration::from_secs(600), memory: memory_of_one() });
        for wrong in ["", "ten", "0", "-1", "inf", "NaN"] {
            assert!(of(Some(wrong), None).unwrap_err().contains(SECONDS), "{wrong}");
            assert!(of(None, Some(wrong)).unwrap_err().contains(MIB), "{wrong}");
        }
    }
}

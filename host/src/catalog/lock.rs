//! Lets one process at a time work on a data set.

use super::error::Fault;
use crate::{stop::Stop, terminal::say};
use std::{
    fs::{File, TryLockError},
    io::ErrorKind,
    path::Path,
    thread,
    time::Duration,
};

const POLL: Duration = Duration::from_millis(100);

/// While this is held, no other process works on the data set.
#[derive(Debug)]
pub struct Lock(#[expect(dead_code, reason = "closing it is what unlocks")] File);

impl Lock {
    /// Waits for the lock.
    pub fn take(path: &Path, name: &str, stop: &Stop) -> Result<Self, Fault> {
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path)
            .map_err(Fault::io("write", path))?;
        let mut said = false;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Self(file)),
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) if error.kind() == ErrorKind::Interrupted => {}
                Err(TryLockError::Error(error)) => return Err(Fault::io("lock", path)(error)),
            }
            if stop.is_set() {
                return Err(Fault::Stopped);
            }
            if !said {
                say(format_args!("waiting for another osee-host that uses {name}"));
                said = true;
            }
            thread::sleep(POLL);
        }
    }
}

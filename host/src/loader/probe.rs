//! Loads a plugin in a process of its own first: its constructors and its
//! list of exports may crash or hang, and should not take the host with them.

use super::{LoadErrorKind, Plugin};
use std::{
    path::Path,
    process::{Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

/// Longest time for loading one plugin, libtorch included.
const PATIENCE: Duration = Duration::from_secs(60);

/// Whether `path`, which may be loaded, survives it.
///
/// # Errors
/// [`LoadErrorKind::Crashes`] if it does not. What else is wrong with it is
/// left for the load itself to say.
pub fn survives(path: &Path) -> Result<(), LoadErrorKind> {
    let crashes = |how: String| Err(LoadErrorKind::Crashes(how));
    let status = match run(path) {
        Ok(Some(status)) => status,
        Ok(None) => return crashes(format!("it was not loaded within {} s", PATIENCE.as_secs())),
        Err(error) => return crashes(format!("it could not be tried: {error}")),
    };
    match status.code() {
        Some(0) => Ok(()),
        _ => crashes(status.to_string()),
    }
}

fn run(path: &Path) -> std::io::Result<Option<ExitStatus>> {
    let mut child = Command::new(std::env::current_exe()?)
        .arg("__probe")
        .arg(path)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let start = Instant::now();
    loop {
        match child.try_wait()? {
            Some(status) => return Ok(Some(status)),
            None if start.elapsed() > PATIENCE => {
                child.kill()?;
                child.wait()?;
                return Ok(None);
            }
            None => thread::sleep(Duration::from_millis(5)),
        }
    }
}

/// The other side, `osee-host __probe FILE`: loads it and ends well, with
/// whatever result.
pub fn probe(path: &Path) {
    let _ = Plugin::load(path, |_, _| Ok(()));
}

//! Loads a plugin in a process of its own first: its constructors and its list of
//! exports may crash or hang, which must not take the host with them.

use super::{LoadErrorKind, Plugin, libtorch};
use std::{
    path::Path,
    process::{ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

/// Longest time for loading one plugin, libtorch included.
const PATIENCE: Duration = Duration::from_secs(60);

/// Checks that loading the permitted file at `path` does not end a process; `copy` is
/// what is opened.
///
/// # Errors
/// [`LoadErrorKind::Crashes`] if it does. Other errors are left for the actual load
/// to report.
pub fn survives(path: &Path, copy: &Path) -> Result<(), LoadErrorKind> {
    let crashes = |how: String| Err(LoadErrorKind::Crashes(how));
    let status = match run(path, copy) {
        Ok(Some(status)) => status,
        Ok(None) => return crashes(format!("it was not loaded within {} s", PATIENCE.as_secs())),
        Err(error) => return crashes(format!("it could not be tried: {error}")),
    };
    match status.code() {
        Some(0) => Ok(()),
        _ => crashes(status.to_string()),
    }
}

fn run(path: &Path, copy: &Path) -> std::io::Result<Option<ExitStatus>> {
    let mut child = libtorch::this_program()?
        .arg("__probe")
        .args([path, copy])
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

/// The child's side, `osee-host __probe FILE COPY`: loads the plugin, and returns
/// normally even if that fails.
pub fn probe(path: &Path, copy: &Path) {
    let _ = Plugin::load_copy(path, copy, |_, _| Ok(()));
}

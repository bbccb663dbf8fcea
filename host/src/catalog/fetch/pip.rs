//! Downloads wheels from PyPI with pip, by the user's settings, proxies and caches.

use super::why::Why;
use crate::{catalog::files, stop::Stop};
use std::{
    fs,
    io::{self, Read},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::Duration,
};

const POLL: Duration = Duration::from_millis(50);

/// Downloads a wheel into `folder`; none of its code is run.
pub fn download(
    name: &str,
    version: &str,
    file: &str,
    folder: &Path,
    stop: &Stop,
) -> Result<PathBuf, Why> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(Why::Failed(format!("{}: {error}", folder.display())));
        }
        _ => files::folder(folder)?,
    }
    let mut child = Command::new("python3")
        .args(["-m", "pip", "download", "--no-deps", "--only-binary", ":all:", "--quiet"])
        .args(["--disable-pip-version-check", "--no-input", "--dest"])
        .arg(folder)
        .arg(format!("{name}=={version}"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| Why::Failed(format!("python3 with pip is needed: {error}")))?;
    let said = child.stderr.take().map(|mut from| {
        thread::spawn(move || {
            let mut text = Vec::new();
            // On an error, what was read so far is reported.
            let _ = from.read_to_end(&mut text);
            String::from_utf8_lossy(&text).into_owned()
        })
    });
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) if stop.is_set() => {
                // An error means that it has ended already.
                let _ = child.kill();
                let _ = child.wait();
                return Err(Why::Stopped);
            }
            Ok(None) => thread::sleep(POLL),
            Err(error) => return Err(Why::Failed(format!("pip: {error}"))),
        }
    };
    let wheel = folder.join(file);
    match status.success() && wheel.is_file() {
        true => Ok(wheel),
        // A terminal sends its signal to pip, too.
        false if stop.is_set() => Err(Why::Stopped),
        false => {
            let said = said.and_then(|it| it.join().ok()).unwrap_or_default();
            let lines: Vec<&str> =
                said.lines().map(str::trim).filter(|it| !it.is_empty()).collect();
            let what = lines.last().map_or("it gave another file", |line| line);
            Err(Why::Failed(format!("pip download failed ({status}): {what}")))
        }
    }
}

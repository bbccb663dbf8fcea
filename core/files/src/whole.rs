//! Atomic writing of files.

use std::path::Path;

/// Writes `PATH.part` and renames it, so that the file appears complete or not at all.
///
/// # Errors
/// If writing or renaming fails.
pub fn write_whole(path: &Path, text: &str) -> std::io::Result<()> {
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    std::fs::write(&part, text)?;
    std::fs::rename(part, path)
}

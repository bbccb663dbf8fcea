//! Files that are there whole or not at all.

use std::path::Path;

/// Writes a file that is there whole or not at all: beside itself first.
///
/// # Errors
/// When it cannot be written.
pub fn write_whole(path: &Path, text: &str) -> std::io::Result<()> {
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    std::fs::write(&part, text)?;
    std::fs::rename(part, path)
}

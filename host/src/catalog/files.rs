//! Hashes, copies, flushes and removes files.

use super::{entry::Original, error::Fault};
use crate::stop::Stop;
use osee_model::hex::hex;
use sha2::{Digest, Sha256};
use std::{
    fs::{self, File},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

/// Bytes read at once.
pub const CHUNK: usize = 1 << 16;

/// Size and SHA-256 (hex) of a file, whose content is copied to `to`.
pub fn digest(path: &Path, stop: &Stop, mut to: impl Write) -> Result<(u64, String), Fault> {
    let mut file = File::open(path).map_err(Fault::io("read", path))?;
    let (mut hash, mut bytes) = (Sha256::new(), 0);
    let mut chunk = vec![0; CHUNK];
    loop {
        if stop.is_set() {
            return Err(Fault::Stopped);
        }
        match file.read(&mut chunk) {
            Ok(0) => return Ok((bytes, hex(hash.finalize()))),
            Ok(count) => {
                hash.update(&chunk[..count]);
                to.write_all(&chunk[..count]).map_err(Fault::io("copy", path))?;
                bytes += count as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(Fault::io("read", path)(error)),
        }
    }
}

/// Flushes a file to disk.
pub fn sync(path: &Path) -> Result<(), Fault> {
    File::open(path).and_then(|it| it.sync_all()).map_err(Fault::io("write", path))
}

/// Removes a file; it may already be gone.
pub fn remove(path: &Path) -> Result<(), Fault> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(Fault::io("remove", path)(error))
        }
        _ => Ok(()),
    }
}

/// Makes a folder and those above it.
pub fn folder(path: &Path) -> Result<(), Fault> {
    fs::create_dir_all(path).map_err(Fault::io("make folder", path))
}

/// Removes empty folders, from the innermost.
pub fn remove_empty(path: &Path) {
    for entry in fs::read_dir(path).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|it| it.is_dir()) {
            remove_empty(&entry.path());
        }
    }
    // This fails, as it should, if the folder is not empty.
    let _ = fs::remove_dir(path);
}

/// Every file in a folder and below it, by name.
pub fn all_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => found.extend(all_files(&entry.path())),
            _ => found.push(entry.path()),
        }
    }
    found.sort();
    found
}

/// Checks a file's size and hash, as far as the catalogue states them.
pub fn check(path: &Path, known: &Original, bytes: u64, sha256: &str) -> Result<(), Fault> {
    let wrong = |what| Err(Fault::Wrong { path: path.to_owned(), what });
    let name = &known.name;
    match (known.bytes, &known.sha256) {
        (Some(wanted), _) if wanted != bytes => {
            wrong(format!("is not {name}: it has {bytes} bytes, but {wanted} are expected"))
        }
        (_, Some(wanted)) if wanted != sha256 => {
            wrong(format!("is not {name}: its SHA-256 is {sha256}, but {wanted} is expected"))
        }
        _ => Ok(()),
    }
}

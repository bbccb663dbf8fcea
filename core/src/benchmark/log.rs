//! Trainings on disk: one file of JSON lines per shard, all in one folder.
//!
//! Invariants: a file has one writer, and a line is written as a whole, so a killed builder loses
//! at most the architectures it was training. The files of several machines are put together by
//! copying them into one folder.

use super::Training;
use crate::shard::Shard;
use serde::{Deserialize, Serialize};
use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{self, Write},
    path::{Path, PathBuf},
};

/// The first line of a file.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    /// Version of the lines' format.
    osee_trainings: u32,
    /// Key of the benchmark that the trainings belong to.
    key: String,
}

const FORM: u32 = 1;

/// Why trainings cannot be read or stored.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// A file or folder cannot be used.
    #[error("cannot use {}: {source}", path.display())]
    File {
        /// Path of the file or folder.
        path: PathBuf,
        /// Error of the operating system.
        source: io::Error,
    },
    /// Another process writes the file; its path.
    #[error(
        "another osee-host is writing {}; wait for it, or give --shard or --out another value",
        .0.display()
    )]
    Locked(PathBuf),
    /// The file belongs to another benchmark; its path.
    #[error(
        "{} holds trainings of another benchmark (other study, images or space); resume with the study it was made with, or give --out another folder", .0.display()
    )]
    Other(PathBuf),
    /// A line other than an unfinished last one is not a training.
    #[error("{} line {line} is damaged: {source}; remove the line to train its architecture again", path.display())]
    Damaged {
        /// Path of the file.
        path: PathBuf,
        /// Number of the line, from 1.
        line: usize,
        /// Why the line cannot be parsed.
        source: serde_json::Error,
    },
}

/// The file that one shard writes.
#[derive(Debug)]
pub struct Log {
    path: PathBuf,
    file: File,
}

impl Log {
    /// Opens the file of `shard` in `dir` to add trainings of the benchmark `key`. A last line that
    /// a killed writer left unfinished is cut off.
    ///
    /// # Errors
    /// See [`LogError`].
    pub fn open(dir: &Path, shard: Shard, key: &str) -> Result<Self, LogError> {
        let name = format!("trainings-{}-of-{}.jsonl", shard.number(), shard.count());
        let path = dir.join(name);
        let failed = |source| LogError::File { path: path.clone(), source };
        std::fs::create_dir_all(dir).map_err(failed)?;
        let file = OpenOptions::new().create(true).append(true).open(&path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(LogError::Locked(path)),
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        let text = std::fs::read(&path).map_err(failed)?;
        let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        file.set_len(whole as u64).map_err(failed)?;
        let mut log = Self { path, file };
        match whole {
            0 => log.line(&Header { osee_trainings: FORM, key: key.to_owned() })?,
            _ => drop(read_file(&log.path, key)?),
        }
        Ok(log)
    }

    /// Appends a training.
    ///
    /// # Errors
    /// If writing fails.
    pub fn add(&mut self, training: &Training) -> Result<(), LogError> {
        self.line(training)
    }

    fn line(&mut self, value: &impl Serialize) -> Result<(), LogError> {
        let mut line = serde_json::to_string(value).expect("it is plain data");
        line.push('\n');
        let path = &self.path;
        let failed = |source| LogError::File { path: path.clone(), source };
        self.file.write_all(line.as_bytes()).map_err(failed)
    }

    /// All trainings of the benchmark `key` in `dir`, from all shards; empty if there is no such
    /// folder.
    ///
    /// # Errors
    /// See [`LogError`].
    pub fn read(dir: &Path, key: &str) -> Result<Vec<Training>, LogError> {
        let failed = |source| LogError::File { path: dir.to_owned(), source };
        let entries = match std::fs::read_dir(dir) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(failed)?,
        };
        let mut files = Vec::new();
        for entry in entries {
            let path = entry.map_err(failed)?.path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if name.starts_with("trainings-") && name.ends_with(".jsonl") {
                files.push(path);
            }
        }
        files.sort();
        let mut trainings = Vec::new();
        for file in files {
            trainings.extend(read_file(&file, key)?);
        }
        Ok(trainings)
    }
}

/// The trainings in the complete lines of a file.
fn read_file(path: &Path, key: &str) -> Result<Vec<Training>, LogError> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| LogError::File { path: path.to_owned(), source })?;
    let mut lines = text.split_inclusive('\n').filter(|line| line.ends_with('\n')).enumerate();
    let damaged = |line, source| LogError::Damaged { path: path.to_owned(), line, source };
    // Another process may be writing the first line right now.
    let Some((_, first)) = lines.next() else { return Ok(Vec::new()) };
    let header: Header = serde_json::from_str(first).map_err(|source| damaged(1, source))?;
    if header != (Header { osee_trainings: FORM, key: key.to_owned() }) {
        return Err(LogError::Other(path.to_owned()));
    }
    lines
        .map(|(i, line)| serde_json::from_str(line).map_err(|source| damaged(i + 1, source)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn training(arch: &str) -> Training {
        let arch = arch.to_owned();
        Training { arch, seed: 1, epochs: vec![], test: None, failure: None, seconds: 0.5 }
    }

    #[test]
    fn what_a_killed_writer_left_is_read_up_to_the_last_whole_line() {
        let dir = tempfile::tempdir().unwrap();
        let shard = Shard::new(2, 3).unwrap();
        let mut log = Log::open(dir.path(), shard, "k").unwrap();
        log.add(&training("a")).unwrap();
        assert!(matches!(Log::open(dir.path(), shard, "k"), Err(LogError::Locked(_))));
        log.file.write_all(b"{\"arch\":\"b").unwrap();
        drop(log);
        assert_eq!(Log::read(dir.path(), "k").unwrap(), [training("a")]);
        Log::open(dir.path(), shard, "k").unwrap().add(&training("c")).unwrap();
        Log::open(dir.path(), Shard::WHOLE, "k").unwrap().add(&training("d")).unwrap();
        let found = Log::read(dir.path(), "k").unwrap();
        assert_eq!(found, ["d", "a", "c"].map(training));
    }

    #[test]
    fn other_benchmarks_and_damaged_lines_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(Log::read(&dir.path().join("none"), "k").unwrap(), []);
        Log::open(dir.path(), Shard::WHOLE, "k").unwrap().add(&training("a")).unwrap();
        let other = |result: Result<(), LogError>| matches!(result, Err(LogError::Other(_)));
        assert!(other(Log::read(dir.path(), "l").map(drop)));
        assert!(other(Log::open(dir.path(), Shard::WHOLE, "l").map(drop)));
        let file = dir.path().join("trainings-1-of-1.jsonl");
        let text = std::fs::read_to_string(&file).unwrap().replace("\"a\"", "a");
        std::fs::write(&file, text).unwrap();
        let error = Log::read(dir.path(), "k").unwrap_err().to_string();
        assert!(error.contains("line 2 is damaged"), "{error}");
    }
}

//! Errors of loading a plugin: one kind per rung of the ladder.

use super::others::Others;
use crate::exit::{Category, ExitCode};
use osee_sdk::abi::header::{ABI_MAJOR, ABI_MINOR};
use std::path::PathBuf;

/// A plugin file, and the rung that it failed on.
#[derive(Debug, thiserror::Error)]
#[error("cannot load plugin {}\n  {kind}\n  help: {}", path.display(), kind.help())]
pub struct LoadError {
    /// Path of the plugin file.
    pub path: PathBuf,
    /// The rung that it failed on.
    pub kind: LoadErrorKind,
}

impl Category for LoadError {
    fn exit_code(&self) -> ExitCode {
        ExitCode::Plugin
    }
}

/// The rungs of the ladder, as reasons for a failure.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadErrorKind {
    /// The file cannot be read.
    #[error("it cannot be read: {0}")]
    Read(std::io::Error),
    /// The file is not an ELF shared library for this machine.
    #[error("it is not a shared library for this machine: {0}")]
    NotALibrary(String),
    /// The file's end is missing, as after an interrupted copy; the number of bytes.
    #[error("it is cut off: {0} bytes are missing at its end")]
    CutOff(u64),
    /// Loading the file would end the process.
    #[error("it is damaged, and loading it would end the program: {0}")]
    Damaged(String),
    /// The same bytes have already been loaded from this file.
    #[error("it is the same plugin as {}", .0.display())]
    Twice(PathBuf),
    /// The library does not export `OSEE_PLUGIN_HEADER`.
    #[error("it is a shared library, but not an osee plugin: it exports no OSEE_PLUGIN_HEADER")]
    NotAPlugin,
    /// The plugin's ABI does not fit the host's.
    #[error(
        "it was built with osee-sdk {sdk} (ABI {major}.{minor}); this host has ABI {ABI_MAJOR}.{ABI_MINOR}"
    )]
    Abi {
        /// Version of the plugin's sdk.
        sdk: String,
        /// Major number of the plugin's ABI.
        major: u32,
        /// Minor number of the plugin's ABI.
        minor: u32,
    },
    /// The plugin was built for another libtorch.
    #[error("it was built for libtorch {plugin}; this host has libtorch {host}")]
    Libtorch {
        /// Version of the plugin's libtorch.
        plugin: String,
        /// Version of the host's libtorch.
        host: String,
    },
    /// A panic in the plugin would end the process.
    #[error("it was built with panic = \"abort\", so a panic in it would end the host")]
    Aborts,
    /// Users other than its owner can change the file.
    #[error("users other than its owner can write to it (mode {mode:o}): {others}")]
    Writable {
        /// Mode of the file.
        mode: u32,
        /// The users who can write to it.
        others: Others,
    },
    /// Users other than its owner can replace the file.
    #[error(
        "other users can replace it, in folder {} (mode {mode:o}): {others}",
        folder.display()
    )]
    Movable {
        /// A folder above the file.
        folder: PathBuf,
        /// Mode of the folder.
        mode: u32,
        /// The users who can write to the folder.
        others: Others,
    },
    /// The lock file does not list the plugin.
    #[error("it is not pinned in osee.lock, and loading a plugin runs its code")]
    Unpinned,
    /// The file's SHA-256 is not the pinned one.
    #[error("it is not the file that osee.lock pins: its sha256 differs")]
    Changed,
    /// The file has changed since the run began.
    #[error("it was changed since the run began")]
    Replaced,
    /// No private copy can be made in memory.
    #[error("no private copy of it can be made in memory: {0}")]
    Copy(std::io::Error),
    /// Loading it ended a trial process, or took too long.
    #[error("loading it ended the process: {0}")]
    Crashes(String),
    /// The dynamic linker refused the file.
    #[error("the dynamic linker refused it: {0}")]
    Open(String),
    /// abi_stable's layout check failed; the log has its full report.
    #[error("its tables do not have the layout of this host's sdk")]
    Layout,
    /// The plugin failed to list its exports.
    #[error("it failed to say what it exports: {0}")]
    Exports(osee_sdk::Error),
}

impl LoadErrorKind {
    fn help(&self) -> &'static str {
        match self {
            Self::Read(_) => "check the path and its permissions",
            Self::NotALibrary(_) => {
                "give the .so that `cargo build --release` made of a cdylib crate"
            }
            Self::CutOff(_) | Self::Damaged(_) => "copy it again, or build it again",
            Self::Twice(_) => "remove one of them",
            Self::NotAPlugin => "its crate needs `osee_sdk::export! { ... }` and crate-type cdylib",
            Self::Abi { .. } => "rebuild it: cargo update -p osee-sdk && cargo build --release",
            Self::Libtorch { .. } => "rebuild it with LIBTORCH at the host's libtorch",
            Self::Aborts => "set panic = \"unwind\" in its Cargo.toml profile and rebuild it",
            Self::Writable { .. } => "check what it is, then chmod go-w it",
            Self::Movable { .. } => "check what the plugin is, then chmod go-w the folder",
            Self::Copy(_) => "free some memory; it needs Linux 3.17, and /proc",
            Self::Unpinned | Self::Changed => {
                "if you trust it: osee-host plugin trust FILE, or --allow-unpinned"
            }
            Self::Replaced => "start again; results of the old file are kept",
            Self::Crashes(_) => "see why: osee-host plugin check --here FILE, under a debugger",
            Self::Open(_) => "build it against the same libtorch, and check what it links with ldd",
            Self::Layout => "rebuild it with this host's osee-sdk",
            Self::Exports(_) => "this is a bug of the plugin; tell its author",
        }
    }
}

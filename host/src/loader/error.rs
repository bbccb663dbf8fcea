//! Why a plugin was not loaded: one kind per rung of the ladder.

use super::others::Others;
use crate::exit::{Category, ExitCode};
use osee_sdk::abi::header::{ABI_MAJOR, ABI_MINOR};
use std::path::PathBuf;

/// A plugin file and the rung it failed on.
#[derive(Debug, thiserror::Error)]
#[error("cannot load plugin {}\n  {kind}\n  help: {}", path.display(), kind.help())]
pub struct LoadError {
    /// The file.
    pub path: PathBuf,
    /// The rung.
    pub kind: LoadErrorKind,
}

impl Category for LoadError {
    fn exit_code(&self) -> ExitCode {
        ExitCode::Plugin
    }
}

/// The rungs.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadErrorKind {
    /// The file cannot be read.
    #[error("it cannot be read: {0}")]
    Read(std::io::Error),
    /// Not an ELF shared library of this machine.
    #[error("it is no shared library for this machine: {0}")]
    NotALibrary(String),
    /// A part of a file, such as a copy that was stopped.
    #[error("it is cut off: {0} bytes are missing at its end")]
    CutOff(u64),
    /// Loading it would end the process.
    #[error("it is damaged, and loading it would end the program: {0}")]
    Damaged(String),
    /// The same bytes are loaded already, from another file.
    #[error("it is the same plugin as {}", .0.display())]
    Twice(PathBuf),
    /// No `OSEE_PLUGIN_HEADER`.
    #[error("it is a shared library, but no osee plugin: it exports no OSEE_PLUGIN_HEADER")]
    NotAPlugin,
    /// Another boundary.
    #[error(
        "it was built with osee-sdk {sdk} (ABI {major}.{minor}); this host has ABI {ABI_MAJOR}.{ABI_MINOR}"
    )]
    Abi {
        /// The plugin's sdk.
        sdk: String,
        /// Its ABI major.
        major: u32,
        /// Its ABI minor.
        minor: u32,
    },
    /// Another libtorch.
    #[error("it was built for libtorch {plugin}; this host has libtorch {host}")]
    Libtorch {
        /// The plugin's.
        plugin: String,
        /// The host's.
        host: String,
    },
    /// Panics end the process.
    #[error("it was built with panic = \"abort\", so a panic in it would end the host")]
    Aborts,
    /// Others can change it.
    #[error("others than its owner can write to it (mode {mode:o}): {others}")]
    Writable {
        /// Its permissions.
        mode: u32,
        /// Who.
        others: Others,
    },
    /// Others can put another file in its place.
    #[error(
        "others can put another file in its place, in folder {} (mode {mode:o}): {others}",
        folder.display()
    )]
    Movable {
        /// A folder that it is in.
        folder: PathBuf,
        /// The folder's permissions.
        mode: u32,
        /// Who.
        others: Others,
    },
    /// The lock file does not name it.
    #[error("it is not pinned in osee.lock, and loading a plugin runs its code")]
    Unpinned,
    /// It is not the file that was pinned.
    #[error("it is not the file that osee.lock pins: its sha256 differs")]
    Changed,
    /// It was another file when the run began.
    #[error("it was changed since the run began")]
    Replaced,
    /// There is no private copy of it.
    #[error("no private copy of it can be made in memory: {0}")]
    Copy(std::io::Error),
    /// It ends the process that loads it.
    #[error("it does not survive being loaded: {0}")]
    Crashes(String),
    /// The dynamic linker refused.
    #[error("the dynamic linker refused it: {0}")]
    Open(String),
    /// abi_stable's layout check failed; the long account is in the log.
    #[error("its tables do not have the layout of this host's sdk")]
    Layout,
    /// The plugin failed to say what it exports.
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
            Self::Writable { .. } => "chmod go-w it, and look at what it is",
            Self::Movable { .. } => "chmod go-w the folder, and look at what the plugin is",
            Self::Copy(_) => "free some memory; it needs Linux 3.17, and /proc",
            Self::Unpinned | Self::Changed => {
                "if you know it: osee-host plugin trust FILE, or --allow-unpinned"
            }
            Self::Replaced => "start again; results of the old file are kept",
            Self::Crashes(_) => "see why: osee-host plugin check --here FILE, under a debugger",
            Self::Open(_) => "build it against the same libtorch, and check what it links with ldd",
            Self::Layout => "rebuild it with this host's osee-sdk",
            Self::Exports(_) => "this is a bug of the plugin; tell its author",
        }
    }
}

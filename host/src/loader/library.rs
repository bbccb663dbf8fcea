//! A loaded plugin.

use super::{LoadError, LoadErrorKind, header};
use libloading::os::unix::{Library, RTLD_GLOBAL, RTLD_LOCAL, RTLD_NOW};
use osee_sdk::{
    ExportInfo,
    abi::{header::PluginHeader, root::ForeignPlugin},
};
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};

/// Keeps a library mapped for ever; not in every libc binding by name.
const RTLD_NODELETE: i32 = 0x1000;

/// A plugin library with its facts.
pub struct Plugin {
    /// The file.
    pub path: PathBuf,
    /// SHA-256 of the file, hex.
    pub sha256: String,
    /// What it was built with.
    pub header: PluginHeader,
    /// What it exports, sorted by id.
    pub exports: Vec<ExportInfo>,
    /// Its functions.
    pub functions: ForeignPlugin,
}

impl Plugin {
    /// Whether the file means to be a plugin, fit or not. One that cannot be
    /// read may be one.
    pub fn is_meant(path: &Path) -> bool {
        let foreign = |bytes: Vec<u8>| {
            let header = header::read(&bytes);
            matches!(header, Err(LoadErrorKind::NotAPlugin | LoadErrorKind::NotALibrary(_)))
        };
        !std::fs::read(path).is_ok_and(foreign)
    }

    /// The header and the SHA-256 (hex) of the file at `path`, which is not
    /// loaded.
    ///
    /// # Errors
    /// The rung it failed on.
    pub fn inspect(path: &Path) -> Result<(PluginHeader, String), LoadError> {
        let error = |kind| LoadError { path: path.to_owned(), kind };
        let bytes = std::fs::read(path).map_err(|e| error(LoadErrorKind::Read(e)))?;
        let header = header::read(&bytes).map_err(error)?;
        Ok((header, Sha256::digest(&bytes).iter().map(|b| format!("{b:02x}")).collect()))
    }

    /// Climbs the whole ladder; `permit` says whether the file with this
    /// SHA-256 may be loaded.
    ///
    /// # Errors
    /// The rung it failed on.
    pub fn load(
        path: &Path,
        permit: impl FnOnce(&Path, &str) -> Result<(), LoadErrorKind>,
    ) -> Result<Self, LoadError> {
        let error = |kind| LoadError { path: path.to_owned(), kind };
        // dlopen searches elsewhere for a name without a slash.
        let path = std::fs::canonicalize(path).map_err(|e| error(LoadErrorKind::Read(e)))?;
        let (header, sha256) = Self::inspect(&path)?;
        permit(&path, &sha256).map_err(error)?;
        // NOW: a missing symbol is an error here, not a crash later. LOCAL:
        // plugins export torch-sys's helpers, which must not bind to another
        // plugin's. NODELETE: function pointers and libtorch registrations
        // outlive any handle.
        // SAFETY: runs the library's constructors; its header was made by
        // osee_sdk::export!, and the user chose the file.
        unsafe { Library::open(Some(&path), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE) }
            .map(std::mem::forget)
            .map_err(|e| error(LoadErrorKind::Open(e.to_string())))?;
        let functions = ForeignPlugin::load(&path).map_err(|account| {
            tracing::debug!(path = %path.display(), "layout check failed: {account}");
            error(LoadErrorKind::Layout)
        })?;
        let exports = functions.exports().map_err(|e| error(LoadErrorKind::Exports(e)))?;
        Ok(Self { path, sha256, header, exports, functions })
    }
}

/// Opens libtorch_cuda beside the libtorch_cpu of this process, which the
/// linker left out because nothing names it. Must come before the first CUDA
/// query: libtorch remembers the answer.
///
/// # Errors
/// Why there is no CUDA, as a fragment.
pub fn open_libtorch_cuda() -> Result<(), String> {
    let maps = std::fs::read_to_string("/proc/self/maps").map_err(|e| e.to_string())?;
    let cpu = maps
        .lines()
        .filter_map(|line| line.split_whitespace().nth(5))
        .find(|path| path.ends_with("libtorch_cpu.so"))
        .ok_or("this process has no libtorch_cpu.so")?;
    let cuda = Path::new(cpu).with_file_name("libtorch_cuda.so");
    if !cuda.exists() {
        return Err(format!("this libtorch is for CPU only ({} is missing)", cuda.display()));
    }
    // SAFETY: libtorch's own library, of the version that is already loaded.
    unsafe { Library::open(Some(&cuda), RTLD_NOW | RTLD_GLOBAL) }
        .map(std::mem::forget)
        .map_err(|error| error.to_string())
}

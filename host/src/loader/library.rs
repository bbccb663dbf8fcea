//! A loaded plugin library.

use super::{LoadError, LoadErrorKind, image::Image};
use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};
use osee_model::paths;
use osee_sdk::{
    ExportInfo,
    abi::{header::PluginHeader, root::ForeignPlugin},
};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// dlopen flag that keeps a library mapped for ever; some libc bindings lack its name.
const RTLD_NODELETE: i32 = 0x1000;

/// A plugin file as it was when it was first read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pinned {
    /// Path of the plugin file.
    #[serde(with = "paths")]
    pub path: PathBuf,
    /// SHA-256 of the file, in hex.
    pub sha256: String,
    /// Path of the private copy that the host has loaded.
    pub copy: PathBuf,
}

/// A loaded plugin library and what is known about it.
pub struct Plugin {
    /// Path of the plugin file.
    pub path: PathBuf,
    /// Path of the private copy that is loaded.
    pub copy: PathBuf,
    /// SHA-256 of the file, in hex.
    pub sha256: String,
    /// Versions that the plugin was built with.
    pub header: PluginHeader,
    /// Its exports, sorted by id.
    pub exports: Vec<ExportInfo>,
    /// Its functions, checked and ready to call.
    pub functions: ForeignPlugin,
}

impl Plugin {
    /// Header and SHA-256 (hex) of the file at `path`, without loading it.
    ///
    /// # Errors
    /// The rung that it fails on.
    pub fn inspect(path: &Path) -> Result<(PluginHeader, String), LoadError> {
        let error = |kind| LoadError { path: path.to_owned(), kind };
        let image = Image::read(path).map_err(error)?;
        Ok((image.header().map_err(error)?, image.sha256()))
    }

    /// Climbs the whole ladder; `permit` decides whether the file with this SHA-256 may
    /// be loaded.
    ///
    /// # Errors
    /// The rung that it fails on.
    pub fn load(
        path: &Path,
        permit: impl FnOnce(&Path, &str) -> Result<(), LoadErrorKind>,
    ) -> Result<Self, LoadError> {
        Self::load_tried(path, permit, |_| Ok(()))
    }

    /// Like [`Self::load`]; `first` gets the path that is about to be opened.
    ///
    /// # Errors
    /// The rung that it fails on.
    pub fn load_tried(
        path: &Path,
        permit: impl FnOnce(&Path, &str) -> Result<(), LoadErrorKind>,
        first: impl FnOnce(&Path) -> Result<(), LoadErrorKind>,
    ) -> Result<Self, LoadError> {
        let error = |kind| LoadError { path: path.to_owned(), kind };
        let real = std::fs::canonicalize(path).map_err(|e| error(LoadErrorKind::Read(e)))?;
        let climb = || {
            let image = Image::read(&real)?;
            let (header, sha256) = (image.header()?, image.sha256());
            permit(&real, &sha256)?;
            let copy = image.seal(&real, &sha256).map_err(LoadErrorKind::Copy)?;
            first(&copy)?;
            Self::open(&real, &image, copy, (header, sha256))
        };
        climb().map_err(error)
    }

    /// What another process needs to load the same bytes.
    pub fn pinned(&self) -> Pinned {
        let Self { path, sha256, copy, .. } = self;
        Pinned { path: path.clone(), sha256: sha256.clone(), copy: copy.clone() }
    }

    /// Loads the copy that another process of the run has made, or the file itself if the
    /// copy is not available.
    ///
    /// # Errors
    /// The rung that it fails on; [`LoadErrorKind::Replaced`] for another file.
    pub fn load_pinned(Pinned { path, sha256, copy }: &Pinned) -> Result<Self, LoadError> {
        let same = |_: &Path, now: &str| match now == sha256 {
            true => Ok(()),
            false => Err(LoadErrorKind::Replaced),
        };
        match copy.exists() {
            true => Self::load_copy(path, copy, same),
            false => Self::load(path, same),
        }
    }

    /// Loads the copy that another process has made of the file at `path`.
    ///
    /// # Errors
    /// The rung that it fails on.
    pub fn load_copy(
        path: &Path,
        copy: &Path,
        permit: impl FnOnce(&Path, &str) -> Result<(), LoadErrorKind>,
    ) -> Result<Self, LoadError> {
        let climb = || {
            let image = Image::read(copy)?;
            let (header, sha256) = (image.header()?, image.sha256());
            permit(path, &sha256)?;
            Self::open(path, &image, copy.to_owned(), (header, sha256))
        };
        climb().map_err(|kind| LoadError { path: path.to_owned(), kind })
    }

    /// Opens `copy`, which holds `image`, the file read at `path`.
    fn open(
        path: &Path,
        image: &Image,
        copy: PathBuf,
        (header, sha256): (PluginHeader, String),
    ) -> Result<Self, LoadErrorKind> {
        // Messages name the path that the user knows.
        let named = |text: String| text.replace(&*copy.to_string_lossy(), &path.to_string_lossy());
        let refused = |error: libloading::Error| LoadErrorKind::Open(named(error.to_string()));
        for file in image.beside(path.parent().unwrap_or(Path::new("/"))) {
            // SAFETY: as below; the plugin was linked with it.
            unsafe { map(&file) }.map_err(refused)?;
        }
        // SAFETY: runs the library's constructors; its header was made by
        // osee_sdk::export!, and the user chose the file.
        unsafe { map(&copy) }.map_err(refused)?;
        let functions = ForeignPlugin::load(&copy, path).map_err(|account| {
            tracing::debug!(path = %path.display(), "layout check failed: {}", named(account));
            LoadErrorKind::Layout
        })?;
        let exports = functions.exports().map_err(LoadErrorKind::Exports)?;
        Ok(Self { path: path.to_owned(), copy, sha256, header, exports, functions })
    }
}

/// Opens a library for as long as the process lives. NOW: a missing symbol is
/// an error here, not a crash later. LOCAL: plugins export torch-sys's helpers,
/// which must not bind to another plugin's. NODELETE: function pointers and
/// libtorch registrations outlive any handle.
///
/// # Safety
/// Its constructors run.
unsafe fn map(file: &Path) -> Result<(), libloading::Error> {
    // SAFETY: the caller answers for its constructors.
    let library = unsafe { Library::open(Some(file), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE) }?;
    std::mem::forget(library);
    Ok(())
}

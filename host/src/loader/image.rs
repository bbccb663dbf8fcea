//! A plugin file's bytes, read once, and the private copy of them that is loaded.
//!
//! A library is mapped page by page, when a page is first touched, so overwriting its
//! file in place would change a running program. Therefore host and workers open a
//! sealed copy in memory, which nobody can change.

use super::{LoadErrorKind, elf::Library, header};
use osee_model::hex::hex;
use osee_sdk::abi::header::PluginHeader;
use rustix::fs::{MemfdFlags, SealFlags};
use sha2::{Digest, Sha256};
use std::{
    collections::{BTreeMap, btree_map::Entry},
    fs::File,
    io::{self, Read, Write},
    os::fd::{AsRawFd, IntoRawFd},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

/// The bytes of a plugin file.
pub struct Image {
    bytes: Vec<u8>,
}

impl Image {
    /// Reads the file at `path` once.
    ///
    /// # Errors
    /// It cannot be read, or is not a regular file.
    pub fn read(path: &Path) -> Result<Self, LoadErrorKind> {
        let read = || {
            // This comes first, as opening a pipe may block for ever.
            if !std::fs::metadata(path)?.is_file() {
                return Err(io::Error::other("it is not a file"));
            }
            let mut bytes = Vec::new();
            File::open(path)?.read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        Ok(Self { bytes: read().map_err(LoadErrorKind::Read)? })
    }

    /// Reads its header, and checks it against this host.
    ///
    /// # Errors
    /// The rung that the header fails on.
    pub fn header(&self) -> Result<PluginHeader, LoadErrorKind> {
        header::read(&self.bytes)
    }

    /// SHA-256 of the bytes, in hex.
    pub fn sha256(&self) -> String {
        hex(Sha256::digest(&self.bytes))
    }

    /// Libraries in `folder`, beside the file, that it finds by `$ORIGIN`, which for the
    /// copy means another folder.
    pub fn beside(&self, folder: &Path) -> Vec<PathBuf> {
        let Ok(library) = Library::parse(&self.bytes) else { return Vec::new() };
        let found = |name: &str| {
            let mut places = library.search_path().map(|place| {
                let own = place.strip_prefix("$ORIGIN").or(place.strip_prefix("${ORIGIN}"));
                match own {
                    Some(rest) => (true, folder.join(rest.trim_start_matches('/')).join(name)),
                    None => (false, Path::new(place).join(name)),
                }
            });
            places.find(|(_, file)| file.exists()).filter(|(own, _)| *own).map(|(_, file)| file)
        };
        library.needed().filter_map(found).collect()
    }

    /// Path of a sealed copy in memory with the name of the file at `path`; that file
    /// itself where a limit on file sizes forbids a copy. The copy stays as long as the
    /// process, as a loaded library does: the linker takes two of one path for one.
    ///
    /// # Errors
    /// The machine provides no such memory.
    pub fn seal(&self, path: &Path, sha256: &str) -> io::Result<PathBuf> {
        static COPIES: Mutex<BTreeMap<(PathBuf, String), PathBuf>> = Mutex::new(BTreeMap::new());
        let mut copies = COPIES.lock().unwrap_or_else(PoisonError::into_inner);
        match copies.entry((path.to_owned(), sha256.to_owned())) {
            Entry::Occupied(known) => Ok(known.get().clone()),
            Entry::Vacant(new) => match self.copy(path) {
                // A limit on file sizes (ulimit -f) applies to memory files, too.
                Err(error) if error.kind() == io::ErrorKind::FileTooLarge => {
                    tracing::warn!(
                        file = %path.display(),
                        "the limit on the size of files leaves no room for a private copy; the file itself \
                         is loaded, and must not be changed while it is in use"
                    );
                    Ok(new.insert(path.to_owned()).clone())
                }
                copied => Ok(new.insert(copied?).clone()),
            },
        }
    }

    fn copy(&self, path: &Path) -> io::Result<PathBuf> {
        let name = path.file_name().unwrap_or_default();
        let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
        // Some machines require this flag, by which the memory is no program to run; older
        // ones do not know it.
        let memory = rustix::fs::memfd_create(name, flags | MemfdFlags::NOEXEC_SEAL)
            .or_else(|_| rustix::fs::memfd_create(name, flags))?;
        let mut file = File::from(memory);
        file.write_all(&self.bytes)?;
        let seals = SealFlags::WRITE | SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL;
        rustix::fs::fcntl_add_seals(&file, seals)?;
        let path = shared_path(&file)?;
        // Stays open for ever, so that no other file gets this number.
        let _ = file.into_raw_fd();
        Ok(path)
    }
}

/// A path to an open file of this process, valid in its children, too.
///
/// # Errors
/// There is no /proc.
pub fn shared_path(open: &impl AsRawFd) -> io::Result<PathBuf> {
    // The process number is needed: `self` would mean the child itself.
    let process = std::fs::read_link("/proc/self")?;
    let number = open.as_raw_fd().to_string();
    Ok(Path::new("/proc").join(process).join("fd").join(number))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn what_a_plugin_looks_for_beside_itself_is_found_beside_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let cc = |args: &[&str]| {
            let mut cc = Command::new("cc");
            assert!(cc.current_dir(folder.path()).args(args).status().unwrap().success());
        };
        std::fs::write(at("dep.c"), "int dep(void) { return 7; }\n").unwrap();
        std::fs::write(at("user.c"), "int dep(void); int user(void) { return dep(); }\n").unwrap();
        cc(&["-shared", "-fPIC", "-Wl,-soname,libdep.so", "-o", "libdep.so", "dep.c"]);
        let path = |path: &str| -> Vec<PathBuf> {
            let path = format!("-Wl,-rpath,{path}");
            cc(&["-shared", "-fPIC", "-o", "libuser.so", "user.c", "-L.", "-ldep", &path]);
            Image::read(&at("libuser.so")).unwrap().beside(folder.path())
        };
        assert_eq!(path("$ORIGIN"), [folder.path().join("libdep.so")]);
        assert_eq!(path("/nowhere:${ORIGIN}/."), [folder.path().join("./libdep.so")]);
        // An earlier folder has the library, so the linker finds it there by itself.
        assert!(path(&format!("{}:$ORIGIN", folder.path().display())).is_empty());
        assert!(path("$ORIGIN/elsewhere").is_empty());
    }

    #[test]
    fn a_copy_cannot_be_written_to() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.so");
        std::fs::write(&file, "what was looked at").unwrap();
        let image = Image::read(&file).unwrap();
        let copy = image.seal(&file, &image.sha256()).unwrap();
        assert_eq!(std::fs::read(&copy).unwrap(), b"what was looked at");
        assert!(std::fs::write(&copy, "another").is_err());
        assert_eq!(std::fs::read(&copy).unwrap(), b"what was looked at");
    }
}

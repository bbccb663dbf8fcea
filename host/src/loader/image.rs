//! A plugin file as it was read once, and the private copy of it that is loaded.
//!
//! A library is mapped from its file page by page, whenever one is first
//! touched: whoever overwrites the file in place changes a program that runs. So
//! what is opened is a copy in memory that nobody can change. Other processes of
//! the run open the same copy.

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

/// The bytes of a file.
pub struct Image {
    bytes: Vec<u8>,
}

impl Image {
    /// Reads the file at `path`, once.
    ///
    /// # Errors
    /// When it cannot be read, or is none.
    pub fn read(path: &Path) -> Result<Self, LoadErrorKind> {
        let read = || {
            // Asked first: to open a pipe may wait for ever.
            if !std::fs::metadata(path)?.is_file() {
                return Err(io::Error::other("it is no file"));
            }
            let mut bytes = Vec::new();
            File::open(path)?.read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        Ok(Self { bytes: read().map_err(LoadErrorKind::Read)? })
    }

    /// The header in it, its facts checked against this host.
    ///
    /// # Errors
    /// What does not fit.
    pub fn header(&self) -> Result<PluginHeader, LoadErrorKind> {
        header::read(&self.bytes)
    }

    /// Its SHA-256, hex.
    pub fn sha256(&self) -> String {
        hex(Sha256::digest(&self.bytes))
    }

    /// Libraries beside the file in `folder` that it asks for by `$ORIGIN`,
    /// which means another folder to a copy.
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

    /// The path of a copy in memory that nobody can change, named like the file
    /// at `path`; of that file where the process may make no file of its size. It stays as long as the process: so does a library, and the
    /// dynamic linker takes two of one name for one.
    ///
    /// # Errors
    /// When the machine gives none.
    pub fn seal(&self, path: &Path, sha256: &str) -> io::Result<PathBuf> {
        static COPIES: Mutex<BTreeMap<(PathBuf, String), PathBuf>> = Mutex::new(BTreeMap::new());
        let mut copies = COPIES.lock().unwrap_or_else(PoisonError::into_inner);
        match copies.entry((path.to_owned(), sha256.to_owned())) {
            Entry::Occupied(known) => Ok(known.get().clone()),
            Entry::Vacant(new) => match self.copy(path) {
                // A limit on files (ulimit -f) is one on memory files, too.
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
        // Some machines only give memory that is no program; older ones do not
        // know the difference.
        let memory = rustix::fs::memfd_create(name, flags | MemfdFlags::NOEXEC_SEAL)
            .or_else(|_| rustix::fs::memfd_create(name, flags))?;
        let mut file = File::from(memory);
        file.write_all(&self.bytes)?;
        let seals = SealFlags::WRITE | SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL;
        rustix::fs::fcntl_add_seals(&file, seals)?;
        let path = shared_path(&file)?;
        // For ever, so that no other file is given its number.
        let _ = file.into_raw_fd();
        Ok(path)
    }
}

/// A path of something that this process has open, good in its children as well.
///
/// # Errors
/// Without /proc.
pub fn shared_path(open: &impl AsRawFd) -> io::Result<PathBuf> {
    // By the number, not as `self`: that is somebody else to a child.
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
        // Another folder has it first: the linker finds it there by itself.
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

//! Makes sure that this process has the libtorch that osee was built for, or one of
//! the same version that the user chose.
//!
//! The program's run path comes before `LD_LIBRARY_PATH`, which may name any
//! libtorch. `OSEE_LIBTORCH` names one on purpose, such as one with CUDA: the program
//! then starts again with that one preloaded.

use crate::exit::{Category, ExitCode};
use libloading::os::unix::Library;
use osee_sdk::abi::header::PluginHeader;
use std::{
    env,
    ffi::OsString,
    fs, io,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

/// Environment variable with the folder of another libtorch.
pub const VARIABLE: &str = "OSEE_LIBTORCH";

/// Environment variable with the libraries that the dynamic linker loads first.
const PRELOAD: &str = "LD_PRELOAD";

/// The library that defines tensors.
const CPU: &str = "libtorch_cpu.so";

/// Libraries of libtorch that the program is linked with; each needs only earlier
/// ones.
const LINKED: [&str; 2] = ["libc10.so", CPU];

/// The reason why there is no usable libtorch.
#[derive(Debug, thiserror::Error)]
pub enum LibtorchError {
    /// The libtorch has another version.
    #[error(
        "{} is libtorch {found}, and osee was built for {wanted}\n  \
         help: build osee again, or name a folder of libtorch {wanted} in {VARIABLE}",
        path.display()
    )]
    Version {
        /// Path of the library.
        path: PathBuf,
        /// Version of the library.
        found: String,
        /// Version that the host was built for.
        wanted: String,
    },
    /// The chosen folder holds no libtorch.
    #[error(
        "{VARIABLE} names {}, which has no {CPU}, nor has its folder lib\n  \
         help: name the folder of an unpacked libtorch, or unset {VARIABLE}",
        .0.display()
    )]
    None(PathBuf),
    /// The chosen libtorch cannot be used.
    #[error(
        "the libtorch that {VARIABLE} names, {}, cannot be used: {why}\n  \
         help: name one of version {wanted}, or unset {VARIABLE}",
        folder.display()
    )]
    Unusable {
        /// The folder that the user chose.
        folder: PathBuf,
        /// Message of the dynamic linker.
        why: String,
        /// Version that the host was built for.
        wanted: String,
    },
}

impl Category for LibtorchError {
    fn exit_code(&self) -> ExitCode {
        match self {
            Self::None(_) | Self::Unusable { .. } => ExitCode::Input,
            Self::Version { .. } => ExitCode::Internal,
        }
    }
}

/// The libraries to preload in children of this process.
static CHOSEN: OnceLock<OsString> = OnceLock::new();

/// Makes sure that this process has the right libtorch. It must be called before
/// anything else: with `OSEE_LIBTORCH` set, the program starts again.
///
/// # Errors
/// There is no such libtorch, or it has another version.
pub fn settle() -> Result<(), LibtorchError> {
    if let Some(folder) = env::var_os(VARIABLE).filter(|folder| !folder.is_empty()) {
        choose(Path::new(&folder))?;
    }
    let (found, wanted) = (version(), wanted());
    match found == wanted {
        true => Ok(()),
        false => {
            let path = osee_engine::cuda::mapped().unwrap_or_else(|_| PathBuf::from(CPU));
            Err(LibtorchError::Version { path, found, wanted })
        }
    }
}

/// A command that starts the program itself with this process's libtorch.
///
/// # Errors
/// The path of the program is unknown.
pub fn this_program() -> io::Result<Command> {
    let mut command = Command::new(env::current_exe()?);
    if let Some(chosen) = CHOSEN.get() {
        command.env(PRELOAD, with_preloaded(chosen));
    }
    Ok(command)
}

fn choose(asked: &Path) -> Result<(), LibtorchError> {
    let has = |folder: &PathBuf| folder.join(CPU).is_file();
    let folder = [asked.join("lib"), asked.to_owned()].into_iter().find(has);
    let folder = folder.and_then(|folder| fs::canonicalize(folder).ok());
    let folder = folder.ok_or_else(|| LibtorchError::None(asked.to_owned()))?;
    let unusable =
        |why: String| LibtorchError::Unusable { folder: folder.clone(), why, wanted: wanted() };
    let files = LINKED.map(|name| folder.join(name)).into_iter().filter(|file| file.is_file());
    let files: Vec<OsString> = files.map(PathBuf::into_os_string).collect();
    let list = files.join(":".as_ref());
    if fs::canonicalize(folder.join(CPU)).ok() == osee_engine::cuda::mapped().ok() {
        forget_preloaded(&list);
        return Ok(());
    }
    let preloaded = env::var_os(PRELOAD).unwrap_or_default().into_encoded_bytes();
    if preloaded.starts_with(list.as_encoded_bytes()) {
        // The program has already started again, in vain.
        return Err(unusable("the dynamic linker does not load it first".to_owned()));
    }
    if let Some(found) = written_version(&folder).filter(|found| *found != wanted()) {
        return Err(unusable(format!("it is libtorch {found}")));
    }
    let text = list.to_string_lossy();
    if text.contains(' ') || text.matches(':').count() >= files.len() {
        return Err(unusable("its path has a space or a colon; give a link to it".to_owned()));
    }
    let program = env::current_exe().map_err(|error| unusable(error.to_string()))?;
    let mut again = Command::new(program);
    again.env(PRELOAD, with_preloaded(&list));
    // An unsuitable libtorch ends a program before `main`, so a trial run comes first.
    let tried = again.arg("--version").output().map_err(|error| unusable(error.to_string()))?;
    if !tried.status.success() {
        let said = String::from_utf8_lossy(&tried.stderr).into_owned();
        let line = said.lines().next().unwrap_or("it ends without output");
        return Err(unusable(line.trim_start_matches("error: ").to_owned()));
    }
    let mut again = Command::new(again.get_program());
    again.env(PRELOAD, with_preloaded(&list)).args(env::args_os().skip(1));
    Err(unusable(again.exec().to_string()))
}

/// Value of the preload variable: libtorch first, then the user's libraries.
fn with_preloaded(list: &OsString) -> OsString {
    let users = env::var_os(PRELOAD).filter(|users| !users.is_empty());
    [Some(list.clone()), users].into_iter().flatten().collect::<Vec<_>>().join(":".as_ref())
}

/// Removes libtorch from the environment of other programs, such as a scheduler or
/// Python; [`this_program`] adds it again.
fn forget_preloaded(list: &OsString) {
    let all = env::var_os(PRELOAD).unwrap_or_default().into_encoded_bytes();
    let Some(users) = all.strip_prefix(list.as_encoded_bytes()) else { return };
    let users = users.strip_prefix(b":").unwrap_or(users);
    let users = String::from_utf8_lossy(users).into_owned();
    // SAFETY: the process has one thread; `settle` is the first that it does.
    unsafe {
        match users.is_empty() {
            true => env::remove_var(PRELOAD),
            false => env::set_var(PRELOAD, users),
        }
    }
    let _ = CHOSEN.set(list.clone());
}

fn wanted() -> String {
    PluginHeader::current().libtorch.to_string()
}

/// Version of the libtorch in this process, as libtorch reports it.
fn version() -> String {
    // SAFETY: the name is libtorch's own, of its stable C interface, and so is
    // the type.
    let version = unsafe {
        Library::this()
            .get::<unsafe extern "C" fn() -> u64>(b"aoti_torch_abi_version\0")
            .map(|version| version())
    };
    match version {
        // From the top, major, minor and patch have one byte each.
        Ok(version) => {
            let [major, minor, patch, ..] = version.to_be_bytes();
            format!("{major}.{minor}.{patch}")
        }
        Err(_) => "older than 2.9".to_owned(),
    }
}

/// Version in the files beside a libtorch's libraries.
fn written_version(lib: &Path) -> Option<String> {
    let folder = lib.parent()?;
    let read = |file: &str| fs::read_to_string(folder.join(file)).ok();
    let bare = |text: &str| text.trim().split('+').next().unwrap_or_default().to_owned();
    if let Some(text) = read("build-version") {
        return Some(bare(&text));
    }
    let text = read("version.py")?;
    let line = text.lines().find_map(|line| line.strip_prefix("__version__ = "))?;
    Some(bare(line.trim_matches(['\'', '"'])))
}

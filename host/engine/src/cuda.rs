//! Finds the libtorch of this process, and opens its CUDA library.

use libloading::os::unix::{Library, RTLD_GLOBAL, RTLD_NOW};
use std::{
    fs,
    path::{Path, PathBuf},
};

const CPU: &str = "libtorch_cpu.so";

/// The file that this process's libtorch is mapped from.
///
/// # Errors
/// Why it cannot be found, as a lower-case fragment.
pub fn mapped() -> Result<PathBuf, String> {
    let maps = fs::read_to_string("/proc/self/maps").map_err(|error| error.to_string())?;
    // The path is the sixth field and may contain blanks.
    let paths = maps.lines().filter_map(|line| line.find('/').map(|at| Path::new(&line[at..])));
    let mut found = paths.filter(|path| path.file_name().is_some_and(|name| name == CPU));
    found.next().map(Path::to_owned).ok_or_else(|| format!("this process has no {CPU}"))
}

/// Opens libtorch_cuda beside the libtorch_cpu of this process; the linker left it out
/// because nothing names it. This must come before the first CUDA query, whose answer
/// libtorch remembers.
///
/// # Errors
/// Why there is no CUDA, as a lower-case fragment.
pub fn open_libtorch_cuda() -> Result<(), String> {
    let cpu = mapped()?;
    let cuda = cpu.with_file_name("libtorch_cuda.so");
    if !cuda.exists() {
        return Err(format!("this libtorch is for CPU only ({} is missing)", cuda.display()));
    }
    // SAFETY: libtorch's own library, of the version that is already loaded.
    unsafe { Library::open(Some(&cuda), RTLD_NOW | RTLD_GLOBAL) }
        .map(std::mem::forget)
        .map_err(|error| error.to_string())
}

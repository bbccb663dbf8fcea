//! The libtorch of this process, and its library for CUDA.

use libloading::os::unix::{Library, RTLD_GLOBAL, RTLD_NOW};
use std::{
    fs,
    path::{Path, PathBuf},
};

const CPU: &str = "libtorch_cpu.so";

/// The file that this process's libtorch is mapped from.
///
/// # Errors
/// Why it is not known, as a fragment.
pub fn mapped() -> Result<PathBuf, String> {
    let maps = fs::read_to_string("/proc/self/maps").map_err(|error| error.to_string())?;
    // The path is the sixth field; it may have blanks.
    let paths = maps.lines().filter_map(|line| line.find('/').map(|at| Path::new(&line[at..])));
    let mut found = paths.filter(|path| path.file_name().is_some_and(|name| name == CPU));
    found.next().map(Path::to_owned).ok_or_else(|| format!("this process has no {CPU}"))
}

/// Opens libtorch_cuda beside the libtorch_cpu of this process, which the
/// linker left out because nothing names it. Must come before the first CUDA
/// query: libtorch remembers the answer.
///
/// # Errors
/// Why there is no CUDA, as a fragment.
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

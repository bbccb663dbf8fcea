//! A torch device for tests: not the CPU, and there on every machine.
//!
//! Its memory is the host's and its results are the CPU's to the bit, but to everything
//! above the kernels it is a device as a GPU is: what forgets to move a tensor fails, backward
//! passes run on a thread of the device, and [`counts`] says how often a GPU would have been
//! asked to work and waited for. It bears the name `mps:0`, for which libtorch has no
//! kernels on Linux. `device.cpp` says how it is made.

use std::{
    ffi::{CStr, c_char},
    fmt,
};
use tch::Device;
// Its build script links libtorch, which the C++ needs.
use torch_sys as _;

unsafe extern "C" {
    fn osee_fake_device_install() -> *const c_char;
    fn osee_fake_device_reset();
    fn osee_fake_device_operations() -> i64;
    fn osee_fake_device_copies_to_device() -> i64;
    fn osee_fake_device_copies_to_host() -> i64;
    fn osee_fake_device_scalar_reads() -> i64;
    fn osee_fake_device_names() -> *const c_char;
}

/// Makes the fake device, if this process has none yet, and returns its name. It has to be
/// called before torch's first backward pass and before its generator is first seeded,
/// also on the CPU, because libtorch then looks for devices and remembers which there were.
///
/// # Panics
/// When it is too late, or this libtorch has kernels for MPS.
pub fn install() -> Device {
    // SAFETY: the function can be called at any time and from any thread, and catches what
    // libtorch throws. What it returns is null or a C string that is never freed or changed.
    let error = unsafe {
        let error = osee_fake_device_install();
        (!error.is_null()).then(|| CStr::from_ptr(error))
    };
    if let Some(error) = error {
        panic!("no fake device: {}", error.to_string_lossy());
    }
    Device::Mps
}

/// What the device was asked to do since the last [`reset`], by all threads.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Operations that came to a kernel. Views and allocations are not counted. A GPU has one
    /// launch for most of them, and several for some, such as a convolution's
    /// backward pass.
    pub operations: i64,
    /// Copies of a tensor from the CPU to the device.
    pub copies_to_device: i64,
    /// Copies of a tensor from the device to the CPU.
    pub copies_to_host: i64,
    /// Numbers that the host read from the device, and operations that make the host wait
    /// because their result is a number or has a size that depends on values.
    pub scalar_reads: i64,
}

impl Counts {
    /// How often the host would have waited for a GPU to finish all that it was given.
    pub fn synchronisations(self) -> i64 {
        self.copies_to_host + self.scalar_reads
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (operations, waits) = (self.operations, self.synchronisations());
        write!(f, "{operations} operations, {waits} synchronisations")
    }
}

/// What the device was asked to do since the last [`reset`].
pub fn counts() -> Counts {
    // SAFETY: these read atomic numbers.
    unsafe {
        Counts {
            operations: osee_fake_device_operations(),
            copies_to_device: osee_fake_device_copies_to_device(),
            copies_to_host: osee_fake_device_copies_to_host(),
            scalar_reads: osee_fake_device_scalar_reads(),
        }
    }
}

/// How often each operation came to a kernel since the last [`reset`], the most frequent first.
/// One thread at a time may call this.
pub fn operations() -> Vec<(String, u64)> {
    // SAFETY: it returns a C string that stays until its next call.
    let text = unsafe { CStr::from_ptr(osee_fake_device_names()) }.to_string_lossy().into_owned();
    let line = |line: &str| {
        let (name, count) = line.rsplit_once(' ')?;
        Some((name.trim_start_matches("aten::").to_owned(), count.parse().ok()?))
    };
    let mut all: Vec<(String, u64)> = text.lines().filter_map(line).collect();
    all.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    all
}

/// Sets all counts to 0.
pub fn reset() {
    // SAFETY: sets atomic numbers.
    unsafe { osee_fake_device_reset() };
}

#[cfg(test)]
mod tests;

//! Finds plugin files and loads them, rung by rung: is it ELF for this
//! machine, has it osee's header, do the ABI and libtorch match, may it be
//! loaded, then open, then abi_stable's layout check, then ask what it exports.
//!
//! Invariant: nothing of a plugin runs before its header was read and found
//! fitting; what is loaded is the bytes that were looked at; a library is never
//! unloaded.

mod elf;
mod error;
pub(crate) mod header;
mod image;
mod library;
pub mod libtorch;
mod others;
pub mod probe;
mod registry;
mod sound;
pub mod trust;

pub use error::{LoadError, LoadErrorKind};
pub use image::shared_path;
pub use library::{Pinned, Plugin};
pub use others::Others;
pub use registry::{Registry, RegistryError, Space};
pub use trust::{Entry, LOCK, Lock, LockError, Trust, lock_text};

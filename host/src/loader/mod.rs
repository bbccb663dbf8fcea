//! Finds plugin files and loads them, rung by rung: is the file ELF for this machine,
//! has it osee's header, do ABI and libtorch match, may it be loaded? Then it is
//! opened, abi_stable checks the layout, and the plugin lists its exports.
//!
//! Invariant: nothing of a plugin runs before its header was read and fits; the loaded
//! bytes are the checked bytes; a library is never unloaded.

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

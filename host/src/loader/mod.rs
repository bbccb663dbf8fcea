//! Finds plugin files and loads them, rung by rung: is it ELF for this
//! machine, has it osee's header, do the ABI and libtorch match, may it be
//! loaded, then open, then abi_stable's layout check, then ask what it exports.
//!
//! Invariant: nothing of a plugin runs before its header was read and found
//! fitting; a library is never unloaded.

mod error;
mod header;
mod library;
pub mod probe;
mod registry;
pub mod trust;

pub use error::{LoadError, LoadErrorKind};
pub use library::{Plugin, open_libtorch_cuda};
pub use registry::{Pinned, Registry, RegistryError, Space};
pub use trust::{Entry, LOCK, Lock, LockError, Trust, lock_text};

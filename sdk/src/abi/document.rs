//! Documents as they cross.

pub use crate::document::{decode, encode};
use abi_stable::std_types::{RSlice, RVec};

/// A document that the caller keeps.
pub type Document<'a> = RSlice<'a, u8>;

/// A document that is handed over.
pub type OwnedDocument = RVec<u8>;

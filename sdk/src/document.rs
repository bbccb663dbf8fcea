//! Documents: MessagePack with field names, so that a newer version may add
//! fields with defaults. The ABI number in the header is their version.

use crate::{Error, Result};
use serde::{Serialize, de::DeserializeOwned};

/// Encodes a value as a document.
pub fn encode(value: &impl Serialize) -> Vec<u8> {
    rmp_serde::to_vec_named(value).expect("documents are plain data")
}

/// Decodes a document.
///
/// # Errors
/// When the bytes are not a document of this type.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    rmp_serde::from_slice(bytes).map_err(|error| {
        Error::new(format!(
            "cannot read a {} document: {error}",
            std::any::type_name::<T>().rsplit("::").next().unwrap_or("plugin")
        ))
    })
}

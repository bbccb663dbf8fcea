//! The reason why a source gave no file.

use crate::catalog::error::Fault;

/// The reason why a source gave no file.
#[derive(Debug)]
pub enum Why {
    /// The command was told to stop.
    Stopped,
    /// The source failed; the reason in words.
    Failed(String),
    /// Writing failed locally, so no other source can help.
    Here(Fault),
}

impl From<Fault> for Why {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Stopped => Self::Stopped,
            fault => Self::Here(fault),
        }
    }
}

/// Message for a file of the wrong size (bytes).
pub fn other_size(found: u64, wanted: u64) -> String {
    format!("has {found} bytes, but {wanted} are expected")
}

/// Message for a file of the right size with the wrong SHA-256 (hex).
pub fn other_hash(found: &str, wanted: &str) -> String {
    format!("has different content: its SHA-256 is {found}, but {wanted} is expected")
}

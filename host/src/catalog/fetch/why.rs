//! Why a source gave no file.

use crate::catalog::error::Fault;

/// Why a source gave no file.
#[derive(Debug)]
pub enum Why {
    /// Told to stop.
    Stopped,
    /// In words.
    Failed(String),
    /// Nothing can be written here.
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

/// What is wrong with a file of another size.
pub fn other_size(found: u64, wanted: u64) -> String {
    format!("has {found} bytes, and {wanted} are expected")
}

/// What is wrong with a file of the right size.
pub fn other_hash(found: &str, wanted: &str) -> String {
    format!("has other content: its SHA-256 is {found}, and {wanted} is expected")
}

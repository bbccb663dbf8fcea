//! Bytes as text.

/// Two digits a byte, as `sha256sum` writes a hash.
pub fn hex(bytes: impl AsRef<[u8]>) -> String {
    bytes.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

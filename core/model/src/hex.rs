//! Bytes as hexadecimal text.

use std::fmt::Write;

/// Two lower-case digits per byte, as `sha256sum` writes a hash.
pub fn hex(bytes: impl AsRef<[u8]>) -> String {
    let bytes = bytes.as_ref();
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

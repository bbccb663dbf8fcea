//! Much data in little room: gzipped JSON in base64, which every browser
//! unpacks by itself.

use flate2::{Compression, write::GzEncoder};
use serde_json::Value;
use std::io::Write;

/// The document as text that may stand in a script element.
pub(super) fn packed(document: &Value) -> String {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    let text = document.to_string();
    // Writing to memory cannot fail.
    let bytes = gzip.write_all(text.as_bytes()).and_then(|()| gzip.finish()).unwrap_or_default();
    base64(&bytes)
}

/// RFC 4648, section 4.
pub(super) fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for three in bytes.chunks(3) {
        let byte = |at: usize| u32::from(three.get(at).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for at in 0..4 {
            let digit = DIGITS[(bits >> (18 - 6 * at) & 63) as usize];
            text.push(if at > three.len() { '=' } else { char::from(digit) });
        }
    }
    text
}

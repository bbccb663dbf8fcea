//! Packs large data as gzipped JSON in base64, which browsers unpack without a library.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use flate2::{Compression, write::GzEncoder};
use serde_json::Value;
use std::io::Write;

/// The document as text that is valid in a script element.
pub(super) fn packed(document: &Value) -> String {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    let text = document.to_string();
    // Writing to memory cannot fail.
    let bytes = gzip.write_all(text.as_bytes()).and_then(|()| gzip.finish()).unwrap_or_default();
    BASE64_STANDARD.encode(bytes)
}

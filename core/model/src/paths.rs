//! Paths as text. A path is bytes, and text files, messages and columns hold
//! UTF-8: bytes that are none are written as characters that nobody uses, one
//! each, and read back. Of any other path the text is itself.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::{
    ffi::OsString,
    os::unix::ffi::{OsStrExt, OsStringExt},
    path::{Path, PathBuf},
};

/// The character of byte 0, at the end of the second plane for private use.
const FIRST: u32 = 0x10_fe00;

/// The text of a path; [`path`] reads it.
pub fn text(path: &Path) -> String {
    let mut text = String::new();
    for chunk in path.as_os_str().as_bytes().utf8_chunks() {
        for c in chunk.valid().chars() {
            match byte(c) {
                None => text.push(c),
                // Not ours, then; its bytes one by one, so that it is read back.
                Some(_) => text.extend(c.encode_utf8(&mut [0; 4]).bytes().filter_map(character)),
            }
        }
        text.extend(chunk.invalid().iter().copied().filter_map(character));
    }
    text
}

/// The path of a [`text`].
pub fn path(text: &str) -> PathBuf {
    let mut bytes = Vec::with_capacity(text.len());
    for c in text.chars() {
        match byte(c) {
            Some(byte) => bytes.push(byte),
            None => bytes.extend(c.encode_utf8(&mut [0; 4]).bytes()),
        }
    }
    OsString::from_vec(bytes).into()
}

fn character(byte: u8) -> Option<char> {
    char::from_u32(FIRST + u32::from(byte))
}

fn byte(c: char) -> Option<u8> {
    u8::try_from(u32::from(c).checked_sub(FIRST)?).ok()
}

/// For serde's `with`: a path as its [`text`].
///
/// # Errors
/// The serializer's.
pub fn serialize<S: Serializer>(path: &Path, to: S) -> Result<S::Ok, S::Error> {
    text(path).serialize(to)
}

/// See [`serialize`].
///
/// # Errors
/// What is no text.
pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<PathBuf, D::Error> {
    Ok(path(&String::deserialize(from)?))
}

/// For serde's `with`: a path that may be absent.
pub mod optional {
    use super::*;

    /// As [`text`].
    ///
    /// # Errors
    /// The serializer's.
    pub fn serialize<S: Serializer>(path: &Option<PathBuf>, to: S) -> Result<S::Ok, S::Error> {
        path.as_deref().map(text).serialize(to)
    }

    /// See [`serialize`].
    ///
    /// # Errors
    /// What is no text.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<PathBuf>, D::Error> {
        Ok(Option::<String>::deserialize(from)?.map(|text| path(&text)))
    }
}

/// For serde's `with`: a list of paths.
pub mod list {
    use super::*;

    /// As [`text`]s.
    ///
    /// # Errors
    /// The serializer's.
    pub fn serialize<S: Serializer>(paths: &[PathBuf], to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(paths.iter().map(|path| text(path)))
    }

    /// See [`serialize`].
    ///
    /// # Errors
    /// What is no list of texts.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<PathBuf>, D::Error> {
        Ok(Vec::<String>::deserialize(from)?.iter().map(|text| path(text)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_survives_its_text_whatever_its_bytes() {
        let escape = "\u{10fe41}";
        for bytes in
            [&b"/a/b.so"[..], b"", b"/caf\xe9/\xff\xfe", "/café".as_bytes(), escape.as_bytes()]
        {
            let whole = PathBuf::from(OsString::from_vec(bytes.to_vec()));
            assert_eq!(path(&text(&whole)), whole);
        }
        assert_eq!(text(Path::new("/café/x")), "/café/x");
        assert_ne!(text(Path::new(escape)), escape);
    }
}

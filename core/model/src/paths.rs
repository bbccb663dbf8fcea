//! Paths as UTF-8 text. Each byte of a path that is not UTF-8 is written as one private-use
//! character and read back; any other path is written unchanged.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::{
    ffi::OsString,
    os::unix::ffi::{OsStrExt, OsStringExt},
    path::{Path, PathBuf},
};

/// The character that stands for byte 0, at the end of the second plane for private use.
const FIRST: u32 = 0x10_fe00;

/// The text of a path; [`path`] reads it back.
pub fn text(path: &Path) -> String {
    let mut text = String::new();
    for chunk in path.as_os_str().as_bytes().utf8_chunks() {
        for c in chunk.valid().chars() {
            match byte(c) {
                None => text.push(c),
                // The path itself holds such a character: write its bytes one by one, so that it
                // reads back.
                Some(_) => text.extend(c.encode_utf8(&mut [0; 4]).bytes().filter_map(character)),
            }
        }
        text.extend(chunk.invalid().iter().copied().filter_map(character));
    }
    text
}

/// The path that a [`text`] stands for.
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

/// For serde's `with`: writes a path as its [`text`].
///
/// # Errors
/// If the serializer fails.
pub fn serialize<S: Serializer>(path: &Path, to: S) -> Result<S::Ok, S::Error> {
    text(path).serialize(to)
}

/// For serde's `with`: reads what [`serialize`] writes.
///
/// # Errors
/// If the value is not a text.
pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<PathBuf, D::Error> {
    Ok(path(&String::deserialize(from)?))
}

/// For serde's `with`: a path that may be absent.
pub mod optional {
    use super::*;

    /// Writes the path, if there is one, as its [`text`].
    ///
    /// # Errors
    /// If the serializer fails.
    pub fn serialize<S: Serializer>(path: &Option<PathBuf>, to: S) -> Result<S::Ok, S::Error> {
        path.as_deref().map(text).serialize(to)
    }

    /// Reads what [`serialize`] writes.
    ///
    /// # Errors
    /// If the value is not a text.
    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<PathBuf>, D::Error> {
        Ok(Option::<String>::deserialize(from)?.map(|text| path(&text)))
    }
}

/// For serde's `with`: a list of paths.
pub mod list {
    use super::*;

    /// Writes the paths as a list of [`text`]s.
    ///
    /// # Errors
    /// If the serializer fails.
    pub fn serialize<S: Serializer>(paths: &[PathBuf], to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(paths.iter().map(|path| text(path)))
    }

    /// Reads what [`serialize`] writes.
    ///
    /// # Errors
    /// If the value is not a list of texts.
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

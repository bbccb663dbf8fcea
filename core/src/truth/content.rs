//! What a file is that is not the text it should be, told by its first bytes.

/// A file of another kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Foreign {
    /// With an article, such as "a Parquet file".
    pub what: &'static str,
    /// What makes text of it.
    pub convert: &'static str,
}

/// First bytes, what they are, and what makes text of it.
const KNOWN: [(&[u8], &str, &str); 17] = [
    (b"PAR1", "a Parquet file", PARQUET),
    (b"\xfd7zXZ\0", "compressed by xz", "unpack it: xz -dk FILE"),
    (b"BZh", "compressed by bzip2", "unpack it: bzip2 -dk FILE"),
    (b"\x28\xb5\x2f\xfd", "compressed by zstd", "unpack it: zstd -d FILE"),
    (b"\x04\x22\x4d\x18", "compressed by lz4", "unpack it: lz4 -d FILE"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", "unpack it: 7z x FILE"),
    (b"PK\x03\x04", "a zip archive", ZIP),
    (b"\x80\x02", "a Python pickle", PICKLE),
    (b"\x80\x03", "a Python pickle", PICKLE),
    (b"\x80\x04", "a Python pickle", PICKLE),
    (b"\x80\x05", "a Python pickle", PICKLE),
    (
        b"ARROW1",
        "a Feather file",
        "convert it: pandas.read_feather(FILE).to_csv(OTHER, index=False)",
    ),
    (b"\x89HDF", "an HDF5 file", "convert it: pandas.read_hdf(FILE).to_csv(OTHER, index=False)"),
    (b"\x93NUMPY", "a NumPy array", "convert it: pandas.DataFrame(numpy.load(FILE)).to_csv(OTHER)"),
    (
        b"SQLite format 3",
        "an SQLite database",
        "convert it: sqlite3 -header -csv FILE 'SELECT ...'",
    ),
    (b"\xff\xfe", "text in UTF-16", UTF16),
    (b"\xfe\xff", "text in UTF-16", UTF16),
];
const PARQUET: &str =
    "convert it, with pandas.read_parquet(FILE).to_csv(OTHER, index=False) in Python";
const ZIP: &str = "unpack it: unzip FILE; an Excel sheet is saved as CSV, a NumPy or torch archive \
                   written out in Python";
const PICKLE: &str =
    "convert it, with pandas.DataFrame(pandas.read_pickle(FILE)).to_csv(OTHER) in Python";
const UTF16: &str = "convert it: iconv -f UTF-16 -t UTF-8 FILE > OTHER";

/// How many bytes tell.
pub const MAGIC: usize = 16;

/// First bytes of gzip.
pub const GZIP: &[u8] = b"\x1f\x8b";

/// What a file with these first bytes is, if not text.
pub fn foreign(start: &[u8]) -> Option<Foreign> {
    let known = KNOWN.iter().find(|(magic, ..)| start.starts_with(magic));
    known.map(|&(_, what, convert)| Foreign { what, convert })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_text() {
        for text in ["arch,acc", "", "BZ", "\u{feff}arch", "|none~0|", "PARAMS,arch", "7,1"] {
            assert_eq!(foreign(text.as_bytes()), None, "{text}");
        }
        assert_eq!(foreign(b"PK\x03\x04\x14").unwrap().what, "a zip archive");
    }
}

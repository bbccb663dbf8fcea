//! Recognises files that are not CSV text by their first bytes.

/// A kind of file other than CSV text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Foreign {
    /// Kind of file with its article, such as "a Parquet file".
    pub what: &'static str,
    /// Advice on how to convert it to text.
    pub convert: &'static str,
}

/// First bytes, kind of file, and advice on how to convert it.
const KNOWN: &[(&[u8], &str, &str)] = &[
    (b"PAR1", "a Parquet file", PARQUET),
    (b"\xfd7zXZ\0", "compressed by xz", "unpack it: xz -dk FILE"),
    (b"\x5d\0\0", "compressed by lzma", "unpack it: xz --format=lzma -dc FILE > OTHER"),
    (b"\x1f\x9d", "compressed by compress (.Z)", "unpack it: zcat FILE > OTHER"),
    (b"BZh", "compressed by bzip2", "unpack it: bzip2 -dk FILE"),
    (b"\x28\xb5\x2f\xfd", "compressed by zstd", "unpack it: zstd -d FILE"),
    (b"\x04\x22\x4d\x18", "compressed by lz4", "unpack it: lz4 -d FILE"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", "unpack it: 7z x FILE"),
    (b"PK\x03\x04", "a zip archive", ZIP),
    (b"\x80\x02", "a Python pickle", PICKLE),
    (b"\x80\x03", "a Python pickle", PICKLE),
    (b"\x80\x04", "a Python pickle", PICKLE),
    (b"\x80\x05", "a Python pickle", PICKLE),
    // Protocols 0 and 1 have no mark of their own; this is how pickles of pandas, NumPy and
    // dictionaries begin.
    (b"ccopy_reg\n", "a Python pickle", PICKLE),
    (b"cpandas.", "a Python pickle", PICKLE),
    (b"cnumpy", "a Python pickle", PICKLE),
    (b"(dp0\n", "a Python pickle", PICKLE),
    (b"(lp0\n", "a Python pickle", PICKLE),
    (b"}q\0", "a Python pickle", PICKLE),
    (b"]q\0", "a Python pickle", PICKLE),
    (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        "an Excel sheet (.xls)",
        "save it as CSV, or convert it: pandas.read_excel(FILE).to_csv(OTHER, index=False)",
    ),
    (b"\x7fELF", "a program or library", OTHER),
    (b"%PDF", "a PDF file", OTHER),
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
    // Must come before UTF-16, whose mark is a prefix of this one.
    (b"\xff\xfe\0\0", "text in UTF-32", UTF32),
    (b"\0\0\xfe\xff", "text in UTF-32", UTF32),
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
const UTF32: &str = "convert it: iconv -f UTF-32 -t UTF-8 FILE > OTHER";
const OTHER: &str = "give another file";

/// Number of first bytes that are examined: the first block of a tar archive.
pub const MAGIC: usize = 512;

/// First bytes of a gzip file.
pub const GZIP: &[u8] = b"\x1f\x8b";

/// Offset and mark of a tar archive.
const TAR: (usize, &[u8]) = (257, b"ustar");

/// The kind of a file that starts with these bytes ([`MAGIC`], or all); `None` if it is text.
pub fn foreign(start: &[u8]) -> Option<Foreign> {
    let known = KNOWN.iter().find(|(magic, ..)| start.starts_with(magic));
    if let Some(&(_, what, convert)) = known {
        return Some(Foreign { what, convert });
    }
    let is = |what, convert| Some(Foreign { what, convert });
    if start.get(TAR.0..).is_some_and(|rest| rest.starts_with(TAR.1)) {
        return is("a tar archive", "unpack it: tar -xf FILE");
    }
    // ASCII characters in a wider encoding, without a byte order mark.
    let zeros = start.first_chunk().map(|bytes: &[u8; 4]| bytes.map(|byte| byte == 0));
    match zeros {
        Some([false, true, true, true]) => {
            return is("text in UTF-32", "convert it: iconv -f UTF-32LE -t UTF-8 FILE > OTHER");
        }
        Some([true, true, true, false]) => {
            return is("text in UTF-32", "convert it: iconv -f UTF-32BE -t UTF-8 FILE > OTHER");
        }
        Some([false, true, false, true]) => {
            return is("text in UTF-16", "convert it: iconv -f UTF-16LE -t UTF-8 FILE > OTHER");
        }
        Some([true, false, true, false]) => {
            return is("text in UTF-16", "convert it: iconv -f UTF-16BE -t UTF-8 FILE > OTHER");
        }
        _ => {}
    }
    let binary = |byte: &u8| matches!(byte, 0..=8 | 14..=26);
    match start.iter().any(binary) {
        true => is(
            "no text",
            "it holds bytes that do not occur in text; find out what it is: file FILE",
        ),
        false => None,
    }
}

/// The markup or JSON that a text begins with, if it is not CSV.
pub fn markup(start: &str) -> Option<Foreign> {
    let start = start.trim_start_matches(['\u{feff}', ' ', '\n', '\r', '\t']);
    let inside = |open: char, next: &[char]| {
        let rest = start.strip_prefix(open).map(str::trim_start);
        rest.is_some_and(|rest| rest.starts_with(next))
    };
    let lower: String = start.chars().take(16).collect::<String>().to_lowercase();
    let lines = "convert it: pandas.read_json(FILE, lines=True).to_csv(OTHER, index=False)";
    let (what, convert) = match () {
        () if inside('{', &['"']) && start.lines().nth(1).is_some_and(|it| it.starts_with('{')) => {
            ("lines of JSON", lines)
        }
        () if inside('{', &['"', '}']) || inside('[', &['{']) => {
            ("JSON", "convert it: pandas.read_json(FILE).to_csv(OTHER, index=False)")
        }
        () if ["<!doctype", "<html", "<table", "<head", "<body"]
            .iter()
            .any(|tag| lower.starts_with(tag)) =>
        {
            ("HTML", "convert it: pandas.read_html(FILE)[0].to_csv(OTHER, index=False)")
        }
        () if lower.starts_with("<?xml") => {
            ("XML", "convert it: pandas.read_xml(FILE).to_csv(OTHER, index=False)")
        }
        () if ["\\begin{", "\\documentclass"].iter().any(|it| start.starts_with(it)) => {
            ("LaTeX", "give the numbers that it was made of")
        }
        () => return None,
    };
    Some(Foreign { what, convert })
}

/// The text in the bytes of a file, without a byte order mark.
///
/// # Errors
/// What the file is instead, as the end of a sentence about "it".
pub fn text_of(bytes: Vec<u8>) -> Result<String, String> {
    if let Some(Foreign { what, convert }) = foreign(&bytes[..bytes.len().min(MAGIC)]) {
        return Err(format!("is {what}; {convert}"));
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let before = &error.as_bytes()[..at];
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        not_utf8(line as u64)
    })?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

/// The message that a line is in another encoding, as the end of a sentence about "it".
pub fn not_utf8(line: u64) -> String {
    format!(
        "is not text in UTF-8, first in line {line}; text of Windows or Excel is often in Latin-1: \
         iconv -f LATIN1 -t UTF-8 FILE > OTHER"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_text() {
        for text in
            ["arch,acc", "", "BZ", "\u{feff}arch", "|none~0|", "PARAMS,arch", "7,1", "a", "[0"]
        {
            assert_eq!(foreign(text.as_bytes()), None, "{text}");
            assert_eq!(markup(text), None, "{text}");
            assert_eq!(
                text_of(text.as_bytes().to_vec()).unwrap(),
                text.trim_start_matches('\u{feff}')
            );
        }
        assert_eq!(foreign(b"PK\x03\x04\x14").unwrap().what, "a zip archive");
    }

    #[test]
    fn text_in_another_encoding_is_named_with_the_one_it_is_in() {
        let text = "arch,acc\n";
        let wide =
            |of: &dyn Fn(u16) -> Vec<u8>| text.encode_utf16().flat_map(of).collect::<Vec<u8>>();
        for (bytes, encoding) in [
            (wide(&|c| c.to_le_bytes().to_vec()), "UTF-16LE"),
            (wide(&|c| c.to_be_bytes().to_vec()), "UTF-16BE"),
            (wide(&|c| u32::from(c).to_le_bytes().to_vec()), "UTF-32LE"),
            (wide(&|c| u32::from(c).to_be_bytes().to_vec()), "UTF-32BE"),
            (b"\xff\xfe\0\0a\0\0\0".to_vec(), "UTF-32"),
            (b"\xff\xfea\0".to_vec(), "UTF-16"),
            (b"a\nb\xf6\n".to_vec(), "LATIN1"),
        ] {
            let said = text_of(bytes).unwrap_err();
            assert!(said.contains(&format!("-f {encoding} ")), "{said}");
        }
        assert!(text_of(b"a\nb\xf6\n".to_vec()).unwrap_err().contains("first in line 2"));
    }
}

//! A table file as read: named columns of text.

use super::{
    TableError,
    content::{GZIP, MAGIC, foreign, markup, not_utf8},
    filter::Filter,
    find_column,
    key::Key,
    no_column, number,
};
use crate::embedded;
use csv::StringRecord;
use std::{
    fs::File,
    io::{self, BufReader, Cursor, Read},
    path::Path,
};

/// The contents of a table file, with at least one row.
#[derive(Debug)]
pub struct Sheet<'a> {
    path: &'a Path,
    pub(super) header: Vec<String>,
    pub(super) records: Vec<StringRecord>,
    /// Offset to the line numbers of the reader, which counts a CRLF with the row after it.
    lines: u64,
}

/// A column that is not judged, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// Name of the column, as in the header.
    pub column: String,
    /// The reason, as the end of a sentence.
    pub why: String,
}

impl<'a> Sheet<'a> {
    /// Reads a CSV or gzipped CSV file, or the table that `embedded:NAME` names.
    ///
    /// # Errors
    /// See [`TableError`].
    pub fn read(path: &'a Path) -> Result<Self, TableError> {
        Self::parse(path, open(path))
    }

    /// The same of bytes that would be in the file.
    ///
    /// # Errors
    /// See [`TableError`].
    pub fn from_bytes(path: &'a Path, bytes: Vec<u8>) -> Result<Self, TableError> {
        Self::parse(path, unpacked(Cursor::new(bytes)))
    }

    fn parse(path: &'a Path, opened: io::Result<Opened>) -> Result<Self, TableError> {
        let read = |source: csv::Error| TableError::Read {
            path: path.to_owned(),
            source: plainly(source),
        };
        let (start, text) = opened.map_err(|e| read(e.into()))?;
        if let Some((what, convert)) = preface(&String::from_utf8_lossy(&start)) {
            return Err(TableError::Beginning { path: path.to_owned(), what, convert });
        }
        let mut reader = csv::Reader::from_reader(text);
        let mut header: Vec<String> =
            reader.headers().map_err(read)?.iter().map(str::to_owned).collect();
        if let Some(first) = header.first_mut() {
            // A file made by joining others may have several byte order marks.
            *first = first.trim_start_matches('\u{feff}').to_owned();
        }
        let mut records: Vec<StringRecord> = Vec::new();
        let mut failed = None;
        for record in reader.into_records() {
            match record {
                Ok(record) if record.as_slice().contains('\0') => {
                    let line = record.position().map_or(0, csv::Position::line);
                    let what =
                        format!("line {line} holds a zero byte, which does not occur in text");
                    failed = Some(io::Error::other(what).into());
                }
                Ok(record) => records.push(record),
                Err(error) => failed = Some(error),
            }
            if failed.is_some() {
                break;
            }
        }
        if let [only] = header.as_slice()
            && let Some(separator) = separator(only, &records)
        {
            return Err(TableError::Separator { path: path.to_owned(), separator });
        }
        if let Some(error) = failed {
            return Err(read(error));
        }
        let Some(first) = records.first() else {
            return Err(TableError::Empty(path.to_owned()));
        };
        let lines = u64::from(first.position().is_some_and(|it| it.line() < 2));
        Ok(Self { path, header, records, lines })
    }

    /// Path of the file.
    pub fn path(&self) -> &'a Path {
        self.path
    }

    /// Names of the columns, as written.
    pub fn header(&self) -> &[String] {
        &self.header
    }

    /// The cells of a column in every row, as written.
    pub fn cells(&self, column: usize) -> impl Iterator<Item = &str> {
        self.records.iter().map(move |record| &record[column])
    }

    /// Keeps only the rows that every filter selects.
    ///
    /// # Errors
    /// If a column does not exist, or no row has a filter's value.
    pub fn only(mut self, filters: &[Filter]) -> Result<Self, TableError> {
        for filter in filters {
            let column = self.column(&filter.column)?;
            let (kept, others): (Vec<_>, Vec<_>) =
                self.records.into_iter().partition(|record| filter.takes(&record[column]));
            if kept.is_empty() {
                let there = others.iter().map(|record| record[column].trim());
                return Err(filter.nothing(self.path, there));
            }
            self.records = kept;
        }
        Ok(self)
    }

    /// Position of the column with this name.
    ///
    /// # Errors
    /// If there is none, or several.
    pub fn column(&self, name: &str) -> Result<usize, TableError> {
        find_column(self.path, &self.header, name)
    }

    /// The error that `name` is neither a column nor one of the names `besides`.
    pub fn no_column(&self, name: &str, besides: &[&str]) -> TableError {
        let header = self.header.iter().map(String::as_str);
        no_column(self.path, name, besides.iter().copied().chain(header))
    }

    /// Parses the key of a row: a column, or a form of several.
    ///
    /// # Errors
    /// If a column does not exist, or the form is malformed.
    pub fn key(&self, form: &str) -> Result<Key, TableError> {
        Key::parse(self.path, &self.header, form)
    }

    /// Positions of the columns that hold numbers, and the other columns with the reason. Columns
    /// of `key` are in neither list.
    pub fn numbers(&self, key: &Key) -> (Vec<usize>, Vec<LeftOut>) {
        let (mut numbers, mut left_out) = (Vec::new(), Vec::new());
        for at in (0..self.header.len()).filter(|at| !key.has(*at)) {
            match self.why_not(at) {
                None => numbers.push(at),
                Some(why) => left_out.push(LeftOut { column: self.header[at].clone(), why }),
            }
        }
        (numbers, left_out)
    }

    /// Why a column does not count as numbers; `None` if it does.
    fn why_not(&self, at: usize) -> Option<String> {
        let name = &self.header[at];
        if is_nameless(name) {
            return Some("it has no name, like the index column that pandas writes".to_owned());
        }
        let same = self.header.iter().filter(|other| *other == name).count();
        if same > 1 {
            return Some(format!("{same} columns have this name"));
        }
        let word = self.records.iter().find(|record| number(&record[at]).is_none());
        if let Some(record) = word {
            let row = self.row(record);
            let value = &record[at];
            return Some(format!("row {row} holds `{value}`, which is not a number"));
        }
        let empty = self.records.iter().all(|record| record[at].trim().is_empty());
        empty.then(|| "it is empty".to_owned())
    }

    /// Line of a record in the file, from 1.
    fn row(&self, record: &StringRecord) -> u64 {
        self.lines + record.position().map_or(0, csv::Position::line)
    }

    /// Checks that a column has no infinite cell.
    ///
    /// # Errors
    /// The first infinite cell.
    pub fn finite(&self, column: usize) -> Result<(), TableError> {
        let infinite =
            |record: &&StringRecord| number(&record[column]).is_some_and(f64::is_infinite);
        match self.records.iter().find(infinite) {
            None => Ok(()),
            Some(record) => Err(self.infinite(record, column, &record[column])),
        }
    }

    pub(super) fn infinite(&self, record: &StringRecord, column: usize, text: &str) -> TableError {
        TableError::Infinite {
            path: self.path.to_owned(),
            row: self.row(record),
            column: self.header[column].clone(),
            value: text.to_owned(),
        }
    }

    /// Parses `text`, which is from the cell in this row and column, as a number.
    pub(super) fn number(
        &self,
        record: &StringRecord,
        column: usize,
        text: &str,
    ) -> Result<f64, TableError> {
        number(text).ok_or_else(|| TableError::Number {
            path: self.path.to_owned(),
            row: self.row(record),
            column: self.header[column].clone(),
            value: text.to_owned(),
        })
    }

    /// The first column of text whose values differ between all rows with this key.
    pub(super) fn telling_apart(&self, by: &Key, key: &str) -> Option<String> {
        let rows: Vec<&StringRecord> =
            self.records.iter().filter(|record| by.of(record) == key).collect();
        let tells = |at: &usize| {
            let mut values: Vec<&str> = rows.iter().map(|record| record[*at].trim()).collect();
            let words = values.iter().all(|value| number(value).is_none());
            values.sort_unstable();
            words && values.windows(2).all(|pair| pair[0] != pair[1])
        };
        let found = (0..self.header.len()).filter(|at| !by.has(*at)).find(tells)?;
        Some(self.header[found].clone())
    }
}

/// True for the names that pandas writes or reads for an index without a name: `Unnamed: 0`, when
/// repeated `Unnamed: 0.1`, with two levels `Unnamed: 0_level_1`.
fn is_nameless(name: &str) -> bool {
    let number = |text: &str| !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit());
    let numbered = name
        .strip_prefix("Unnamed: ")
        .is_some_and(|rest| rest.split("_level_").all(|part| part.split('.').all(number)));
    name.trim().is_empty() || numbered
}

/// The separator of a table whose header, read as CSV, is the single name `header`; `None` if the
/// table has only one column.
fn separator(header: &str, records: &[StringRecord]) -> Option<char> {
    if let Some(found) = [';', '\t'].into_iter().find(|it| header.contains(*it)) {
        return Some(found);
    }
    // An architecture may contain bars.
    if header.contains('|') && !header.starts_with('|') {
        return Some('|');
    }
    // If a name has spaces, its cells do not have the same number of them.
    let words = |text: &str| text.split_whitespace().count();
    let same = |record: &StringRecord| words(record.get(0).unwrap_or_default()) == words(header);
    let all = !records.is_empty() && records.iter().take(10).all(same);
    (words(header) > 1 && all && !header.contains(": ")).then_some(' ')
}

/// What comes before the header of a table, or in place of the table, with advice; `None` if the
/// header comes first.
fn preface(start: &str) -> Option<(String, String)> {
    if let Some(it) = markup(start) {
        return Some((it.what.to_owned(), it.convert.to_owned()));
    }
    let first = start.trim_start_matches('\u{feff}').lines().next()?.trim_end();
    let bare = first.trim_matches('"').to_lowercase();
    if bare.strip_prefix("sep=").is_some_and(|it| it.chars().count() == 1) {
        let what = format!("the line `{first}`, which tells Excel the separator");
        return Some((what, "leave it out: sed 1d FILE > OTHER".to_owned()));
    }
    // `# arch,acc` is a header, as numpy.savetxt writes it.
    if first.starts_with('#') && !first.contains([',', ';', '\t']) {
        let convert = "leave it out: grep -v '^#' FILE > OTHER";
        return Some(("a comment".to_owned(), convert.to_owned()));
    }
    let second = start.lines().nth(1).unwrap_or_default();
    let rule = second.contains("--") && second.chars().all(|c| "|:- ".contains(c));
    (first.starts_with('|') && rule).then(|| {
        let what = "the header of a Markdown table".to_owned();
        (what, "write it as CSV, with commas between cells".to_owned())
    })
}

/// The error, with clearer words where those of the reader say little.
fn plainly(error: csv::Error) -> csv::Error {
    match error.kind() {
        csv::ErrorKind::Utf8 { pos, .. } => {
            let line = pos.as_ref().map_or(1, csv::Position::line);
            io::Error::other(format!("it {}", not_utf8(line))).into()
        }
        csv::ErrorKind::UnequalLengths { pos, expected_len, len } => {
            let line = pos.as_ref().map_or(0, csv::Position::line);
            io::Error::other(format!(
                "line {line} has {len} cells, those before it {expected_len}; put a cell with a comma in double quotes"
            ))
            .into()
        }
        _ => error,
    }
}

/// The first bytes of a table's text, and a reader of all of it.
type Opened = (Vec<u8>, Box<dyn Read>);

/// Opens a table. The kind of a file is decided by its first bytes, not by its name.
fn open(path: &Path) -> io::Result<Opened> {
    if let Some(name) = embedded::table_name(path) {
        let bytes = embedded::table(name).map_err(io::Error::other)?;
        return Ok((Vec::new(), Box::new(flate2::read::MultiGzDecoder::new(bytes))));
    }
    unpacked(BufReader::new(File::open(path)?))
}

/// What a file is, is told by its first bytes, not by the name.
fn unpacked(file: impl Read + 'static) -> io::Result<Opened> {
    let (start, file) = begin(file)?;
    if !start.starts_with(GZIP) {
        return text(start, file);
    }
    let (start, unpacked) = begin(flate2::read::MultiGzDecoder::new(file)).map_err(|error| {
        io::Error::other(format!("it is compressed by gzip, and damaged: {error}"))
    })?;
    match start.starts_with(GZIP) {
        true => Err(io::Error::other(
            "it is compressed by gzip twice; unpack it once: zcat FILE > OTHER",
        )),
        false => text(start, unpacked),
    }
}

/// The first bytes, and a reader that starts with them again.
fn begin(mut reader: impl Read + 'static) -> io::Result<(Vec<u8>, impl Read + 'static)> {
    let mut start = Vec::new();
    reader.by_ref().take(MAGIC as u64).read_to_end(&mut start)?;
    Ok((start.clone(), Cursor::new(start).chain(reader)))
}

fn text(start: Vec<u8>, reader: impl Read + 'static) -> io::Result<Opened> {
    match foreign(&start) {
        None => Ok((start, Box::new(reader))),
        Some(it) => Err(io::Error::other(format!(
            "it is {}, and a table is CSV, plain or gzipped; {}",
            it.what, it.convert
        ))),
    }
}

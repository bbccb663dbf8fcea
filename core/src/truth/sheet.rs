//! A table file as it is: named columns of text.

use super::{
    TableError,
    content::{GZIP, MAGIC, foreign},
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

/// Everything in a table file. Has rows.
#[derive(Debug)]
pub struct Sheet<'a> {
    path: &'a Path,
    pub(super) header: Vec<String>,
    pub(super) records: Vec<StringRecord>,
    /// What the reader's lines lack: it counts a CRLF with the row after it.
    lines: u64,
}

/// A column that is not among those judged, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// Its name, as in the header.
    pub column: String,
    /// Why, as the end of a sentence.
    pub why: String,
}

impl<'a> Sheet<'a> {
    /// Reads a CSV or gzipped CSV, or the one that `embedded:NAME` names.
    ///
    /// # Errors
    /// See [`TableError`].
    pub fn read(path: &'a Path) -> Result<Self, TableError> {
        let read = |source| TableError::Read { path: path.to_owned(), source };
        let mut reader = csv::Reader::from_reader(open(path).map_err(|e| read(e.into()))?);
        let header: Vec<String> =
            reader.headers().map_err(read)?.iter().map(str::to_owned).collect();
        if let [only] = header.as_slice()
            && let Some(separator) = [';', '\t'].into_iter().find(|it| only.contains(*it))
        {
            return Err(TableError::Separator { path: path.to_owned(), separator });
        }
        let records: Vec<StringRecord> =
            reader.into_records().collect::<Result<_, _>>().map_err(read)?;
        let Some(first) = records.first() else {
            return Err(TableError::Empty(path.to_owned()));
        };
        let lines = u64::from(first.position().is_some_and(|it| it.line() < 2));
        Ok(Self { path, header, records, lines })
    }

    /// The file.
    pub fn path(&self) -> &'a Path {
        self.path
    }

    /// Names of the columns, as they stand.
    pub fn header(&self) -> &[String] {
        &self.header
    }

    /// A column of every row, as it stands.
    pub fn cells(&self, column: usize) -> impl Iterator<Item = &str> {
        self.records.iter().map(move |record| &record[column])
    }

    /// Only the rows that every filter takes.
    ///
    /// # Errors
    /// A column that is not there, or a value that no row has.
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

    /// Position of the column of this name.
    ///
    /// # Errors
    /// When there is none, or several.
    pub fn column(&self, name: &str) -> Result<usize, TableError> {
        find_column(self.path, &self.header, name)
    }

    /// That `name` is no column, nor one of the names `besides`.
    pub fn no_column(&self, name: &str, besides: &[&str]) -> TableError {
        let header = self.header.iter().map(String::as_str);
        no_column(self.path, name, besides.iter().copied().chain(header))
    }

    /// The key of a row that is a column or a form of several.
    ///
    /// # Errors
    /// A column that is not there, or a form that is none.
    pub fn key(&self, form: &str) -> Result<Key, TableError> {
        Key::parse(self.path, &self.header, form)
    }

    /// The key of the first row.
    pub fn first(&self, key: &Key) -> Option<String> {
        Some(key.of(self.records.first()?))
    }

    /// Positions of the columns of numbers that nobody need name, and the
    /// others with the reason. Columns of `key` are neither.
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

    /// Why a column is no column of numbers.
    fn why_not(&self, at: usize) -> Option<String> {
        let name = &self.header[at];
        if is_nameless(name) {
            return Some("it has no name, as the index that pandas writes".to_owned());
        }
        let same = self.header.iter().filter(|other| *other == name).count();
        if same > 1 {
            return Some(format!("{same} columns have this name"));
        }
        let word = self.records.iter().find(|record| number(&record[at]).is_none());
        if let Some(record) = word {
            let row = self.row(record);
            let value = &record[at];
            return Some(format!("row {row} holds `{value}`, which is no number"));
        }
        let empty = self.records.iter().all(|record| record[at].trim().is_empty());
        empty.then(|| "it is empty".to_owned())
    }

    /// The line in the file, from 1.
    fn row(&self, record: &StringRecord) -> u64 {
        self.lines + record.position().map_or(0, csv::Position::line)
    }

    /// Refuses a column with an infinite cell.
    ///
    /// # Errors
    /// The first such cell.
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

    /// The number that `text`, of a cell in this row and column, is.
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

    /// A column of text whose values tell the rows of `key` apart.
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

/// What pandas calls an index without a name, when it writes and when it reads.
fn is_nameless(name: &str) -> bool {
    let numbered = name.strip_prefix("Unnamed: ");
    name.trim().is_empty() || numbered.is_some_and(|rest| rest.parse::<u64>().is_ok())
}

/// What a file is, is told by its first bytes, not by the name.
fn open(path: &Path) -> io::Result<Box<dyn Read>> {
    if let Some(name) = embedded::table_name(path) {
        let bytes = embedded::table(name).map_err(io::Error::other)?;
        return Ok(Box::new(flate2::read::MultiGzDecoder::new(bytes)));
    }
    let (start, file) = begin(BufReader::new(File::open(path)?))?;
    if !start.starts_with(GZIP) {
        return text(&start, file);
    }
    let (start, unpacked) = begin(flate2::read::MultiGzDecoder::new(file))?;
    text(&start, unpacked)
}

/// The first bytes, and all of them from the start.
fn begin(mut reader: impl Read + 'static) -> io::Result<(Vec<u8>, impl Read + 'static)> {
    let mut start = Vec::new();
    reader.by_ref().take(MAGIC as u64).read_to_end(&mut start)?;
    Ok((start.clone(), Cursor::new(start).chain(reader)))
}

fn text(start: &[u8], reader: impl Read + 'static) -> io::Result<Box<dyn Read>> {
    match foreign(start) {
        None => Ok(Box::new(reader)),
        Some(it) => Err(io::Error::other(format!(
            "it is {}, and a table is CSV, plain or gzipped; {}",
            it.what, it.convert
        ))),
    }
}

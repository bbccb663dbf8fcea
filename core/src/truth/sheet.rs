//! A table file as it is: named columns of text.

use super::{TableError, find_column, key::Key, number};
use crate::embedded;
use csv::StringRecord;
use std::{
    fs::File,
    io::{self, BufReader, Read},
    path::Path,
};

/// Why a Parquet file is refused.
const PARQUET: &str = "it is a Parquet file, and a table is CSV; convert it, with \
    pandas.read_parquet(FILE).to_csv(OTHER, index=False) in Python";

/// Everything in a table file. Has rows.
pub(super) struct Sheet<'a> {
    path: &'a Path,
    pub header: Vec<String>,
    pub records: Vec<StringRecord>,
}

impl<'a> Sheet<'a> {
    /// Reads a CSV or gzipped CSV, or the one that `embedded:NAME` names.
    pub fn read(path: &'a Path) -> Result<Self, TableError> {
        let read = |source| TableError::Read { path: path.to_owned(), source };
        let mut reader = csv::Reader::from_reader(open(path).map_err(|e| read(e.into()))?);
        let header = reader.headers().map_err(read)?.iter().map(str::to_owned).collect();
        let records: Vec<StringRecord> =
            reader.into_records().collect::<Result<_, _>>().map_err(read)?;
        match records.is_empty() {
            true => Err(TableError::Empty(path.to_owned())),
            false => Ok(Self { path, header, records }),
        }
    }

    /// Position of a column.
    pub fn column(&self, name: &str) -> Result<usize, TableError> {
        find_column(self.path, &self.header, name)
    }

    /// The key of a row that is a column or a form of several.
    pub fn key(&self, form: &str) -> Result<Key, TableError> {
        Key::parse(self.path, &self.header, form)
    }

    /// The number that `text`, of a cell in this row and column, is.
    pub fn number(
        &self,
        record: &StringRecord,
        column: usize,
        text: &str,
    ) -> Result<f64, TableError> {
        number(text).ok_or_else(|| TableError::Number {
            path: self.path.to_owned(),
            row: record.position().map_or(0, csv::Position::line),
            column: self.header[column].clone(),
            value: text.to_owned(),
        })
    }
}

/// What a file is, is told by its first bytes, not by the name.
fn open(path: &Path) -> io::Result<Box<dyn Read>> {
    if let Some(name) = embedded::table_name(path) {
        let bytes = embedded::table(name).map_err(io::Error::other)?;
        return Ok(Box::new(flate2::read::MultiGzDecoder::new(bytes)));
    }
    let mut magic = Vec::new();
    File::open(path)?.take(4).read_to_end(&mut magic)?;
    let file = BufReader::new(File::open(path)?);
    Ok(match magic.as_slice() {
        [0x1f, 0x8b, ..] => Box::new(flate2::read::MultiGzDecoder::new(file)),
        b"PAR1" => return Err(io::Error::other(PARQUET)),
        _ => Box::new(file),
    })
}

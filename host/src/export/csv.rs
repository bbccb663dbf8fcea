//! CSV with a header.

use super::{COLUMNS, Cell, Row, Sink};
use osee_files::csv_text::{CsvWriter, Field};
use std::io::{self, Write};

pub struct Csv<W: Write>(CsvWriter<W>);

impl<W: Write> Csv<W> {
    pub fn new(to: W) -> io::Result<Self> {
        Ok(Self(CsvWriter::new(to, COLUMNS.iter().map(|(name, _)| *name))?))
    }
}

impl<W: Write> Sink for Csv<W> {
    fn row(&mut self, row: &Row<'_>) -> io::Result<()> {
        self.0.row(row.iter().map(|cell| match *cell {
            Cell::Text(text) => text.into(),
            Cell::MaybeText(text) => text.into(),
            Cell::Count(count) => Field::Count(count),
            Cell::MaybeCount(count) => count.into(),
            Cell::MaybeNumber(number) => number.into(),
        }))
    }

    fn end(self: Box<Self>) -> io::Result<()> {
        self.0.end()
    }
}

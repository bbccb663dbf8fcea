//! CSV (RFC 4180) with a header; an absent value is an empty cell.

use super::{COLUMNS, Cell, Row, Sink};
use std::io::{self, BufWriter, Write};

pub struct Csv<W: Write>(BufWriter<W>);

impl<W: Write> Csv<W> {
    pub fn new(to: W) -> io::Result<Self> {
        let mut to = BufWriter::new(to);
        let names: Vec<&str> = COLUMNS.iter().map(|(name, _)| *name).collect();
        writeln!(to, "{}", names.join(","))?;
        Ok(Self(to))
    }
}

impl<W: Write> Sink for Csv<W> {
    fn row(&mut self, row: &Row<'_>) -> io::Result<()> {
        for (at, cell) in row.iter().enumerate() {
            if at > 0 {
                self.0.write_all(b",")?;
            }
            match cell {
                Cell::Text(text) | Cell::MaybeText(Some(text)) => quoted(&mut self.0, text)?,
                Cell::Count(count) => write!(self.0, "{count}")?,
                // The shortest text that reads back as the same number.
                Cell::MaybeNumber(Some(number)) => write!(self.0, "{number:?}")?,
                Cell::MaybeText(None) | Cell::MaybeNumber(None) => {}
            }
        }
        self.0.write_all(b"\n")
    }

    fn end(mut self: Box<Self>) -> io::Result<()> {
        self.0.flush()
    }
}

fn quoted(to: &mut impl Write, text: &str) -> io::Result<()> {
    match text.contains([',', '"', '\n', '\r']) {
        true => write!(to, "\"{}\"", text.replace('"', "\"\"")),
        false => to.write_all(text.as_bytes()),
    }
}

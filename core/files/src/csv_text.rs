//! Tables as CSV (RFC 4180). No other module of osee writes CSV.
//!
//! Invariant: a number is written as the shortest text that reads back as the same 64 bits, with a
//! point or an exponent, so that every reader takes its column for floating-point numbers. An
//! absent value is an empty field, and no two columns share a name.

use std::{
    borrow::Cow,
    collections::HashSet,
    fmt::Write as _,
    io::{self, Write},
};

/// One cell of a table.
#[derive(Debug, Clone, PartialEq)]
pub enum Field<'a> {
    /// A UTF-8 text; quoted where CSV needs it.
    Text(Cow<'a, str>),
    /// A whole number, 0 or more.
    Count(u64),
    /// A number; NaN is written as an absent value.
    Number(f64),
    /// An empty field.
    Absent,
}

impl<'a> From<&'a str> for Field<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl From<String> for Field<'_> {
    fn from(text: String) -> Self {
        Self::Text(Cow::Owned(text))
    }
}

impl From<u64> for Field<'_> {
    fn from(count: u64) -> Self {
        Self::Count(count)
    }
}

impl From<usize> for Field<'_> {
    fn from(count: usize) -> Self {
        Self::Count(count as u64)
    }
}

impl From<f64> for Field<'_> {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

impl<'a, T: Into<Field<'a>>> From<Option<T>> for Field<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Absent, Into::into)
    }
}

/// Writes a CSV table row by row.
#[derive(Debug)]
pub struct CsvWriter<W: Write> {
    to: csv::Writer<W>,
    number: String,
}

impl<W: Write> CsvWriter<W> {
    /// Writes the header; [`distinct`] makes the column names unique.
    ///
    /// # Errors
    /// If writing fails.
    pub fn new<N: Into<String>>(to: W, names: impl IntoIterator<Item = N>) -> io::Result<Self> {
        let mut to = csv::Writer::from_writer(to);
        to.write_record(distinct(names))?;
        Ok(Self { to, number: String::new() })
    }

    /// Writes one row with one field per column.
    ///
    /// # Errors
    /// If writing fails, or the number of fields is not the number of columns.
    pub fn row<'a>(&mut self, fields: impl IntoIterator<Item = Field<'a>>) -> io::Result<()> {
        for field in fields {
            self.number.clear();
            // Writing to a string cannot fail.
            let _ = match &field {
                Field::Count(count) => write!(self.number, "{count}"),
                Field::Number(number) if !number.is_nan() => write!(self.number, "{number:?}"),
                _ => Ok(()),
            };
            match &field {
                Field::Text(text) => self.to.write_field(text.as_bytes())?,
                _ => self.to.write_field(&self.number)?,
            }
        }
        Ok(self.to.write_record(None::<&[u8]>)?)
    }

    /// Flushes the table to its destination.
    ///
    /// # Errors
    /// If writing fails.
    pub fn end(mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// A table as CSV text; a row that is too short is filled up with empty fields.
pub fn csv_text<'a, N: Into<String>>(
    names: impl IntoIterator<Item = N>,
    rows: impl IntoIterator<Item = Vec<Field<'a>>>,
) -> String {
    let names: Vec<String> = names.into_iter().map(Into::into).collect();
    let columns = names.len();
    let mut text = Vec::new();
    let written = CsvWriter::new(&mut text, names).and_then(|mut writer| {
        for mut row in rows {
            row.resize(columns, Field::Absent);
            writer.row(row)?;
        }
        writer.end()
    });
    written.expect("memory takes rows of one length");
    String::from_utf8(text).expect("it was written from strings")
}

/// The names, made unique: a repeated name gets a number after it, and an empty name becomes
/// `unnamed`.
pub fn distinct<N: Into<String>>(names: impl IntoIterator<Item = N>) -> Vec<String> {
    let names: Vec<String> = names.into_iter().map(Into::into).collect();
    let mut taken: HashSet<String> = HashSet::new();
    let mut told = Vec::with_capacity(names.len());
    for name in &names {
        let name = if name.trim().is_empty() { "unnamed" } else { name };
        let mut own = name.to_owned();
        let mut number = 1;
        // A numbered name may collide with the name of another column.
        while taken.contains(&own) || (number > 1 && names.contains(&own)) {
            number += 1;
            own = format!("{name} ({number})");
        }
        taken.insert(own.clone());
        told.push(own);
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_back_as_the_same_bits_and_are_seen_to_be_no_counts() {
        let numbers = [
            2_166_304_606_063_035e6,
            1.0,
            -0.0,
            0.1 + 0.2,
            1e16,
            1e-7,
            5e-324,
            f64::MAX,
            -123_456_789.0,
            f64::INFINITY,
        ];
        let rows = numbers.map(|number| vec![Field::from(number)]);
        let text = csv_text(["x"], rows);
        let read: Vec<&str> = text.lines().skip(1).collect();
        assert_eq!(read[0], "2.166304606063035e21");
        for (number, read) in numbers.iter().zip(read) {
            assert_eq!(read.parse::<f64>().unwrap().to_bits(), number.to_bits(), "{read}");
            assert!(read.contains(['.', 'e', 'i']), "{read}");
        }
    }

    #[test]
    fn what_is_absent_is_empty_and_text_is_quoted_where_it_must_be() {
        let none: Option<f64> = None;
        let row = vec![
            Field::from("a,\"b\"\r\nc"),
            none.into(),
            f64::NAN.into(),
            7_u64.into(),
            Some(0.5).into(),
        ];
        let text = csv_text(["name, of it", "b", "c", "d", "e"], [row]);
        assert_eq!(text, "\"name, of it\",b,c,d,e\n\"a,\"\"b\"\"\r\nc\",,,7,0.5\n");
    }

    #[test]
    fn no_two_columns_have_one_name_and_none_has_none() {
        let told = distinct(["arch", "a", "arch", "", "arch (2)", "a", " "]);
        let expected = ["arch", "a", "arch (3)", "unnamed", "arch (2)", "a (2)", "unnamed (2)"];
        assert_eq!(told, expected);
    }
}

//! Writes Parquet (format 2.9, github.com/apache/parquet-format): one page per column
//! chunk and row group, plain encoding, compressed by gzip. The parquet crate would
//! take 30 seconds of every build; tests read the file with it.

use super::{COLUMNS, Kind, Row, SCHEMA, Sink, thrift::Struct};
use flate2::{Compression, write::GzEncoder};
use osee_files::csv_text::Field;
use std::io::{self, BufWriter, Write};

/// Number of rows that are buffered and written together.
const GROUP: usize = 65_536;

const MAGIC: &[u8; 4] = b"PAR1";

/// Numbers of Parquet's enums.
const INT64: i64 = 2;
const DOUBLE: i64 = 5;
const BYTE_ARRAY: i64 = 6;
const REQUIRED: i64 = 0;
const OPTIONAL: i64 = 1;
const UTF8: i64 = 0;
const UINT_64: i64 = 14;
const PLAIN: i64 = 0;
const RLE: i64 = 3;
const GZIP: i64 = 2;
const DATA_PAGE: i64 = 0;

pub struct Parquet<W: Write> {
    to: BufWriter<W>,
    /// Number of bytes written.
    at: u64,
    study: String,
    columns: Vec<Column>,
    groups: Vec<Struct>,
    rows: u64,
}

/// Encoded values of the rows that have one, and a flag per row.
#[derive(Default)]
struct Column {
    values: Vec<u8>,
    there: Vec<bool>,
}

impl Kind {
    fn physical(self) -> i64 {
        match self {
            Self::Text | Self::MaybeText => BYTE_ARRAY,
            Self::Count | Self::MaybeCount => INT64,
            Self::MaybeNumber => DOUBLE,
        }
    }

    fn logical(self) -> Option<i64> {
        match self {
            Self::Text | Self::MaybeText => Some(UTF8),
            Self::Count | Self::MaybeCount => Some(UINT_64),
            Self::MaybeNumber => None,
        }
    }

    fn optional(self) -> bool {
        matches!(self, Self::MaybeText | Self::MaybeCount | Self::MaybeNumber)
    }
}

impl<W: Write> Parquet<W> {
    pub fn new(to: W, study: &str) -> io::Result<Self> {
        let mut to = BufWriter::new(to);
        to.write_all(MAGIC)?;
        let columns = COLUMNS.iter().map(|_| Column::default()).collect();
        let study = study.to_owned();
        Ok(Self { to, at: MAGIC.len() as u64, study, columns, groups: Vec::new(), rows: 0 })
    }

    /// Writes the buffered rows as a row group.
    fn flush(&mut self) -> io::Result<()> {
        let rows = self.columns[0].there.len();
        if rows == 0 {
            return Ok(());
        }
        let start = self.at;
        let (mut chunks, mut size) = (Vec::new(), 0);
        for (at, (name, kind)) in COLUMNS.iter().enumerate() {
            let page = std::mem::take(&mut self.columns[at]).page(*kind);
            let packed = gzip(&page)?;
            let of_page =
                Struct::default().int32(1, rows as i64).int32(2, PLAIN).int32(3, RLE).int32(4, RLE);
            let header = Struct::default()
                .int32(1, DATA_PAGE)
                .int32(2, page.len() as i64)
                .int32(3, packed.len() as i64)
                .record(5, of_page)
                .end();
            let (unpacked, whole) = (header.len() + page.len(), header.len() + packed.len());
            let chunk = Struct::default()
                .int32(1, kind.physical())
                .int32s(2, &[PLAIN, RLE])
                .texts(3, &[name])
                .int32(4, GZIP)
                .int64(5, rows as i64)
                .int64(6, unpacked as i64)
                .int64(7, whole as i64)
                .int64(9, self.at as i64);
            chunks.push(Struct::default().int64(2, self.at as i64).record(3, chunk));
            size += unpacked as i64;
            self.write(&header)?;
            self.write(&packed)?;
        }
        let group = Struct::default().records(1, chunks).int64(2, size).int64(3, rows as i64);
        self.groups.push(group.int64(5, start as i64).int64(6, (self.at - start) as i64));
        self.rows += rows as u64;
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.at += bytes.len() as u64;
        self.to.write_all(bytes)
    }
}

impl<W: Write> Sink for Parquet<W> {
    fn row(&mut self, row: Row<'_>) -> io::Result<()> {
        self.columns.iter_mut().zip(&row).for_each(|(column, field)| column.push(field));
        if self.columns[0].there.len() == GROUP { self.flush() } else { Ok(()) }
    }

    fn end(mut self: Box<Self>) -> io::Result<()> {
        self.flush()?;
        let root = Struct::default().text(4, "osee").int32(5, COLUMNS.len() as i64);
        let fields = COLUMNS.iter().map(|(name, kind)| {
            let repetition = if kind.optional() { OPTIONAL } else { REQUIRED };
            let field =
                Struct::default().int32(1, kind.physical()).int32(3, repetition).text(4, name);
            kind.logical().map_or(field.clone(), |logical| field.int32(6, logical))
        });
        let schema = std::iter::once(root).chain(fields).collect();
        let version = SCHEMA.to_string();
        let about = [("osee.schema", version.as_str()), ("osee.study", self.study.as_str())];
        let about = about.map(|(key, value)| Struct::default().text(1, key).text(2, value));
        let footer = Struct::default()
            .int32(1, 2)
            .records(2, schema)
            .int64(3, self.rows as i64)
            .records(4, std::mem::take(&mut self.groups))
            .records(5, about.to_vec())
            .text(6, "osee")
            .end();
        self.write(&footer)?;
        self.write(&(footer.len() as u32).to_le_bytes())?;
        self.write(MAGIC)?;
        self.to.flush()
    }
}

impl Column {
    fn push(&mut self, field: &Field<'_>) {
        match field {
            Field::Text(text) => {
                self.values.extend((text.len() as u32).to_le_bytes());
                self.values.extend(text.as_bytes());
            }
            Field::Count(count) => self.values.extend(count.to_le_bytes()),
            Field::Number(number) => self.values.extend(number.to_le_bytes()),
            Field::Absent => {}
        }
        self.there.push(*field != Field::Absent);
    }

    /// Encodes a page: definition levels, if values may be null, then values.
    fn page(&self, kind: Kind) -> Vec<u8> {
        let mut page = Vec::with_capacity(self.values.len() + 64);
        if kind.optional() {
            let levels = runs(&self.there);
            page.extend((levels.len() as u32).to_le_bytes());
            page.extend(levels);
        }
        page.extend(&self.values);
        page
    }
}

/// Encodes levels of one bit as run lengths.
fn runs(there: &[bool]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for run in there.chunk_by(|a, b| a == b) {
        super::thrift::varint(&mut bytes, (run.len() as u64) << 1);
        bytes.push(u8::from(run[0]));
    }
    bytes
}

fn gzip(bytes: &[u8]) -> io::Result<Vec<u8>> {
    // The gzip header holds no time, so the same rows give the same bytes.
    let mut packer = GzEncoder::new(Vec::new(), Compression::fast());
    packer.write_all(bytes)?;
    packer.finish()
}

#[cfg(test)]
mod tests {
    use super::runs;

    #[test]
    fn levels_are_run_lengths() {
        assert_eq!(runs(&[true; 100]), [0xc8, 0x01, 1]);
        assert_eq!(runs(&[true, false, false]), [2, 1, 4, 0]);
    }
}

//! Writes the part of Thrift's compact protocol that a Parquet footer needs.

/// Type numbers of fields and list elements.
const INT32: u8 = 5;
const INT64: u8 = 6;
const BINARY: u8 = 8;
const LIST: u8 = 9;
const STRUCT: u8 = 12;

/// An encoded struct; its fields must be written in ascending order of number.
#[derive(Debug, Clone, Default)]
pub struct Struct {
    bytes: Vec<u8>,
    last: u8,
}

impl Struct {
    /// Adds a 32-bit integer or an enum.
    pub fn int32(self, field: u8, value: i64) -> Self {
        self.int(INT32, field, value)
    }

    /// Adds a 64-bit integer.
    pub fn int64(self, field: u8, value: i64) -> Self {
        self.int(INT64, field, value)
    }

    fn int(mut self, kind: u8, field: u8, value: i64) -> Self {
        self.field(kind, field);
        zigzag(&mut self.bytes, value);
        self
    }

    /// Adds a string.
    pub fn text(mut self, field: u8, text: &str) -> Self {
        self.field(BINARY, field);
        binary(&mut self.bytes, text);
        self
    }

    /// Adds a struct.
    pub fn record(mut self, field: u8, value: Self) -> Self {
        self.field(STRUCT, field);
        self.bytes.extend(value.end());
        self
    }

    /// Adds a list of 32-bit integers.
    pub fn int32s(mut self, field: u8, values: &[i64]) -> Self {
        self.list(INT32, field, values.len());
        values.iter().for_each(|value| zigzag(&mut self.bytes, *value));
        self
    }

    /// Adds a list of strings.
    pub fn texts(mut self, field: u8, texts: &[&str]) -> Self {
        self.list(BINARY, field, texts.len());
        texts.iter().for_each(|text| binary(&mut self.bytes, text));
        self
    }

    /// Adds a list of structs.
    pub fn records(mut self, field: u8, values: Vec<Self>) -> Self {
        self.list(STRUCT, field, values.len());
        values.into_iter().for_each(|value| self.bytes.extend(value.end()));
        self
    }

    /// Ends the struct, and returns its bytes.
    pub fn end(mut self) -> Vec<u8> {
        self.bytes.push(0);
        self.bytes
    }

    fn field(&mut self, kind: u8, field: u8) {
        debug_assert!(field > self.last && field - self.last < 16);
        self.bytes.push((field - self.last) << 4 | kind);
        self.last = field;
    }

    fn list(&mut self, kind: u8, field: u8, length: usize) {
        self.field(LIST, field);
        match length {
            0..15 => self.bytes.push((length as u8) << 4 | kind),
            _ => {
                self.bytes.push(0xf0 | kind);
                varint(&mut self.bytes, length as u64);
            }
        }
    }
}

fn binary(to: &mut Vec<u8>, text: &str) {
    varint(to, text.len() as u64);
    to.extend(text.as_bytes());
}

fn zigzag(to: &mut Vec<u8>, value: i64) {
    varint(to, (value << 1 ^ value >> 63) as u64);
}

/// Appends a number in groups of seven bits, lowest first.
pub fn varint(to: &mut Vec<u8>, mut value: u64) {
    while value > 0x7f {
        to.push(value as u8 | 0x80);
        value >>= 7;
    }
    to.push(value as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_their_distance_and_type() {
        let one = Struct::default().int32(1, -1).int64(3, 300).text(4, "ab").end();
        assert_eq!(one, [0x15, 1, 0x26, 0xd8, 4, 0x18, 2, b'a', b'b', 0]);
        let many = Struct::default().int32s(2, &[0; 20]).end();
        assert_eq!(many[..3], [0x29, 0xf5, 20]);
    }
}

//! Reads TFRecord files, and the parts of Protocol Buffers that tables need.

use std::io::{self, Read};

/// Upper bound on the size of a record, in bytes.
const LARGEST: u64 = 1 << 20;

/// Reads the next record; `None` at the end of the file.
///
/// # Errors
/// The file ends early, or a checksum is wrong.
pub fn record(from: &mut impl Read) -> Result<Option<Vec<u8>>, String> {
    // A record is its length, checksum, content and checksum.
    let mut length = [0; 8];
    match fill(from, &mut length)? {
        0 => return Ok(None),
        8 => {}
        _ => return Err("ends within a record".to_owned()),
    }
    let sum = checksum(from)?;
    if sum != masked_crc(&length) {
        return Err("is not a TFRecord: the checksum of a length is wrong".to_owned());
    }
    let length = u64::from_le_bytes(length);
    if length > LARGEST {
        return Err(format!("has a record of {length} bytes"));
    }
    let mut record = vec![0; length as usize];
    if fill(from, &mut record)? < record.len() {
        return Err("ends within a record".to_owned());
    }
    match checksum(from)? == masked_crc(&record) {
        true => Ok(Some(record)),
        false => Err("is damaged: the checksum of a record is wrong".to_owned()),
    }
}

fn checksum(from: &mut impl Read) -> Result<u32, String> {
    let mut sum = [0; 4];
    match fill(from, &mut sum)? {
        4 => Ok(u32::from_le_bytes(sum)),
        _ => Err("ends within a record".to_owned()),
    }
}

/// Fills the buffer as far as the file goes; returns the number of bytes.
fn fill(from: &mut impl Read, buffer: &mut [u8]) -> Result<usize, String> {
    let mut filled = 0;
    while filled < buffer.len() {
        match from.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(format!("cannot be read: {error}")),
        }
    }
    Ok(filled)
}

/// CRC-32C with TFRecord's mask.
pub fn masked_crc(bytes: &[u8]) -> u32 {
    const TABLE: [u32; 256] = table();
    let step = |crc: u32, byte: &u8| TABLE[usize::from(crc as u8 ^ byte)] ^ (crc >> 8);
    let crc = !bytes.iter().fold(!0, step);
    crc.rotate_right(15).wrapping_add(0xa282_ead8)
}

const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut at = 0;
    while at < 256 {
        let mut crc = at as u32;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 1 == 1 { 0x82f6_3b78 ^ (crc >> 1) } else { crc >> 1 };
            bit += 1;
        }
        table[at] = crc;
        at += 1;
    }
    table
}

/// A field of a message.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Wire<'a> {
    /// A whole number.
    Varint(u64),
    /// Eight bytes, read as a floating-point number.
    Double(f64),
    /// A message or text.
    Bytes(&'a [u8]),
}

/// Fields of a message with their numbers; `None` if it is malformed.
pub fn message(mut bytes: &[u8]) -> Option<Vec<(u64, Wire<'_>)>> {
    let mut fields = Vec::new();
    while !bytes.is_empty() {
        let tag = varint(&mut bytes)?;
        let value = match tag & 7 {
            0 => Wire::Varint(varint(&mut bytes)?),
            1 => Wire::Double(f64::from_le_bytes(split(&mut bytes, 8)?.try_into().ok()?)),
            2 => {
                let length = usize::try_from(varint(&mut bytes)?).ok()?;
                Wire::Bytes(split(&mut bytes, length)?)
            }
            _ => return None,
        };
        fields.push((tag >> 3, value));
    }
    Some(fields)
}

fn split<'a>(bytes: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (first, rest) = bytes.split_at_checked(count)?;
    *bytes = rest;
    Some(first)
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let byte = *split(bytes, 1)?.first()?;
        number |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(number);
        }
    }
    None
}

/// Base64 (RFC 4648) with padding; `None` for anything else.
pub fn base64(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    for group in text.as_bytes().chunks(4) {
        let (mut bits, mut digits) = (0u32, 0);
        for &byte in group {
            let digit = match byte {
                b'A'..=b'Z' => byte - b'A',
                b'a'..=b'z' => byte - b'a' + 26,
                b'0'..=b'9' => byte - b'0' + 52,
                b'+' => 62,
                b'/' => 63,
                b'=' => continue,
                _ => return None,
            };
            bits = bits << 6 | u32::from(digit);
            digits += 1;
        }
        if group.len() != 4 || digits < 2 {
            return None;
        }
        bits <<= 6 * (4 - digits);
        bytes.extend_from_slice(&bits.to_be_bytes()[1..digits]);
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_and_base64_are_as_specified() {
        // CRC-32C of "123456789" is e3069283 (RFC 3720).
        let masked = 0xe306_9283_u32.rotate_right(15).wrapping_add(0xa282_ead8);
        assert_eq!(masked_crc(b"123456789"), masked);
        for (text, bytes) in [("", ""), ("Zg==", "f"), ("Zm8=", "fo"), ("Zm9vYmE=", "fooba")] {
            assert_eq!(base64(text).unwrap(), bytes.as_bytes());
        }
        for wrong in ["Zg", "Z===", "Zm9v!A==", "Zm9v\n"] {
            assert_eq!(base64(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn fields_are_read_whole_or_not_at_all() {
        let bytes = [8, 0x96, 1, 0x12, 2, b'h', b'i', 0x19, 0, 0, 0, 0, 0, 0, 0xf8, 0x3f];
        let fields = [(1, Wire::Varint(150)), (2, Wire::Bytes(b"hi")), (3, Wire::Double(1.5))];
        assert_eq!(message(&bytes).unwrap(), fields);
        assert_eq!(message(&bytes[..bytes.len() - 1]), None);
        assert_eq!(message(&[0xff; 12]), None);
    }
}

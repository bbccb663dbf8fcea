//! Files that osee carries in itself, so that it can be tried without any
//! other: the handwritten digits.
//!
//! `core/benchmarks/digits` says where they come from.

use flate2::read::GzDecoder;
use std::io::Read;

const DIGITS: &[u8] = include_bytes!("../benchmarks/digits/images.csv.gz");

/// A handwritten digit of 8 x 8 pixels (Alpaydin & Kaynak 1998).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Digit {
    /// Which digit it is.
    pub label: u8,
    /// Ink by row and column, 0 to 16.
    pub ink: [u8; 64],
}

/// The 1,797 digits of the UCI test set, in its order.
pub fn digits() -> Vec<Digit> {
    let mut text = String::new();
    GzDecoder::new(DIGITS).read_to_string(&mut text).expect("the file is part of the program");
    text.lines().map(|line| digit(line).expect("the file is part of the program")).collect()
}

/// 64 pixels and the label.
fn digit(line: &str) -> Option<Digit> {
    let values: Vec<u8> = line.split(',').map(|value| value.parse().ok()).collect::<Option<_>>()?;
    let (label, ink) = values.split_last()?;
    Some(Digit { label: *label, ink: ink.try_into().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_all_there_and_of_ten_kinds() {
        let digits = digits();
        assert_eq!(digits.len(), 1797);
        assert!(digits.iter().all(|it| it.ink.iter().all(|ink| *ink <= 16)));
        let count = |label| digits.iter().filter(|it| it.label == label).count();
        // As the data's own description has them.
        assert_eq!(
            [0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map(count),
            [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
        );
    }
}

//! The embedded handwritten digits. They are grey, on three equal channels, because
//! search spaces are of networks for colour images.
//!
//! The file is ordered by writer, so the images of the later ranges are by
//! other hands.

use super::{
    DataError,
    facts::{CHANNELS, Facts},
    set::DataSet,
};
use flate2::read::GzDecoder;
use osee_model::protocol::Normalisation;
use std::{io::Read, ops::Range};

/// Statistics of the training range.
const FACTS: Facts = Facts {
    key: "digits",
    name: "UCI handwritten digits",
    side: 8,
    classes: 10,
    normalisation: Some(Normalisation { mean: [0.306; 3], std: [0.376; 3] }),
    mirrors: false,
};
const TRAINING: usize = 600;
const VALIDATION: usize = 400;

/// All images, in file order.
#[derive(Debug)]
pub struct Digits(Vec<Digit>);

impl Digits {
    /// Unpacks the embedded digits.
    pub fn open() -> Self {
        Self(digits())
    }
}

impl DataSet for Digits {
    fn facts(&self) -> &Facts {
        &FACTS
    }

    fn count(&self) -> usize {
        TRAINING + VALIDATION
    }

    fn records(&self, wanted: &[usize]) -> Result<Vec<Vec<u8>>, DataError> {
        let byte = |ink: &u8| (u16::from(*ink) * 255 / 16) as u8;
        let record = |&image: &usize| {
            let Digit { label, ink } = &self.0[image];
            let grey: Vec<u8> = ink.iter().map(byte).collect();
            [vec![*label], grey.repeat(CHANNELS)].concat()
        };
        Ok(wanted.iter().map(record).collect())
    }

    fn training(&self) -> Range<usize> {
        0..TRAINING
    }

    fn test(&self) -> Range<usize> {
        self.count()..self.0.len()
    }
}

const DIGITS: &[u8] = include_bytes!("digits/images.csv.gz");

/// A handwritten digit of 8 x 8 pixels (Alpaydin & Kaynak 1998).
#[derive(Debug, Clone, PartialEq, Eq)]
struct Digit {
    /// The digit, 0 to 9.
    label: u8,
    /// Ink by row and column, 0 to 16.
    ink: [u8; 64],
}

/// The 1,797 digits of the UCI test set, in its order.
fn digits() -> Vec<Digit> {
    let mut text = String::new();
    GzDecoder::new(DIGITS).read_to_string(&mut text).expect("the file is part of the program");
    text.lines().map(|line| digit(line).expect("the file is part of the program")).collect()
}

/// Parses a line of 64 pixels and the label; `None` if it is anything else.
fn digit(line: &str) -> Option<Digit> {
    let values: Vec<u8> = line.split(',').map(|value| value.parse().ok()).collect::<Option<_>>()?;
    let (label, ink) = values.split_last()?;
    Some(Digit { label: *label, ink: ink.try_into().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{ImageSet, Preparation, Source};
    use osee_model::seed::stream;
    use tch::Kind;

    #[test]
    fn pixels_of_the_training_range_are_normalised() {
        let images =
            ImageSet::read(&Source::open(&"digits".parse().unwrap()).unwrap(), 0..TRAINING)
                .unwrap();
        let normalisation = FACTS.normalisation.unwrap();
        let how =
            Preparation { side: 8, augment: false, mirror: false, cutout: None, normalisation };
        let all: Vec<usize> = (0..images.len()).collect();
        let pixels = images.batch(&all, &how, &mut stream(0, &["test"])).images;
        let mean = pixels.mean(Kind::Double).double_value(&[]);
        let deviation = pixels.to_kind(Kind::Double).std(false).double_value(&[]);
        assert!(mean.abs() < 2e-3 && (deviation - 1.0).abs() < 2e-3, "{mean} {deviation}");
    }

    #[test]
    fn ranges_are_apart_and_use_every_image() {
        let set = Digits::open();
        assert_eq!([set.training(), set.validation(), set.test()], [0..600, 600..1000, 1000..1797]);
    }

    #[test]
    fn digits_are_all_there_and_of_ten_kinds() {
        let digits = digits();
        assert_eq!(digits.len(), 1797);
        assert!(digits.iter().all(|it| it.ink.iter().all(|ink| *ink <= 16)));
        let count = |label| digits.iter().filter(|it| it.label == label).count();
        // The counts in the data set's own description.
        assert_eq!(
            [0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map(count),
            [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
        );
    }
}

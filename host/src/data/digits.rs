//! The embedded handwritten digits. Grey, on three equal channels, because
//! search spaces are of networks for colour images.
//!
//! The file is ordered by writer, so that images of the later ranges are by
//! other hands.

use super::{
    DataError,
    facts::{CHANNELS, Facts},
    set::DataSet,
};
use osee_core::embedded::{self, Digit};
use osee_model::protocol::Normalisation;
use std::ops::Range;

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
    /// Unpacks them.
    pub fn open() -> Self {
        Self(embedded::digits())
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{ImageSet, Preparation, Source};
    use osee_model::seed::stream;
    use tch::Kind;

    #[test]
    fn pixels_of_the_training_range_are_normalised() {
        let images = ImageSet::read(&Source::open("digits").unwrap(), 0..TRAINING).unwrap();
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
}

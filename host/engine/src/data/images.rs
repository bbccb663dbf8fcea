//! Images in memory, and batches of them for training and evaluation.
//!
//! Invariant: a batch depends on its images and on the random stream it is given,
//! not on the batches made before.

use super::{
    DataError, Source,
    facts::{CHANNELS, Facts},
};
use crate::Batch;
use osee_model::{
    graph::Shape,
    protocol::Normalisation,
    recipe::Recipe,
    seed::{Stream, below, stream},
};
use rand_distr::{Distribution, StandardUniform};
use std::ops::Range;
use tch::Tensor;

/// Images of one size with labels, as bytes; an image is `[3, side, side]`.
pub struct ImageSet {
    side: usize,
    pixels: Vec<u8>,
    labels: Vec<u8>,
}

/// How an image is prepared for a network.
#[derive(Debug, Clone, Copy)]
pub struct Preparation {
    /// Side of the result in pixels: a divisor of the image's side, reached by averaging
    /// squares of pixels.
    pub side: usize,
    /// If true, crop at random from the image padded with black by an eighth of its side
    /// (32 from 40 for CIFAR).
    pub augment: bool,
    /// If true and `augment` is, flip an image horizontally with probability 1/2.
    pub mirror: bool,
    /// Side of a square at a random place that is set to the mean (DeVries & Taylor 2017),
    /// in pixels of the image before averaging. The square may overhang.
    pub cutout: Option<usize>,
    /// Pixel normalisation, applied after the crop.
    pub normalisation: Normalisation,
}

impl Preparation {
    /// How a recipe's training prepares the images of `facts` for a network
    /// with this input.
    ///
    /// # Errors
    /// When the images cannot be reduced to the input's side.
    pub fn of(recipe: &Recipe, facts: &Facts, input: Shape) -> Result<Self, DataError> {
        Ok(Self {
            side: facts.side_for(input)?,
            augment: recipe.augment,
            mirror: facts.mirrors,
            cutout: (recipe.cutout > 0).then_some(recipe.cutout),
            normalisation: recipe.normalisation,
        })
    }

    /// The same preparation for evaluation, without randomness.
    #[must_use]
    pub fn plain(self) -> Self {
        Self { augment: false, cutout: None, ..self }
    }
}

impl ImageSet {
    /// Reads the images of `range` of the training set. For noise, bytes and labels are
    /// uniformly random.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn read(source: &Source, range: Range<usize>) -> Result<Self, DataError> {
        let facts = source.facts();
        match source {
            Source::Set(set) => Ok(Self::of(facts, set.records(&range.collect::<Vec<_>>())?)),
            Source::Noise => {
                let image = |image: usize| {
                    let stream = stream(0, &["data", "noise", &image.to_string()]);
                    let bytes = StandardUniform.sample_iter(stream);
                    let mut record: Vec<u8> = bytes.take(1 + facts.pixels()).collect();
                    record[0] %= facts.classes as u8;
                    record
                };
                Ok(Self::of(facts, range.map(image)))
            }
        }
    }

    /// Collects records of a data set: a label, then the pixels.
    pub(super) fn of(facts: &Facts, records: impl IntoIterator<Item = Vec<u8>>) -> Self {
        let mut images = Self { side: facts.side, pixels: Vec::new(), labels: Vec::new() };
        for record in records {
            images.labels.push(record[0]);
            images.pixels.extend_from_slice(&record[1..]);
        }
        images
    }

    /// Number of images.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// True if there are no images.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// All images in order, without randomness, in batches of `size`.
    pub fn batches(&self, how: &Preparation, size: usize) -> Vec<Batch> {
        let positions: Vec<usize> = (0..self.len()).collect();
        let plain = how.plain();
        let mut unused = stream(0, &["validation"]);
        positions.chunks(size).map(|chunk| self.batch(chunk, &plain, &mut unused)).collect()
    }

    /// The images at `positions`, `[n, 3, side, side]`, channels-last in memory, on the CPU.
    /// Each image draws from `random` in turn.
    pub fn batch(&self, positions: &[usize], how: &Preparation, random: &mut Stream) -> Batch {
        let tables = tables(&how.normalisation);
        let size = how.side * how.side * CHANNELS;
        let whole = self.side * self.side * CHANNELS;
        let mut pixels = vec![0.0; positions.len() * size];
        for (&position, to) in positions.iter().zip(pixels.chunks_exact_mut(size)) {
            let from = &self.pixels[position * whole..][..whole];
            prepare(from, self.side, how, &Place::draw(self.side, how, random), &tables, to);
        }
        let side = how.side as i64;
        let images = Tensor::from_slice(&pixels)
            .view([positions.len() as i64, side, side, CHANNELS as i64])
            .permute([0, 3, 1, 2]);
        let labels: Vec<i64> =
            positions.iter().map(|&position| i64::from(self.labels[position])).collect();
        Batch::new(images, Tensor::from_slice(&labels)).expect("an image has one label")
    }
}

/// Where a crop begins in the padded image, whether it is mirrored, and the
/// rows and columns that are cut out.
struct Place {
    top: usize,
    left: usize,
    flip: bool,
    hole: Option<[Range<usize>; 2]>,
}

impl Place {
    fn draw(side: usize, how: &Preparation, random: &mut Stream) -> Self {
        let padding = padding(side);
        let mut place = Self { top: padding, left: padding, flip: false, hole: None };
        if how.augment {
            place.top = below(random, 2 * padding + 1);
            place.left = below(random, 2 * padding + 1);
            place.flip = how.mirror && below(random, 2) == 1;
        }
        place.hole = how.cutout.map(|length| {
            [(); 2].map(|()| {
                let centre = below(random, side);
                let start = centre.saturating_sub(length / 2);
                start..(centre + length - length / 2).min(side)
            })
        });
        place
    }
}

/// Width, in pixels, of the black border into which a random crop may reach.
fn padding(side: usize) -> usize {
    side / 8
}

/// The normalised value of each byte, by channel.
fn tables(by: &Normalisation) -> [[f32; 256]; CHANNELS] {
    std::array::from_fn(|channel| {
        std::array::from_fn(|byte| (byte as f32 / 255.0 - by.mean[channel]) / by.std[channel])
    })
}

/// Writes one image with sides `side` as `[how.side, how.side, 3]`.
fn prepare(
    from: &[u8],
    side: usize,
    how: &Preparation,
    place: &Place,
    tables: &[[f32; 256]; CHANNELS],
    to: &mut [f32],
) {
    let factor = side / how.side;
    let share = 1.0 / (factor * factor) as f32;
    let unpadded = |at: usize| at.checked_sub(padding(side)).filter(|at| *at < side);
    for y in 0..side {
        let row = unpadded(y + place.top);
        for x in 0..side {
            if place.hole.as_ref().is_some_and(|[ys, xs]| ys.contains(&y) && xs.contains(&x)) {
                continue;
            }
            let mirrored = if place.flip { side - 1 - x } else { x };
            let column = unpadded(mirrored + place.left);
            let target = ((y / factor) * how.side + x / factor) * CHANNELS;
            for channel in 0..CHANNELS {
                let byte = match (row, column) {
                    (Some(row), Some(column)) => from[(channel * side + row) * side + column],
                    _ => 0,
                };
                to[target + channel] += share * tables[channel][usize::from(byte)];
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Normalisation = Normalisation { mean: [0.0; 3], std: [1.0 / 255.0; 3] };

    fn one(side: usize, byte: impl Fn(usize) -> u8) -> ImageSet {
        ImageSet { side, pixels: (0..3 * side * side).map(byte).collect(), labels: vec![3] }
    }

    fn values(images: &ImageSet, how: &Preparation, random: &mut Stream) -> Vec<f32> {
        let batch = images.batch(&[0], how, random);
        Vec::try_from(batch.images.contiguous().flatten(0, -1)).unwrap()
    }

    fn how(side: usize) -> Preparation {
        Preparation { side, augment: false, mirror: true, cutout: None, normalisation: PLAIN }
    }

    fn close(a: &[f32], b: &[f32]) -> bool {
        a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-3)
    }

    #[test]
    fn an_image_keeps_its_place_and_is_averaged_when_smaller() {
        let images = one(32, |i| (i % 251) as u8);
        let mut random = stream(0, &["test"]);
        let whole = values(&images, &how(32), &mut random);
        let bytes: Vec<f32> = images.pixels.iter().map(|&byte| f32::from(byte)).collect();
        assert!(close(&whole, &bytes));
        let tensor = Tensor::from_slice(&bytes).view([1, 3, 32, 32]).avg_pool2d(
            [2, 2],
            [2, 2],
            [0, 0],
            false,
            true,
            None,
        );
        let half = values(&images, &how(16), &mut random);
        assert!(close(&half, &Vec::<f32>::try_from(tensor.flatten(0, -1)).unwrap()));
    }

    #[test]
    fn crops_shift_by_up_to_an_eighth_and_mirror() {
        for (side, most) in [(32, 4), (16, 2)] {
            // The one white pixel must end up where it was, shifted and mirrored.
            let images = one(side, |i| if i == 10 * side + 11 { 255 } else { 0 });
            let augment = Preparation { augment: true, ..how(side) };
            let mut random = stream(0, &["test"]);
            let mut seen = std::collections::BTreeSet::new();
            for _ in 0..4000 {
                let values = values(&images, &augment, &mut random);
                let at = values.iter().position(|value| *value > 254.0).unwrap();
                seen.insert((at / side, at % side));
            }
            let shifts = |centre: usize| centre - most..=centre + most;
            let columns = || shifts(11).chain(shifts(side - 1 - 11));
            let expected = shifts(10).flat_map(|y| columns().map(move |x| (y, x))).collect();
            assert_eq!(seen, expected);
        }
    }

    #[test]
    fn a_cut_out_is_a_square_of_the_mean() {
        let images = one(32, |_| 255);
        let cut = Preparation { cutout: Some(8), ..how(32) };
        let mut random = stream(0, &["test"]);
        for _ in 0..100 {
            let gone = values(&images, &cut, &mut random).iter().filter(|v| **v == 0.0).count();
            assert!(gone % CHANNELS == 0 && (16..=64).contains(&(gone / CHANNELS)), "{gone}");
        }
    }
}

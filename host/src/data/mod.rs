//! Images: CIFAR-10 in its official binary layout, or Gaussian noise.
//!
//! Invariant: the batches of a seed are the same for every architecture and
//! every worker.

mod cifar10;
mod error;
mod images;

pub use error::DataError;
pub use images::{ImageSet, Preparation, TRAINING, VALIDATION};

use crate::engine::Batch;
use cifar10::Cifar10;
use osee_core::{
    graph::Shape,
    protocol::{Images, Protocol},
    seed::{below, order, stream},
};
use rand_distr::{Distribution, StandardNormal};
use std::path::Path;
use tch::Tensor;

/// Where images come from.
#[derive(Debug)]
pub enum Source {
    /// The CIFAR-10 training set.
    Cifar10(Cifar10),
    /// N(0, 1) pixels with random labels.
    Noise,
}

impl Source {
    /// Opens `cifar10:FOLDER` or `noise`.
    ///
    /// # Errors
    /// An unknown kind, or files that are missing or damaged.
    pub fn open(spec: &str) -> Result<Self, DataError> {
        match spec.split_once(':') {
            Some(("cifar10", folder)) => Cifar10::open(Path::new(folder)).map(Self::Cifar10),
            _ if spec == "noise" => Ok(Self::Noise),
            _ => Err(DataError::Unknown(spec.to_owned())),
        }
    }

    /// What the images are, for the key of a result.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn identity(&self) -> Result<String, DataError> {
        match self {
            Self::Cifar10(files) => Ok(format!("cifar10:{}", files.identity()?)),
            Self::Noise => Ok("noise".to_owned()),
        }
    }

    /// The protocol's batches for images of `shape`, on the CPU.
    ///
    /// # Errors
    /// When a file cannot be read, or has too few images.
    pub fn batches(
        &self,
        protocol: &Protocol,
        seed: u64,
        shape: Shape,
        classes: usize,
    ) -> Result<Vec<Batch>, DataError> {
        match self {
            Self::Noise => Ok(noise(protocol, seed, shape, classes)),
            Self::Cifar10(files) => {
                let count = protocol.batches * protocol.batch_size;
                let wanted = match protocol.images {
                    Images::ValidationOrder => validation(count)?,
                    Images::TrainShuffled => shuffled(count, seed)?,
                };
                let images = ImageSet::of(files.records(&wanted)?);
                let how = Preparation {
                    side: Preparation::side_of(shape)?,
                    augment: protocol.augment,
                    cutout: None,
                    normalisation: protocol.normalisation,
                };
                let mut random = stream(seed, &["data", "augment"]);
                let positions: Vec<usize> = (0..count).collect();
                let batches = positions.chunks(protocol.batch_size);
                Ok(batches.map(|batch| images.batch(batch, &how, &mut random)).collect())
            }
        }
    }
}

fn cut(images: &Tensor, labels: &Tensor, protocol: &Protocol) -> Vec<Batch> {
    let size = protocol.batch_size as i64;
    (0..protocol.batches as i64)
        .map(|i| Batch {
            images: images.narrow(0, i * size, size),
            labels: labels.narrow(0, i * size, size),
        })
        .collect()
}

/// Training images 40000 and after, in order.
fn validation(count: usize) -> Result<Vec<usize>, DataError> {
    let start = 40_000;
    if start + count > cifar10::TRAIN {
        return Err(DataError::TooFew { wanted: count, there: cifar10::TRAIN - start });
    }
    Ok((start..start + count).collect())
}

/// The first `count` of a random order of the training images.
fn shuffled(count: usize, seed: u64) -> Result<Vec<usize>, DataError> {
    if count > cifar10::TRAIN {
        return Err(DataError::TooFew { wanted: count, there: cifar10::TRAIN });
    }
    let mut stream = stream(seed, &["data", "order"]);
    Ok(order(&mut stream, cifar10::TRAIN as u64).take(count).map(|at| at as usize).collect())
}

fn noise(protocol: &Protocol, seed: u64, shape: Shape, classes: usize) -> Vec<Batch> {
    let count = protocol.batches * protocol.batch_size;
    let Shape::Map { channels, height, width } = shape else { return Vec::new() };
    let size = [count, channels, height, width].map(|n| n as i64);
    let pixels: Vec<f32> = StandardNormal
        .sample_iter(stream(seed, &["data", "noise"]))
        .take(count * shape.numel())
        .collect();
    let mut stream = stream(seed, &["data", "labels"]);
    let labels: Vec<i64> = (0..count).map(|_| below(&mut stream, classes) as i64).collect();
    cut(&Tensor::from_slice(&pixels).view(size), &Tensor::from_slice(&labels), protocol)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_is_the_same_for_a_seed() {
        let protocol = Protocol { batch_size: 4, batches: 2, ..Protocol::preset("paper").unwrap() };
        let draw = |seed| noise(&protocol, seed, Shape::square(3, 8), 10);
        let (a, b, c) = (draw(1), draw(1), draw(2));
        assert_eq!((a.len(), a[1].images.size()), (2, vec![4, 3, 8, 8]));
        assert_eq!(a[1].images, b[1].images);
        assert_ne!(a[1].images, c[1].images);
    }
}

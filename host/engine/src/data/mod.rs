//! Images: data sets in their official layouts, or Gaussian noise.
//!
//! Invariant: the batches of a seed are the same for every architecture and
//! every worker.

mod cifar;
mod digits;
mod error;
mod facts;
mod identity;
mod imagenet16;
mod images;
mod set;

pub use error::DataError;
pub use facts::Facts;
pub use identity::{identity, sampled_identity};
pub use images::{ImageSet, Preparation};
pub use set::DataSet;

use crate::Batch;
use cifar::{CIFAR10, CIFAR100, Cifar};
use digits::Digits;
use imagenet16::ImageNet16;
use osee_model::{
    data_source::DataSource,
    graph::{Graph, Shape},
    protocol::{Images, Normalisation, Protocol},
    seed::{below, order, stream},
};
use rand_distr::{Distribution, StandardNormal};
use std::ops::Range;
use tch::Tensor;

/// The source of images.
#[derive(Debug)]
pub enum Source {
    /// The images of a data set.
    Set(Box<dyn DataSet>),
    /// N(0, 1) pixels with random labels. For training, uniform bytes.
    Noise,
}

/// Facts about the noise on which a supernet is trained.
const NOISE: Facts = Facts {
    key: "noise",
    name: "noise",
    side: 32,
    classes: 10,
    normalisation: None,
    mirrors: true,
};
const NOISE_IMAGES: usize = 50_000;

impl Source {
    /// Opens `digits`, `cifar10:FOLDER`, `cifar100:FOLDER`,
    /// `imagenet16-120:FOLDER` or `noise`.
    ///
    /// # Errors
    /// When the kind is unknown, or files are missing or damaged.
    pub fn open(source: &DataSource) -> Result<Self, DataError> {
        let set: Box<dyn DataSet> = match (source.kind.as_str(), &source.folder) {
            ("noise", None) => return Ok(Self::Noise),
            ("digits", None) => Box::new(Digits::open()),
            ("cifar10", Some(folder)) => Box::new(Cifar::open(&CIFAR10, folder)?),
            ("cifar100", Some(folder)) => Box::new(Cifar::open(&CIFAR100, folder)?),
            ("imagenet16-120", Some(folder)) => Box::new(ImageNet16::open(folder)?),
            _ => return Err(DataError::Unknown(source.to_string())),
        };
        Ok(Self::Set(set))
    }

    /// A hash of every image and label, for the key of a result.
    ///
    /// # Errors
    /// When a file cannot be read or has an invalid label.
    pub fn identity(&self) -> Result<String, DataError> {
        match self {
            Self::Set(set) => Ok(format!("{}:{}", set.facts().key, identity(&**set)?)),
            Self::Noise => Ok(NOISE.key.to_owned()),
        }
    }

    /// The identity in stores of earlier versions: the hash of a sample of the images.
    ///
    /// # Errors
    /// When a file cannot be read or has an invalid label.
    pub fn sampled_identity(&self) -> Result<String, DataError> {
        match self {
            Self::Set(set) => Ok(format!("{}:{}", set.facts().key, sampled_identity(&**set)?)),
            Self::Noise => Ok(NOISE.key.to_owned()),
        }
    }

    /// The facts about the images that are known without their files.
    pub fn facts(&self) -> &Facts {
        match self {
            Self::Set(set) => set.facts(),
            Self::Noise => &NOISE,
        }
    }

    /// Pixel statistics; `None` if those of the presets apply.
    pub fn normalisation(&self) -> Option<Normalisation> {
        self.facts().normalisation
    }

    /// Positions of the images for training supernets, and of those for validation.
    pub fn split(&self) -> [Range<usize>; 2] {
        match self {
            Self::Set(set) => [set.training(), set.validation()],
            Self::Noise => {
                let training = NOISE_IMAGES * 4 / 5;
                [0..training, training..NOISE_IMAGES]
            }
        }
    }

    /// Positions of the test images, after the others; empty if there are none.
    pub fn test(&self) -> Range<usize> {
        match self {
            Self::Set(set) => set.test(),
            Self::Noise => NOISE_IMAGES..NOISE_IMAGES,
        }
    }

    /// Checks that zero-shot estimators can run a network on the images by `protocol`.
    /// If `protocol` gives networks one class (preset `naswot`), labels are not used. Noise
    /// fits every network.
    ///
    /// # Errors
    /// When the network's side does not fit, or it has fewer outputs than there are classes.
    pub fn fits(&self, graph: &Graph, protocol: &Protocol) -> Result<(), DataError> {
        let Self::Set(set) = self else { return Ok(()) };
        match graph.node(graph.output).shape.channels() {
            1 if protocol.has_one_class() => set.facts().side_for(graph.input_shape()).map(drop),
            _ => set.facts().fits(graph),
        }
    }

    /// Warns if the networks of a study have outputs that no label uses.
    pub fn tell_spare_outputs(&self, graph: &Graph) {
        if let Self::Set(set) = self {
            set.facts().tell_spare_outputs(graph);
        }
    }

    /// Checks that there are as many images as `protocol` wants.
    ///
    /// # Errors
    /// When there are fewer.
    pub fn check_protocol(&self, protocol: &Protocol) -> Result<(), DataError> {
        let wanted = protocol.batches.saturating_mul(protocol.batch_size);
        let there = match (self, protocol.images) {
            (Self::Noise, _) => NOISE_IMAGES,
            (Self::Set(set), Images::ValidationOrder) => set.validation().len(),
            (Self::Set(set), Images::TrainShuffled) => set.count(),
        };
        match wanted > there {
            true => Err(DataError::TooFew { wanted, there }),
            false => Ok(()),
        }
    }

    /// The protocol's batches for networks with input `shape`, on the CPU.
    ///
    /// # Errors
    /// When a file cannot be read, or there are too few images.
    pub fn batches(
        &self,
        protocol: &Protocol,
        seed: u64,
        shape: Shape,
        classes: usize,
    ) -> Result<Vec<Batch>, DataError> {
        self.check_protocol(protocol)?;
        match self {
            Self::Noise => Ok(noise(protocol, seed, shape, classes)),
            Self::Set(set) => {
                let count = protocol.batches * protocol.batch_size;
                let wanted: Vec<usize> = match protocol.images {
                    Images::ValidationOrder => set.validation().take(count).collect(),
                    Images::TrainShuffled => {
                        let mut stream = stream(seed, &["data", "order"]);
                        let all = order(&mut stream, set.count() as u64);
                        all.take(count).map(|at| at as usize).collect()
                    }
                };
                let images = ImageSet::of(set.facts(), set.records(&wanted)?);
                let how = Preparation {
                    side: set.facts().side_for(shape)?,
                    augment: protocol.augment,
                    mirror: set.facts().mirrors,
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
        .map(|i| {
            let part = |all: &Tensor| all.narrow(0, i * size, size);
            Batch::new(part(images), part(labels)).expect("an image has one label")
        })
        .collect()
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

//! Why images cannot be had.

use super::facts::Facts;
use osee_model::graph::Shape;
use std::{ops::RangeInclusive, path::PathBuf};

/// Errors of image sources.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// Not a known kind.
    #[error(
        "unknown data `{0}`; data is noise, digits, cifar10, cifar100 or imagenet16-120, or files of \
         those at hand, as cifar10:FOLDER"
    )]
    Unknown(String),
    /// A file is not there.
    #[error("cannot read {}: {source}; the folder needs the {needs}", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
        /// What should be there.
        needs: String,
    },
    /// A file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file is not as long as it must be.
    #[error(
        "{} has {found} bytes, that of {set} has {wanted}: it is truncated or something else",
        path.display()
    )]
    Size {
        /// The file.
        path: PathBuf,
        /// Bytes found.
        found: u64,
        /// Bytes of a whole file.
        wanted: u64,
        /// Name of the data set.
        set: &'static str,
    },
    /// A file is not what it should be.
    #[error("{}: {what}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, and what helps.
        what: String,
    },
    /// A label that the data set does not have.
    #[error(
        "{} image {image} has label {label}; labels are {} to {}",
        path.display(), labels.start(), labels.end()
    )]
    Label {
        /// The file.
        path: PathBuf,
        /// Index within the file.
        image: usize,
        /// The label.
        label: i64,
        /// All there are.
        labels: RangeInclusive<i64>,
    },
    /// No image can be made so.
    #[error(
        "{} images have sides of {} pixels, which can be made {}; the network takes {input}; \
         give it --set image_size={} or a divisor of it",
        set.name, set.side, divisors(set.side), set.side
    )]
    Shape {
        /// The data set.
        set: Facts,
        /// The network's input.
        input: Shape,
    },
    /// Labels without an output.
    #[error(
        "{} has {} classes, the network {outputs}; give it --set classes={}",
        set.name, set.classes, set.classes
    )]
    Classes {
        /// The data set.
        set: Facts,
        /// The network's classes.
        outputs: usize,
    },
    /// Not enough images.
    #[error(
        "the protocol wants {wanted} images, there are {there}; ask for fewer or smaller batches"
    )]
    TooFew {
        /// Wanted.
        wanted: usize,
        /// There.
        there: usize,
    },
}

/// Sides that squares of pixels can be averaged to.
fn divisors(side: usize) -> String {
    let all: Vec<String> =
        (1..=side).rev().filter(|it| side.is_multiple_of(*it)).map(|it| it.to_string()).collect();
    match all.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => all.join(""),
    }
}

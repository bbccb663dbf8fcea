//! The errors of reading images.

use super::facts::Facts;
use osee_model::graph::Shape;
use std::{ops::RangeInclusive, path::PathBuf};

/// Why images cannot be supplied.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// The name of the data is not a known kind.
    #[error(
        "unknown data `{0}`; data is noise, digits, cifar10, cifar100 or imagenet16-120, or your own copy of one, as cifar10:FOLDER"
    )]
    Unknown(String),
    /// A file does not exist.
    #[error("cannot read {}: {source}; the folder needs the {needs}", path.display())]
    Missing {
        /// Path of the file.
        path: PathBuf,
        /// The error of the operating system.
        source: std::io::Error,
        /// The files that should be there.
        needs: String,
    },
    /// A file cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// Path of the file.
        path: PathBuf,
        /// The error of the operating system.
        source: std::io::Error,
    },
    /// A file has the wrong size.
    #[error(
        "{} has {found} bytes, that of {set} has {wanted}: it is truncated, or another file",
        path.display()
    )]
    Size {
        /// Path of the file.
        path: PathBuf,
        /// Size of the file, bytes.
        found: u64,
        /// Size of a whole file, bytes.
        wanted: u64,
        /// Name of the data set.
        set: &'static str,
    },
    /// A file's content is not what it should be.
    #[error("{}: {what}", path.display())]
    Content {
        /// Path of the file.
        path: PathBuf,
        /// What is wrong with it, and how to fix that.
        what: String,
    },
    /// An image has a label that the data set does not have.
    #[error(
        "{} image {image} has label {label}; labels are {} to {}",
        path.display(), labels.start(), labels.end()
    )]
    Label {
        /// Path of the file.
        path: PathBuf,
        /// Index of the image within the file.
        image: usize,
        /// The label that was found.
        label: i64,
        /// The range of valid labels.
        labels: RangeInclusive<i64>,
    },
    /// The images cannot be resized to the network's input.
    #[error(
        "{} images have sides of {} pixels, which can be made {}; the network takes {input}; \
         give it --set image_size={} or a divisor of it",
        set.name, set.side, divisors(set.side), set.side
    )]
    Shape {
        /// Facts about the data set.
        set: Facts,
        /// Shape of the network's input.
        input: Shape,
    },
    /// The network has fewer outputs than the data set has classes.
    #[error(
        "{} has {} classes, the network {outputs}; give it --set classes={}",
        set.name, set.classes, set.classes
    )]
    Classes {
        /// Facts about the data set.
        set: Facts,
        /// Number of outputs of the network.
        outputs: usize,
    },
    /// There are fewer images than the protocol wants.
    #[error(
        "the protocol needs {wanted} images, but there are {there}; ask for fewer or smaller batches"
    )]
    TooFew {
        /// Number of images that the protocol wants.
        wanted: usize,
        /// Number of images that there are.
        there: usize,
    },
}

/// Lists the sides to which images can be reduced by averaging squares of pixels.
fn divisors(side: usize) -> String {
    let all: Vec<String> =
        (1..=side).rev().filter(|it| side.is_multiple_of(*it)).map(|it| it.to_string()).collect();
    match all.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => all.join(""),
    }
}

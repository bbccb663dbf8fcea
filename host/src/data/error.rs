//! Why images cannot be had.

use std::path::PathBuf;

/// Errors of image sources.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// Not a known kind.
    #[error("unknown data `{0}`; data is cifar10:FOLDER or noise")]
    Unknown(String),
    /// A file cannot be read.
    #[error(
        "cannot read {}: {source}; the folder needs the official CIFAR-10 binary files \
         data_batch_1.bin to data_batch_5.bin", path.display()
    )]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file is not as long as it must be.
    #[error(
        "{} has {found} bytes, a CIFAR-10 batch has {wanted}: it is truncated or something else",
        path.display()
    )]
    Size {
        /// The file.
        path: PathBuf,
        /// Bytes found.
        found: u64,
        /// Bytes of a whole file.
        wanted: u64,
    },
    /// A label that CIFAR-10 does not have.
    #[error("{} image {image} has label {label}, CIFAR-10 has 0 to 9", path.display())]
    Label {
        /// The file.
        path: PathBuf,
        /// Index within the file.
        image: usize,
        /// The label.
        label: u8,
    },
    /// No image can be made so.
    #[error(
        "CIFAR-10 images have sides of 32 pixels, which can be made 16, 8, 4, 2 or 1; the network \
         takes {0}"
    )]
    Shape(String),
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

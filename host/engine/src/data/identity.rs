//! Hashes that tell data sets of the same name apart.

use super::{DataError, set::DataSet};
use osee_model::hex::hex;
use sha2::{Digest, Sha256};
use std::{
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

/// Number of images that are hashed together as one part.
const PART: usize = 2_500;

/// Number of images read into memory at a time.
const READ: usize = 250;

type Part = Result<[u8; 32], DataError>;

/// Hash of every image and label that a protocol or a training may read, in
/// order. It uses as many threads as there are cores: a seventh of a second for the
/// 150 MB of CIFAR-10 on two.
///
/// # Errors
/// When a file cannot be read or has an invalid label.
pub fn identity(set: &(impl DataSet + ?Sized)) -> Result<String, DataError> {
    let images = set.count().max(set.test().end);
    let parts = images.div_ceil(PART);
    let next = AtomicUsize::new(0);
    let work = || -> Vec<(usize, Part)> {
        let at = || next.fetch_add(1, Ordering::Relaxed);
        std::iter::repeat_with(at)
            .take_while(|part| *part < parts)
            .map(|part| (part, hash(set, part * PART, images.min((part + 1) * PART))))
            .collect()
    };
    let threads = thread::available_parallelism().map_or(1, usize::from).min(parts.max(1));
    let mut all: Vec<(usize, Part)> = thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        let own = work();
        let others = others.into_iter().flat_map(|it| it.join().expect("hashing does not panic"));
        own.into_iter().chain(others).collect()
    });
    all.sort_by_key(|(part, _)| *part);
    let mut whole = Sha256::new();
    for (_, part) in all {
        whole.update(part?);
    }
    Ok(hex(&whole.finalize()[..8]))
}

/// Hash of the first hundred of every ten thousand training images, as stores of earlier
/// versions have it.
///
/// # Errors
/// When a file cannot be read or has an invalid label.
pub fn sampled_identity(set: &(impl DataSet + ?Sized)) -> Result<String, DataError> {
    let mut hash = Sha256::new();
    for start in (0..set.count()).step_by(10_000) {
        let wanted: Vec<usize> = (start..set.count().min(start + 100)).collect();
        set.records(&wanted)?.iter().for_each(|record| hash.update(record));
    }
    Ok(hex(&hash.finalize()[..8]))
}

fn hash(set: &(impl DataSet + ?Sized), start: usize, end: usize) -> Part {
    let mut hash = Sha256::new();
    for start in (start..end).step_by(READ) {
        let wanted: Vec<usize> = (start..end.min(start + READ)).collect();
        set.records(&wanted)?.iter().for_each(|record| hash.update(record));
    }
    Ok(hash.finalize().into())
}

#[cfg(test)]
mod tests {
    use super::super::facts::Facts;
    use super::*;
    use std::ops::Range;

    const FACTS: Facts = Facts {
        key: "test",
        name: "test",
        side: 1,
        classes: 10,
        normalisation: None,
        mirrors: false,
    };

    /// A data set in which at most one byte, of a pixel or a label, is changed.
    #[derive(Debug)]
    struct Changed {
        images: usize,
        tests: usize,
        at: Option<(usize, usize)>,
    }

    impl DataSet for Changed {
        fn facts(&self) -> &Facts {
            &FACTS
        }

        fn count(&self) -> usize {
            self.images
        }

        fn records(&self, wanted: &[usize]) -> Result<Vec<Vec<u8>>, DataError> {
            let record = |&image: &usize| {
                let mut record = vec![(image % 10) as u8, (image / 256) as u8, image as u8, 7];
                if let Some((_, byte)) = self.at.filter(|(at, _)| *at == image) {
                    record[byte] ^= 1;
                }
                record
            };
            Ok(wanted.iter().map(record).collect())
        }

        fn test(&self) -> Range<usize> {
            self.images..self.images + self.tests
        }
    }

    #[test]
    fn whichever_image_or_label_changes_is_other_data() {
        let of = |images, at| identity(&Changed { images, tests: 30, at }).unwrap();
        let images = 2 * PART + 20;
        let own = of(images, None);
        assert_eq!(own, of(images, None));
        // These include the 110th image, both ends of a part, and the last test image.
        for image in [0, 110, PART - 1, PART, images - 1, images, images + 29] {
            for byte in 0..4 {
                assert_ne!(own, of(images, Some((image, byte))), "image {image} byte {byte}");
            }
        }
        assert_ne!(own, of(images - 1, None));
    }
}

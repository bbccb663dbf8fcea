//! CIFAR-10's binary layout: five files of 10,000 records, each one label
//! byte and 3 x 32 x 32 pixel bytes, channel first (Krizhevsky 2009).

use super::DataError;
use sha2::{Digest, Sha256};
use std::{
    fs::File,
    io::{Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

/// Side of an image, pixels.
pub const SIDE: usize = 32;
/// Values of an image.
pub const PIXELS: usize = 3 * SIDE * SIDE;
/// Training images.
pub const TRAIN: usize = 50_000;

const RECORD: usize = 1 + PIXELS;
const PER_FILE: usize = 10_000;

/// The five training files, their sizes checked.
#[derive(Debug)]
pub struct Cifar10 {
    files: Vec<PathBuf>,
}

impl Cifar10 {
    /// The files in `folder`, or in `cifar-10-batches-bin` in it.
    pub fn open(folder: &Path) -> Result<Self, DataError> {
        let inner = folder.join("cifar-10-batches-bin");
        let folder = if inner.is_dir() { inner } else { folder.to_owned() };
        let wanted = (PER_FILE * RECORD) as u64;
        let mut files = Vec::new();
        for i in 1..=TRAIN / PER_FILE {
            let path = folder.join(format!("data_batch_{i}.bin"));
            let found = match std::fs::metadata(&path) {
                Ok(facts) => facts.len(),
                Err(source) => return Err(DataError::Read { path, source }),
            };
            if found != wanted {
                return Err(DataError::Size { path, found, wanted });
            }
            files.push(path);
        }
        Ok(Self { files })
    }

    /// Hash of the first hundred images of every file.
    pub fn identity(&self) -> Result<String, DataError> {
        let mut hash = Sha256::new();
        for start in (0..TRAIN).step_by(PER_FILE) {
            for record in self.records(&(start..start + 100).collect::<Vec<_>>())? {
                hash.update(&record);
            }
        }
        Ok(hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect())
    }

    /// Records of these training images, in this order.
    pub fn records(&self, wanted: &[usize]) -> Result<Vec<Vec<u8>>, DataError> {
        let mut open: Vec<Option<File>> = self.files.iter().map(|_| None).collect();
        wanted
            .iter()
            .map(|&image| {
                let (file, image) = (image / PER_FILE, image % PER_FILE);
                let path = &self.files[file];
                let read = |source| DataError::Read { path: path.clone(), source };
                let handle = match &mut open[file] {
                    Some(handle) => handle,
                    none => none.insert(File::open(path).map_err(read)?),
                };
                let mut record = vec![0; RECORD];
                handle.seek(SeekFrom::Start((image * RECORD) as u64)).map_err(read)?;
                handle.read_exact(&mut record).map_err(read)?;
                match record[0] {
                    0..=9 => Ok(record),
                    label => Err(DataError::Label { path: path.clone(), image, label }),
                }
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(label: u8, cut: u64) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for i in 1..=5 {
            let file = File::create(folder.path().join(format!("data_batch_{i}.bin"))).unwrap();
            file.set_len((PER_FILE * RECORD) as u64 - if i == 4 { cut } else { 0 }).unwrap();
            std::os::unix::fs::FileExt::write_all_at(&file, &[label], RECORD as u64).unwrap();
        }
        folder
    }

    #[test]
    fn records_are_found_where_the_layout_has_them() {
        let folder = folder(7, 0);
        let labels: Vec<u8> = Cifar10::open(folder.path())
            .unwrap()
            .records(&[40_001, 0, 1])
            .unwrap()
            .iter()
            .map(|record| record[0])
            .collect();
        assert_eq!(labels, [7, 0, 7]);
    }

    #[test]
    fn truncated_missing_and_foreign_files_are_told_apart() {
        let cut = folder(0, 1);
        let error = Cifar10::open(cut.path()).unwrap_err().to_string();
        assert!(error.contains("data_batch_4.bin has 30729999 bytes"), "{error}");
        let wrong = folder(10, 0);
        let error = Cifar10::open(wrong.path()).unwrap().records(&[1]).unwrap_err();
        assert!(matches!(error, DataError::Label { label: 10, image: 1, .. }));
        let missing = Cifar10::open(Path::new("/nowhere")).unwrap_err();
        assert!(matches!(missing, DataError::Read { .. }));
    }
}

//! The binary layout of CIFAR-10 and CIFAR-100: files of records, each one or
//! two label bytes and 3 x 32 x 32 pixel bytes, channel first (Krizhevsky 2009).

use super::{DataError, facts::Facts, set::DataSet};
use osee_model::protocol::Normalisation;
use std::{
    fs::File,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

/// How the files of a data set are named and laid out.
#[derive(Debug)]
pub struct Layout {
    facts: Facts,
    /// Name of the folder in the official archive.
    folder: &'static str,
    files: &'static [&'static str],
    images_per_file: usize,
    /// Number of label bytes in a record, of which the last one is the class.
    labels: usize,
}

/// CIFAR-10: ten classes in five training files.
pub const CIFAR10: Layout = Layout {
    facts: Facts {
        key: "cifar10",
        name: "CIFAR-10",
        side: 32,
        classes: 10,
        normalisation: None,
        mirrors: true,
    },
    folder: "cifar-10-batches-bin",
    files: &[
        "data_batch_1.bin",
        "data_batch_2.bin",
        "data_batch_3.bin",
        "data_batch_4.bin",
        "data_batch_5.bin",
    ],
    images_per_file: 10_000,
    labels: 1,
};

/// CIFAR-100: a hundred classes in one training file, with a coarse label before the fine
/// one. Statistics are those of NAS-Bench-201.
pub const CIFAR100: Layout = Layout {
    facts: Facts {
        key: "cifar100",
        name: "CIFAR-100",
        side: 32,
        classes: 100,
        normalisation: Some(Normalisation {
            mean: [129.3 / 255.0, 124.1 / 255.0, 112.4 / 255.0],
            std: [68.2 / 255.0, 65.4 / 255.0, 70.4 / 255.0],
        }),
        mirrors: true,
    },
    folder: "cifar-100-binary",
    files: &["train.bin"],
    images_per_file: 50_000,
    labels: 2,
};

impl Layout {
    const fn record(&self) -> usize {
        self.labels + self.facts.pixels()
    }
}

/// The files of a data set, their sizes checked.
#[derive(Debug)]
pub struct Cifar {
    layout: &'static Layout,
    files: Vec<PathBuf>,
}

impl Cifar {
    /// Opens the files in `folder`, or in the archive's own folder inside it.
    pub fn open(layout: &'static Layout, folder: &Path) -> Result<Self, DataError> {
        let inner = folder.join(layout.folder);
        let folder = if inner.is_dir() { inner } else { folder.to_owned() };
        let wanted = (layout.images_per_file * layout.record()) as u64;
        let mut files = Vec::new();
        for name in layout.files {
            let path = folder.join(name);
            let found = match std::fs::metadata(&path) {
                Ok(facts) => facts.len(),
                Err(source) => {
                    let needs = format!("official {} binary files", layout.facts.name);
                    let needs = format!("{needs}: {}", layout.files.join(", "));
                    return Err(DataError::Missing { path, source, needs });
                }
            };
            if found != wanted {
                let set = layout.facts.name;
                return Err(DataError::Size { path, found, wanted, set });
            }
            files.push(path);
        }
        Ok(Self { layout, files })
    }
}

impl DataSet for Cifar {
    fn facts(&self) -> &Facts {
        &self.layout.facts
    }

    fn count(&self) -> usize {
        self.files.len() * self.layout.images_per_file
    }

    fn records(&self, wanted: &[usize]) -> Result<Vec<Vec<u8>>, DataError> {
        let Layout { facts, images_per_file, labels, .. } = self.layout;
        let mut open: Vec<Option<File>> = self.files.iter().map(|_| None).collect();
        wanted
            .iter()
            .map(|&image| {
                let (file, image) = (image / images_per_file, image % images_per_file);
                let path = &self.files[file];
                let read = |source| DataError::Read { path: path.clone(), source };
                let handle = match &mut open[file] {
                    Some(handle) => handle,
                    none => none.insert(File::open(path).map_err(read)?),
                };
                // Of several labels only the last one is kept.
                let start = image * self.layout.record() + labels - 1;
                let mut record = vec![0; 1 + facts.pixels()];
                handle.read_exact_at(&mut record, start as u64).map_err(read)?;
                let label = record[0].into();
                match usize::from(record[0]) < facts.classes {
                    true => Ok(record),
                    false => {
                        let labels = 0..=facts.classes as i64 - 1;
                        Err(DataError::Label { path: path.clone(), image, label, labels })
                    }
                }
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Files whose second image has these labels; the last file is cut short by `cut` bytes.
    fn folder(layout: &Layout, labels: &[u8], cut: u64) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (i, name) in layout.files.iter().enumerate() {
            let file = File::create(folder.path().join(name)).unwrap();
            let whole = (layout.images_per_file * layout.record()) as u64;
            file.set_len(if i + 1 == layout.files.len() { whole - cut } else { whole }).unwrap();
            file.write_all_at(labels, layout.record() as u64).unwrap();
        }
        folder
    }

    fn labels(set: &Cifar, images: &[usize]) -> Vec<u8> {
        set.records(images).unwrap().iter().map(|record| record[0]).collect()
    }

    #[test]
    fn records_are_found_where_the_layout_has_them() {
        let cifar10 = folder(&CIFAR10, &[7], 0);
        let set = Cifar::open(&CIFAR10, cifar10.path()).unwrap();
        assert_eq!(labels(&set, &[40_001, 0, 1]), [7, 0, 7]);
        assert_eq!((set.training(), set.validation()), (0..40_000, 40_000..50_000));

        // Coarse label 19, fine label 99, and the first pixel.
        let cifar100 = folder(&CIFAR100, &[19, 99, 200], 0);
        let set = Cifar::open(&CIFAR100, cifar100.path()).unwrap();
        assert_eq!(labels(&set, &[1, 49_999]), [99, 0]);
        assert_eq!(
            (set.records(&[1]).unwrap()[0].len(), set.records(&[1]).unwrap()[0][1]),
            (3073, 200)
        );
        assert_eq!((set.training(), set.validation()), (0..40_000, 40_000..50_000));
    }

    #[test]
    fn files_may_lie_in_the_archives_own_folder() {
        let flat = folder(&CIFAR100, &[0, 5], 0);
        let nested = tempfile::tempdir().unwrap();
        std::fs::rename(flat.path(), nested.path().join("cifar-100-binary")).unwrap();
        let set = Cifar::open(&CIFAR100, nested.path()).unwrap();
        assert_eq!(labels(&set, &[1]), [5]);
    }

    #[test]
    fn truncated_missing_and_foreign_files_are_told_apart() {
        let cut = folder(&CIFAR10, &[0], 1);
        let error = Cifar::open(&CIFAR10, cut.path()).unwrap_err().to_string();
        assert!(error.contains("data_batch_5.bin has 30729999 bytes"), "{error}");
        let cut = folder(&CIFAR100, &[0], 1);
        let error = Cifar::open(&CIFAR100, cut.path()).unwrap_err().to_string();
        assert!(error.contains("train.bin has 153699999 bytes, that of CIFAR-100 has"), "{error}");
        let wrong = folder(&CIFAR10, &[10], 0);
        let error = Cifar::open(&CIFAR10, wrong.path()).unwrap().records(&[1]).unwrap_err();
        assert!(matches!(error, DataError::Label { label: 10, image: 1, .. }));
        let wrong = folder(&CIFAR100, &[0, 100], 0);
        let error = Cifar::open(&CIFAR100, wrong.path()).unwrap().records(&[1]).unwrap_err();
        assert!(error.to_string().contains("image 1 has label 100; labels are 0 to 99"), "{error}");
        let missing = Cifar::open(&CIFAR100, Path::new("/nowhere")).unwrap_err().to_string();
        assert!(missing.contains("CIFAR-100 binary files: train.bin"), "{missing}");
    }
}

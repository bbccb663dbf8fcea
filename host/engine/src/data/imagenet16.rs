//! ImageNet16-120: ImageNet downsampled to 16 x 16 pixels (Chrabaszcz et al.
//! 2017), of which NAS-Bench-201 keeps the first 120 classes. The official
//! files are ten NumPy archives of `data` [n, 768] and `labels` from 1 to 1000.
//! Python pickles of the same are refused, with advice on how to convert them.
//!
//! All images that are kept are held in memory: 117 MB for the whole training set.

use super::{DataError, facts::Facts, set::DataSet};
use osee_model::protocol::Normalisation;
use std::path::Path;
use tch::{Kind, Tensor};

/// The statistics are those of NAS-Bench-201.
const FACTS: Facts = Facts {
    key: "imagenet16-120",
    name: "ImageNet16-120",
    side: 16,
    classes: 120,
    normalisation: Some(Normalisation {
        mean: [122.68 / 255.0, 116.66 / 255.0, 104.01 / 255.0],
        std: [63.22 / 255.0, 61.26 / 255.0, 65.09 / 255.0],
    }),
    mirrors: true,
};
const FILES: usize = 10;
/// Labels that the files may have.
const LABELS: std::ops::RangeInclusive<i64> = 1..=1000;
/// Folders in which archives and benchmarks put the files.
const FOLDERS: [&str; 3] = ["ImageNet16", "Imagenet16_train_npz", "Imagenet16_train"];

/// How to convert a file to types that can be read.
const CONVERT: &str = "labels are int64 after: d = numpy.load(FILE); \
    numpy.savez(FILE, data=d['data'], labels=d['labels'].astype('int64'))";

/// The pixels and labels of one file.
struct Arrays {
    data: Vec<u8>,
    labels: Vec<i64>,
}

/// The images of the first 120 classes.
#[derive(Debug)]
pub struct ImageNet16 {
    pixels: Vec<u8>,
    labels: Vec<u8>,
}

impl ImageNet16 {
    /// Opens the files in `folder`, or in one of the usual folders inside it.
    pub fn open(folder: &Path) -> Result<Self, DataError> {
        let inner = FOLDERS.map(|name| folder.join(name)).into_iter().find(|it| it.is_dir());
        let folder = inner.unwrap_or_else(|| folder.to_owned());
        let mut set = Self { pixels: Vec::new(), labels: Vec::new() };
        for i in 1..=FILES {
            let path = folder.join(format!("train_data_batch_{i}.npz"));
            set.keep(&path, &read(&path)?)?;
        }
        Ok(set)
    }

    /// Keeps the images of the first classes, which are 1 to 120 in the files.
    fn keep(&mut self, path: &Path, Arrays { data, labels }: &Arrays) -> Result<(), DataError> {
        if data.len() != labels.len() * FACTS.pixels() {
            let what = format!(
                "it has {} labels and {} bytes of pixels, an image has {}: it is damaged or of \
                 another size",
                labels.len(),
                data.len(),
                FACTS.pixels()
            );
            return Err(DataError::Content { path: path.to_owned(), what });
        }
        for (image, (&label, pixels)) in
            labels.iter().zip(data.chunks_exact(FACTS.pixels())).enumerate()
        {
            if !LABELS.contains(&label) {
                let path = path.to_owned();
                return Err(DataError::Label { path, image, label, labels: LABELS });
            }
            if label <= FACTS.classes as i64 {
                self.labels.push((label - 1) as u8);
                self.pixels.extend_from_slice(pixels);
            }
        }
        Ok(())
    }
}

impl DataSet for ImageNet16 {
    fn facts(&self) -> &Facts {
        &FACTS
    }

    fn count(&self) -> usize {
        self.labels.len()
    }

    fn records(&self, wanted: &[usize]) -> Result<Vec<Vec<u8>>, DataError> {
        let record = |&image: &usize| {
            let mut record = vec![self.labels[image]];
            record.extend_from_slice(&self.pixels[image * FACTS.pixels()..][..FACTS.pixels()]);
            record
        };
        Ok(wanted.iter().map(record).collect())
    }
}

fn read(path: &Path) -> Result<Arrays, DataError> {
    let content = |what: String| DataError::Content { path: path.to_owned(), what };
    match std::fs::metadata(path) {
        Ok(_) => npz(path).map_err(content),
        Err(_) if path.with_extension("").exists() => Err(content(
            "there is only the Python pickle of this name without .npz; convert each of them by \
             python3 -c \"import pickle, numpy, sys; f = sys.argv[1]; \
             d = pickle.load(open(f, 'rb'), encoding='latin1'); \
             numpy.savez(f + '.npz', data=d['data'], labels=d['labels'])\" FILE"
                .to_owned(),
        )),
        Err(source) => Err(DataError::Missing {
            path: path.to_owned(),
            source,
            needs: format!(
                "official files of the 16 x 16 ImageNet, train_data_batch_1.npz to \
                 train_data_batch_{FILES}.npz"
            ),
        }),
    }
}

fn npz(path: &Path) -> Result<Arrays, String> {
    let arrays = Tensor::read_npz(path).map_err(|error| match error.to_string() {
        // A NumPy dtype that torch has no kind for.
        kind if kind.contains("descr") => {
            format!("one of its arrays has a type that cannot be read ({kind}); {CONVERT}")
        }
        other => format!("not a NumPy archive: {other}"),
    })?;
    let array = |name: &str| -> Result<Tensor, String> {
        let found = arrays.iter().find(|(own, _)| own == name);
        let (_, tensor) = found.ok_or_else(|| format!("it has no array `{name}`"))?;
        Ok(tensor.flatten(0, -1))
    };
    let data = array("data")?;
    if data.kind() != Kind::Uint8 {
        return Err(format!("`data` is {:?}, and should be bytes", data.kind()));
    }
    let bytes = |tensor: &Tensor| {
        let mut values = vec![0u8; tensor.numel()];
        tensor.copy_data_u8(&mut values, tensor.numel());
        values
    };
    let labels = array("labels")?;
    let whole = [Kind::Uint8, Kind::Int8, Kind::Int16, Kind::Int, Kind::Int64];
    if !whole.contains(&labels.kind()) {
        return Err(format!(
            "`labels` are {:?}, and should be whole numbers; {CONVERT}",
            labels.kind()
        ));
    }
    let labels = Vec::<i64>::try_from(labels.to_kind(Kind::Int64));
    Ok(Arrays { data: bytes(&data), labels: labels.map_err(|error| error.to_string())? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::identity;

    /// Ten archives of three images, one of them of a class that is not kept; the second
    /// image of the third file has `label`.
    fn archives(label: i64) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for i in 1..=FILES as i64 {
            let labels = [i, if i == 3 { label } else { 120 }, 121];
            let data: Vec<u8> = (0..3 * FACTS.pixels()).map(|at| (at % 250) as u8).collect();
            let data = Tensor::from_slice(&data).view([3, FACTS.pixels() as i64]);
            let named = [("data", data), ("labels", Tensor::from_slice(&labels))];
            let path = folder.path().join(format!("train_data_batch_{i}.npz"));
            Tensor::write_npz(&named, path).unwrap();
        }
        folder
    }

    #[test]
    fn the_first_120_classes_are_kept_in_file_order() {
        let folder = archives(120);
        let set = ImageNet16::open(folder.path()).unwrap();
        assert_eq!((set.count(), set.training(), set.validation()), (20, 0..16, 16..20));
        let records = set.records(&[5, 4]).unwrap();
        assert_eq!(records.iter().map(|it| it[0]).collect::<Vec<_>>(), [119, 2]);
        // The second image of its file begins at 768, the first at 0.
        assert_eq!((records[0][1], records[1][1], records[1].len()), ((768 % 250) as u8, 0, 769));
    }

    #[test]
    fn archives_in_the_usual_folder_have_the_same_identity() {
        let (flat, nested) = (archives(120), tempfile::tempdir().unwrap());
        let own = identity(&ImageNet16::open(flat.path()).unwrap()).unwrap();
        std::fs::rename(flat.path(), nested.path().join("ImageNet16")).unwrap();
        assert_eq!(identity(&ImageNet16::open(nested.path()).unwrap()).unwrap(), own);
    }

    /// Replaces every `old` by `new`, which has the same length.
    fn renamed(mut bytes: Vec<u8>, old: &[u8], new: &[u8]) -> Vec<u8> {
        for at in 0..bytes.len() - old.len() {
            if bytes[at..].starts_with(old) {
                bytes[at..at + old.len()].copy_from_slice(new);
            }
        }
        bytes
    }

    #[test]
    fn labels_of_every_whole_type_are_the_same() {
        let folder = archives(120);
        let own = identity(&ImageNet16::open(folder.path()).unwrap()).unwrap();
        for kind in [Kind::Uint8, Kind::Int16, Kind::Int] {
            for i in 1..=FILES {
                let path = folder.path().join(format!("train_data_batch_{i}.npz"));
                let arrays = Tensor::read_npz(&path).unwrap();
                let of = |it: &(String, Tensor)| match it.0.as_str() {
                    "labels" => (it.0.clone(), it.1.to_kind(kind)),
                    _ => (it.0.clone(), it.1.shallow_clone()),
                };
                Tensor::write_npz(&arrays.iter().map(of).collect::<Vec<_>>(), &path).unwrap();
            }
            assert_eq!(identity(&ImageNet16::open(folder.path()).unwrap()).unwrap(), own);
        }
    }

    #[test]
    fn missing_damaged_and_foreign_files_are_told_apart() {
        let wrong = |folder: &Path| ImageNet16::open(folder).unwrap_err().to_string();
        let folder = archives(0);
        let error = wrong(folder.path());
        let words = "train_data_batch_3.npz image 1 has label 0; labels are 1 to 1000";
        assert!(error.contains(words), "{error}");

        let file = folder.path().join("train_data_batch_2.npz");
        std::fs::write(&file, "hello").unwrap();
        assert!(wrong(folder.path()).contains("train_data_batch_2.npz: not a NumPy archive"));
        let (data, labels) = (Tensor::from_slice(&[1u8, 2]), Tensor::from_slice(&[1i64]));
        Tensor::write_npz(&[("data", data.shallow_clone())], &file).unwrap();
        assert!(wrong(folder.path()).contains("no array `labels`"));
        let halves = labels.to_kind(Kind::Float) / 2;
        let named = [("data", data.shallow_clone()), ("labels", halves)];
        Tensor::write_npz(&named, &file).unwrap();
        let error = wrong(folder.path());
        assert!(error.contains("`labels` are Float") && error.contains("int64"), "{error}");
        // NumPy's name for unsigned 16-bit integers.
        let bytes = std::fs::read(folder.path().join("train_data_batch_1.npz")).unwrap();
        std::fs::write(&file, renamed(bytes, b"'<i8'", b"'<u2'")).unwrap();
        let error = wrong(folder.path());
        assert!(error.contains("u2") && error.contains("astype('int64')"), "{error}");
        Tensor::write_npz(&[("data", data), ("labels", labels)], &file).unwrap();
        assert!(wrong(folder.path()).contains("1 labels and 2 bytes of pixels"));
        std::fs::remove_file(&file).unwrap();
        assert!(wrong(folder.path()).contains("train_data_batch_2.npz: No such file"));
        std::fs::write(file.with_extension(""), "hello").unwrap();
        let error = wrong(folder.path());
        assert!(error.contains("only the Python pickle") && error.contains("savez"), "{error}");
    }
}

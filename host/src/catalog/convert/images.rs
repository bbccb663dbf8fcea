//! Imports images in their official layout: archives are unpacked, folders are used
//! as they are. The reader in the engine's `data` module checks that the images are
//! the right ones.

use super::{archive::inside, table::wrong};
use crate::{
    catalog::{
        entry::{Converter, Entry},
        error::Fault,
        files::{self, all_files},
    },
    stop::Stop,
};
use flate2::read::GzDecoder;
use osee_engine::data::Source;
use osee_model::data_source::DataSource;
use std::{
    fs::File,
    io::{self, BufReader, Read},
    path::{Path, PathBuf},
};
use tar::{Archive, EntryType};

/// Official layout of an image data set.
#[derive(Debug, Clone, Copy)]
pub struct Layout {
    /// Name in `--data`.
    kind: &'static str,
    /// Folders that may hold its files; osee itself writes the first.
    folders: &'static [&'static str],
    needed: &'static [&'static str],
    /// Optional files, used if present.
    further: &'static [&'static str],
    /// Upper bound on the size of a file, in bytes.
    largest: u64,
}

const CIFAR10: Layout = Layout {
    kind: "cifar10",
    folders: &["cifar-10-batches-bin"],
    needed: &[
        "data_batch_1.bin",
        "data_batch_2.bin",
        "data_batch_3.bin",
        "data_batch_4.bin",
        "data_batch_5.bin",
    ],
    further: &["test_batch.bin", "batches.meta.txt", "readme.html"],
    largest: 1 << 26,
};

const CIFAR100: Layout = Layout {
    kind: "cifar100",
    folders: &["cifar-100-binary"],
    needed: &["train.bin"],
    further: &["test.bin", "coarse_label_names.txt", "fine_label_names.txt"],
    largest: 1 << 28,
};

const IMAGENET16: Layout = Layout {
    kind: "imagenet16-120",
    folders: &["ImageNet16", "Imagenet16_train_npz", "Imagenet16_train"],
    needed: &[
        "train_data_batch_1.npz",
        "train_data_batch_2.npz",
        "train_data_batch_3.npz",
        "train_data_batch_4.npz",
        "train_data_batch_5.npz",
        "train_data_batch_6.npz",
        "train_data_batch_7.npz",
        "train_data_batch_8.npz",
        "train_data_batch_9.npz",
        "train_data_batch_10.npz",
    ],
    further: &[],
    largest: 1 << 30,
};

impl Layout {
    /// The layout of an image data set; `None` for a table.
    pub fn of(entry: &Entry) -> Option<Self> {
        match entry.converter? {
            Converter::Cifar10 => Some(CIFAR10),
            Converter::Cifar100 => Some(CIFAR100),
            Converter::ImageNet16 => Some(IMAGENET16),
            _ => None,
        }
    }

    /// Checks the images in the user's folder; returns each file's place in the data
    /// set, with its path.
    pub fn in_folder(&self, folder: &Path) -> Result<Vec<(String, PathBuf)>, Fault> {
        self.check(folder)?;
        let inner = self.folders.iter().map(|name| folder.join(name)).find(|it| it.is_dir());
        let folder = inner.unwrap_or_else(|| folder.to_owned());
        let further = self.further.iter().filter(|name| folder.join(name).is_file());
        let names = self.needed.iter().chain(further);
        let place = |name: &&str| (format!("{}/{name}", self.folders[0]), folder.join(name));
        Ok(names.map(place).collect())
    }

    /// Unpacks an archive, if there is one; returns the paths that were written.
    pub fn convert(
        &self,
        originals: &[PathBuf],
        folder: &Path,
        stop: &Stop,
    ) -> Result<Vec<String>, Fault> {
        let [archive] = originals else { return Ok(Vec::new()) };
        let inner = folder.join(self.folders[0]);
        files::folder(&inner)?;
        self.unpack(archive, &inner, stop)?;
        self.check(folder)?;
        let name = |path: PathBuf| {
            let name = path.file_name()?.to_string_lossy().into_owned();
            Some(format!("{}/{name}", self.folders[0]))
        };
        Ok(all_files(&inner).into_iter().filter_map(name).collect())
    }

    /// Extracts the known files from an archive. Refuses links, and paths that lead out
    /// of the archive.
    fn unpack(&self, path: &Path, to: &Path, stop: &Stop) -> Result<(), Fault> {
        let damaged = |error: io::Error| wrong(path, format!("cannot be read as .tar.gz: {error}"));
        let file = File::open(path).map_err(Fault::io("read", path))?;
        let mut archive = Archive::new(GzDecoder::new(BufReader::new(file)));
        for member in archive.entries().map_err(damaged)? {
            if stop.is_set() {
                return Err(Fault::Stopped);
            }
            let member = member.map_err(damaged)?;
            let name = member.path().map_err(damaged)?.into_owned();
            let shown = name.display();
            if !inside(&name) {
                return Err(wrong(path, format!("has a member `{shown}`, which is outside it")));
            }
            match member.header().entry_type() {
                EntryType::Regular => {}
                EntryType::Directory | EntryType::XGlobalHeader => continue,
                _ => {
                    return Err(wrong(
                        path,
                        format!("has a member `{shown}`, which is not a file"),
                    ));
                }
            }
            let own = name.file_name().and_then(|it| it.to_str());
            let known = |it: &&&str| Some(**it) == own;
            let Some(known) = self.needed.iter().chain(self.further).find(known) else { continue };
            let target = to.join(known);
            let mut out = File::create(&target).map_err(Fault::io("write", &target))?;
            let copied = io::copy(&mut member.take(self.largest + 1), &mut out);
            if copied.map_err(damaged)? > self.largest {
                return Err(wrong(path, format!("has a member `{shown}` that is too large")));
            }
        }
        Ok(())
    }

    /// Checks that all images and labels can be read.
    fn check(&self, folder: &Path) -> Result<(), Fault> {
        Source::open(&DataSource::in_folder(self.kind, folder.to_owned()))
            .and_then(|images| images.identity())
            .map(drop)
            .map_err(|error| Fault::Content(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::{Compression, write::GzEncoder};
    use tar::{Builder, Header};

    fn archive(folder: &Path, fill: impl Fn(&mut Builder<GzEncoder<File>>)) -> PathBuf {
        let path = folder.join("a.tar.gz");
        let gzip = GzEncoder::new(File::create(&path).unwrap(), Compression::fast());
        let mut archive = Builder::new(gzip);
        fill(&mut archive);
        archive.into_inner().unwrap().finish().unwrap();
        path
    }

    fn add(archive: &mut Builder<GzEncoder<File>>, name: &str, kind: EntryType, bytes: &[u8]) {
        let mut header = Header::new_old();
        // Sets the name as a malicious archive would, past the check of `set_path`.
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_entry_type(kind);
        header.set_size(bytes.len() as u64);
        if kind == EntryType::Symlink {
            header.as_old_mut().linkname[..4].copy_from_slice(b"/etc");
        }
        header.set_cksum();
        archive.append(&header, bytes).unwrap();
    }

    #[test]
    fn archives_give_the_files_that_are_known_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let batch = vec![7; 10_000 * 3073];
        let path = archive(folder.path(), |archive| {
            for name in CIFAR10.needed {
                add(archive, &format!("cifar-10-batches-bin/{name}"), EntryType::Regular, &batch);
            }
            add(archive, "cifar-10-batches-bin/other.sh", EntryType::Regular, b"x");
        });
        let made = CIFAR10.convert(&[path], folder.path(), &Stop::default()).unwrap();
        let expected: Vec<String> =
            CIFAR10.needed.iter().map(|name| format!("cifar-10-batches-bin/{name}")).collect();
        assert_eq!(made, expected);
    }

    #[test]
    fn a_way_out_of_an_archive_is_refused() {
        for (name, kind, why) in [
            ("../data_batch_1.bin", EntryType::Regular, "outside it"),
            ("/tmp/data_batch_1.bin", EntryType::Regular, "outside it"),
            ("cifar-10-batches-bin", EntryType::Symlink, "which is not a file"),
            ("data_batch_1.bin", EntryType::Link, "which is not a file"),
        ] {
            let folder = tempfile::tempdir().unwrap();
            let path = archive(folder.path(), |archive| add(archive, name, kind, b""));
            let error = CIFAR10.convert(&[path], folder.path(), &Stop::default()).unwrap_err();
            assert!(error.to_string().contains(why), "{name}: {error}");
            assert!(!folder.path().join("../data_batch_1.bin").exists());
        }
    }

    #[test]
    fn an_archive_that_is_cut_or_lacks_files_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = archive(folder.path(), |archive| {
            add(archive, "cifar-10-batches-bin/data_batch_1.bin", EntryType::Regular, &[1; 3073]);
        });
        let refuse = || {
            CIFAR10
                .convert(std::slice::from_ref(&path), folder.path(), &Stop::default())
                .unwrap_err()
                .to_string()
        };
        let error = refuse();
        assert!(error.contains("data_batch_1.bin has 3073 bytes"), "{error}");
        let whole = std::fs::read(&path).unwrap();
        std::fs::write(&path, &whole[..whole.len() / 2]).unwrap();
        let error = refuse();
        assert!(error.contains("cannot be read as .tar.gz"), "{error}");
    }
}

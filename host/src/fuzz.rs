//! Readers of what others write, each as a function of any bytes: says whether
//! they were read, and fails only by a panic or a crash. The tests below hand it
//! damaged copies of what it reads; `tests/fuzz` hands it what libFuzzer makes up.

use crate::{
    catalog::convert::pickle::Pickle,
    loader::{header, trust},
    worker::frames::{self, Answer, Order},
};
use osee_core::{
    study::Study,
    truth::{Duplicates, Sheet, Table},
};
use osee_engine::weights_file;
use osee_testkit::small_graph;
use std::path::Path;

/// A message between host and worker.
pub fn frame(bytes: &[u8]) -> bool {
    let order = frames::read::<Order>(&mut &*bytes).is_ok();
    frames::read::<Answer>(&mut &*bytes).is_ok() || order
}

/// A plugin's file, or its header alone.
pub fn plugin(bytes: &[u8]) -> bool {
    let header = header::fitting(bytes).is_ok();
    header::read(bytes).is_ok() || header
}

/// `osee.lock`.
pub fn lock(bytes: &[u8]) -> bool {
    trust::parse(&String::from_utf8_lossy(bytes)).is_ok()
}

/// A study file.
pub fn study(bytes: &[u8]) -> bool {
    Study::parse(Path::new("study.toml"), &String::from_utf8_lossy(bytes)).is_ok()
}

/// A table of ground truth whose first column is the key, plain or gzipped.
pub fn table(bytes: &[u8]) -> bool {
    let read = || {
        let sheet = Sheet::from_bytes(Path::new("truth.csv"), bytes.to_vec())?;
        let key = sheet.key(sheet.header().first().map_or("", String::as_str))?;
        let (columns, _) = sheet.numbers(&key);
        Table::of(&sheet, &key, &columns, Duplicates::Error, |key| Some(key.to_owned()))
    };
    read().is_ok()
}

/// A Python pickle with objects of two classes.
pub fn pickle(bytes: &[u8]) -> bool {
    Pickle::read(bytes, &[("m", "A"), ("m", "B")]).is_ok()
}

/// A file of weights for a small network.
pub fn weights(bytes: &[u8]) -> bool {
    weights_file::from_bytes(Path::new("weights.safetensors"), bytes, &small_graph()).is_ok()
}

#[cfg(test)]
pub use tests::cases;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{plan::Unit, worker::frames::Scored};
    use flate2::{Compression, read::GzEncoder};
    use osee_model::seed::{below, stream};
    use osee_sdk::abi::header::PluginHeader;
    use std::{fs, io::Read};

    /// Cases of each test: `OSEE_FUZZ_CASES`, which `make fuzz` sets to ten
    /// million, else a number that a test run can afford.
    fn count() -> usize {
        let asked = std::env::var("OSEE_FUZZ_CASES").ok().and_then(|text| text.parse().ok());
        asked.unwrap_or(50_000)
    }

    /// Hands `check` the corpus with a few bytes changed, cut or both, case after
    /// case.
    pub fn cases(name: &str, corpus: &mut [Vec<u8>], mut check: impl FnMut(&[u8])) {
        let mut random = stream(0, &["fuzz", name]);
        for _ in 0..count() {
            let bytes = &mut corpus[below(&mut random, corpus.len())];
            let length = bytes.len();
            let mut undo = Vec::new();
            for _ in 0..below(&mut random, 9) {
                // Half of the changes go where formats keep their structure.
                let reach = if below(&mut random, 2) == 0 { length.min(256) } else { length };
                let (at, value) = (below(&mut random, reach), below(&mut random, 256) as u8);
                undo.push((at, bytes[at]));
                bytes[at] = [value, 0, 0xff, bytes[at] ^ 1 << (value % 8)][below(&mut random, 4)];
            }
            let end = if below(&mut random, 4) == 0 { below(&mut random, length) } else { length };
            check(&bytes[..end]);
            for (at, value) in undo.into_iter().rev() {
                bytes[at] = value;
            }
        }
    }

    /// Largest file that libFuzzer begins with.
    const SEED: usize = 1 << 20;

    /// Hands the reader damaged copies of a corpus that it reads. With
    /// `OSEE_FUZZ_CORPUS` the corpus is written there, for `tests/fuzz` to begin with.
    fn feed(name: &str, read: fn(&[u8]) -> bool, mut corpus: Vec<Vec<u8>>) {
        for (at, bytes) in corpus.iter().enumerate() {
            assert!(read(bytes), "{name} {at} is not read");
            if let Some(folder) = std::env::var_os("OSEE_FUZZ_CORPUS")
                && bytes.len() <= SEED
            {
                let folder = Path::new(&folder).join(name);
                fs::create_dir_all(&folder).unwrap();
                fs::write(folder.join(format!("seed-{at}")), bytes).unwrap();
            }
        }
        let [mut read_well, mut refused] = [0, 0];
        cases(name, &mut corpus, |bytes| match read(bytes) {
            true => read_well += 1,
            false => refused += 1,
        });
        assert!(read_well > 0 && refused > 0, "{name}: {read_well} {refused}");
    }

    #[test]
    fn frames_are_read_or_refused() {
        let arch = "|x~0|".to_owned();
        let unit = Unit { arch_index: 1, arch, seed: 9, rows: vec![0, 1], ..Unit::default() };
        let mut bytes = [Vec::new(), Vec::new()];
        frames::write(&mut bytes[0], &Order::Score(unit)).unwrap();
        frames::write(&mut bytes[1], &Answer::Scored(Scored::new(0, Ok(0.25), 2.0))).unwrap();
        feed("frame", frame, bytes.to_vec());
    }

    #[test]
    fn plugin_files_are_read_or_refused() {
        let exe = std::env::current_exe().unwrap();
        let whole = fs::read(exe.with_file_name("libmeta_vote.so")).unwrap();
        let begins = |at: &usize| header::fitting(&whole[*at..]).is_ok();
        let at = (0..whole.len()).find(begins).unwrap();
        let header = whole[at..at + size_of::<PluginHeader>()].to_vec();
        feed("plugin", plugin, vec![whole, header]);
    }

    #[test]
    fn lock_files_are_read_or_refused() {
        let whole = format!(
            "version = 1\n[[plugin]]\nfile = \"a.so\"\nsha256 = \"{}\"\n\
             [[plugin]]\nfile = \"b/c.so\"\nbuild = \"any\"\n",
            "0".repeat(64)
        );
        feed("lock", lock, vec![whole.into_bytes(), b"version = 1\n".to_vec()]);
    }

    #[test]
    fn studies_are_read_or_refused() {
        let whole = include_bytes!("../../studies/nb201.toml").to_vec();
        let training =
            b"[training]\nepochs = 2\nkeep-every = 1\n[[estimators]]\nid = \"one_shot\"\n\
                         settings = { score = \"accuracy\", checkpoints = 2 }\n";
        feed("study", study, vec![whole, training.to_vec()]);
    }

    #[test]
    fn tables_are_read_or_refused() {
        let plain = b"arch,acc,loss\n\"a,b\",90.5,0.25\n|x~0|,nan,\nc,1e1,-3\n".to_vec();
        let mut packed = Vec::new();
        GzEncoder::new(&*plain, Compression::fast()).read_to_end(&mut packed).unwrap();
        feed("table", table, vec![plain, packed]);
    }

    #[test]
    fn pickles_are_read_or_refused() {
        let object = b"\x80\x04\x95\x09\0\0\0\0\0\0\0\x8c\x01m\x8c\x01A\x93)\x81}\x94(\x8c\x01x\
                       G\x3f\xf8\0\0\0\0\0\0\x8c\x01y(K\x01M\x02\0tub.";
        let list = b"\x80\x02]q\0(X\x03\0\0\0abcJ\x01\0\0\0h\0r\x07\0\0\0j\x07\0\0\0e.";
        feed("pickle", pickle, vec![object.to_vec(), list.to_vec()]);
    }

    #[test]
    fn weights_are_read_or_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("w.safetensors");
        let ones = |shape: &[i64]| tch::Tensor::ones(shape, (tch::Kind::Float, tch::Device::Cpu));
        let graph = small_graph();
        let mut tensors: Vec<(&str, tch::Tensor)> = Vec::new();
        for it in &graph.parameters {
            let shape: Vec<i64> = it.stored.iter().map(|&n| n as i64).collect();
            tensors.push((&it.name, ones(&shape)));
        }
        let alone =
            tensors.iter().map(|(name, it)| (*name, it.shallow_clone())).collect::<Vec<_>>();
        tensors.push(("input", ones(&[2, 3, 8, 8])));
        tensors.push(("target", tch::Tensor::from_slice(&[0_i64, 3])));
        let corpus = [alone, tensors].map(|tensors| {
            tch::Tensor::write_safetensors(&tensors, &file).unwrap();
            fs::read(&file).unwrap()
        });
        feed("weights", weights, corpus.to_vec());
    }
}

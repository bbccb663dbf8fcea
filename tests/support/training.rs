//! A study with supernets that are trained in seconds.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::{
    fs,
    path::{Path, PathBuf},
};

const TRAINING: &str = r#"
name = "small"
seeds = [1, 2]
[architectures]
count = 5
[training]
epochs = 4
keep_every = 1
images = 256
batch_size = 32
validation_images = 96
validation_batch_size = 32
[training.space]
channels = 2
image_size = 8
"#;

/// The study file, with these rows.
pub fn study(folder: &Path, rows: &str) -> PathBuf {
    let file = folder.join("study.toml");
    fs::write(&file, format!("{TRAINING}\n{rows}")).unwrap();
    file
}

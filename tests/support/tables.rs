//! Tables in a folder of their own, and the output of `criteria` for them.

#![allow(dead_code, clippy::unwrap_used, reason = "each test uses some, and may panic")]

use crate::support::run;
use serde_json::Value;
use std::fs;

pub struct Files(pub tempfile::TempDir);

impl Files {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn with(&self, name: &str, text: impl AsRef<[u8]>) -> String {
        let path = self.0.path().join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

/// The output of `criteria`, as JSON, with the truth in column `acc`.
pub fn criteria(scores: &str, truth: &str, more: &[&str]) -> Value {
    let args = ["criteria", "--key", "arch", "--truth-column", "acc", "--resamples", "0"];
    let args = [&args[..], &["--scores", scores, "--truth", truth, "--format", "json"], more];
    serde_json::from_str(&run(&args.concat())).unwrap()
}

pub fn row<'a>(document: &'a Value, name: &str) -> &'a Value {
    let rows = document["rows"].as_array().unwrap();
    rows.iter().find(|row| row["column"] == name).unwrap_or_else(|| panic!("{document}"))
}

pub fn names(document: &Value) -> Vec<&str> {
    let rows = document["rows"].as_array().unwrap().iter();
    rows.map(|row| row["column"].as_str().unwrap()).collect()
}

pub fn close(value: &Value, wanted: f64) {
    let value = value.as_f64().unwrap();
    assert!((value - wanted).abs() < 1e-9, "{value} {wanted}");
}

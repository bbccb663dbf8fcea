//! Converts NAS-Bench-Macro: a JSON object keyed by architecture.

use super::table::{Out, wrong};
use crate::catalog::error::Fault;
use osee_core::mean::mean;
use osee_files::csv_text::Field;
use serde::Deserialize;
use std::{collections::BTreeMap, fs, path::Path};

#[derive(Deserialize)]
struct Network {
    test_acc: [f64; 3],
    params: u64,
    flops: u64,
}

/// Reads the JSON and writes the table.
pub fn convert(path: &Path, out: &Out<'_>) -> Result<(), Fault> {
    let bytes = fs::read(path).map_err(Fault::io("read", path))?;
    let networks: BTreeMap<String, Network> = serde_json::from_slice(&bytes)
        .map_err(|error| wrong(path, format!("is not a table of networks: {error}")))?;
    let rows = networks.iter().map(|(arch, network)| {
        let mut row = vec![Field::from(arch.as_str()), mean(&network.test_acc).into()];
        row.extend(network.test_acc.map(Field::from));
        row.extend([network.params, network.flops].map(Field::from));
        row
    });
    out.write(["arch", "acc", "acc_s0", "acc_s1", "acc_s2", "params", "flops"], rows)
}

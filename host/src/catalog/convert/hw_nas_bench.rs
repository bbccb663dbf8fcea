//! Converts HW-NAS-Bench: one table of latencies and energies per data set, with
//! architectures as NASLib's operation numbers.

use super::table::{Out, nb201_cell, tuple, wrong};
use crate::catalog::error::Fault;
use osee_core::truth::{Sheet, TableError};
use osee_files::csv_text::Field;
use std::path::PathBuf;

/// Reads the tables and writes one; its columns are named METRIC_DATASET.
pub fn convert(originals: &[PathBuf], out: &Out<'_>) -> Result<(), Fault> {
    let read = |error: TableError| Fault::Content(error.to_string());
    let mut names = vec!["arch_str".to_owned()];
    let mut keys: Vec<String> = Vec::new();
    let mut columns: Vec<Vec<String>> = Vec::new();
    for (path, file) in originals.iter().zip(&out.entry.files) {
        let sheet = Sheet::read(path).map_err(read)?;
        let net = sheet.column("net").map_err(read)?;
        let mut own = Vec::new();
        for net in sheet.cells(net) {
            let cell = tuple(net).and_then(|it| nb201_cell(&it));
            own.push(cell.ok_or_else(|| wrong(path, format!("has a network `{net}`")))?);
        }
        if keys.is_empty() {
            keys = own;
        } else if keys != own {
            return Err(wrong(path, "has other networks than the first table, or another order"));
        }
        let part = file.part.as_deref().unwrap_or_default();
        for (at, name) in sheet.header().iter().enumerate().filter(|(at, _)| *at != net) {
            names.push(format!("{name}_{part}"));
            columns.push(sheet.cells(at).map(str::to_owned).collect());
        }
    }
    let rows = keys.iter().enumerate().map(|(at, key)| {
        let mut row = vec![Field::from(key.as_str())];
        row.extend(columns.iter().map(|column| Field::from(column[at].as_str())));
        row
    });
    out.write(names, rows)
}

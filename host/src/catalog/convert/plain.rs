//! Imports tables that are CSV already: they are checked, and used as they are.

use super::table::{Out, wrong};
use crate::catalog::error::Fault;
use flate2::read::MultiGzDecoder;
use osee_core::truth::{GZIP, Sheet, TableError};
use osee_files::csv_text::Field;
use std::{
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
};

/// Copies a single table. Several become one with all their columns; the first,
/// `space`, holds the part that a row comes from.
pub fn convert(originals: &[PathBuf], out: &Out<'_>) -> Result<(), Fault> {
    let mut sheets = Vec::new();
    for path in originals {
        let sheet = Sheet::read(path).map_err(read)?;
        for name in &out.entry.columns {
            sheet.column(name).map_err(read)?;
        }
        sheets.push(sheet);
    }
    if let ([path], [sheet]) = (originals, sheets.as_slice()) {
        out.count(sheet.cells(0).count())?;
        return unpack(path, &out.path);
    }
    let mut names = vec!["space".to_owned()];
    for name in sheets.iter().flat_map(Sheet::header) {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    let mut rows = Vec::new();
    for (sheet, file) in sheets.iter().zip(&out.entry.files) {
        if sheet.header().iter().any(|name| *name == names[0]) {
            return Err(wrong(sheet.path(), "has a column `space` of its own"));
        }
        let part = file.part.as_deref().unwrap_or_default();
        let mut own: Vec<Vec<Field<'_>>> =
            sheet.cells(0).map(|_| vec![Field::Absent; names.len()]).collect();
        for row in &mut own {
            row[0] = part.into();
        }
        for (at, name) in names.iter().enumerate() {
            let Ok(column) = sheet.column(name) else { continue };
            for (row, cell) in own.iter_mut().zip(sheet.cells(column)) {
                row[at] = cell.into();
            }
        }
        rows.append(&mut own);
    }
    out.write(names, rows)
}

fn read(error: TableError) -> Fault {
    Fault::Content(error.to_string())
}

/// Copies text, decompressing gzip.
fn unpack(from: &Path, to: &Path) -> Result<(), Fault> {
    let bytes = fs::read(from).map_err(Fault::io("read", from))?;
    let mut out = File::create(to).map_err(Fault::io("write", to))?;
    let mut source: Box<dyn Read> = match bytes.starts_with(GZIP) {
        true => Box::new(MultiGzDecoder::new(bytes.as_slice())),
        false => Box::new(bytes.as_slice()),
    };
    io::copy(&mut source, &mut out).map(drop).map_err(Fault::io("write", to))
}

//! Converts NAS-Bench-101: a TFRecord file with a JSON row per training, whose
//! measurements are a Protocol Buffer in base64.

use super::{
    table::{Out, wrong},
    tfrecord::{Wire, base64, message, record},
};
use crate::{catalog::error::Fault, stop::Stop};
use osee_core::mean::mean;
use osee_files::csv_text::Field;
use std::{
    collections::{HashMap, hash_map},
    fs::File,
    io::BufReader,
    path::Path,
};

const EPOCHS: u64 = 108;
const TRAININGS: usize = 3;

/// A cell with its trainings.
#[derive(Debug, PartialEq)]
struct Cell {
    hash: String,
    adjacency: String,
    operations: String,
    params: u64,
    validation: Vec<f64>,
    test: Vec<f64>,
}

/// Reads the file and writes the table.
pub fn convert(path: &Path, out: &Out<'_>, stop: &Stop) -> Result<(), Fault> {
    let file = File::open(path).map_err(Fault::io("read", path))?;
    let mut from = BufReader::with_capacity(1 << 20, file);
    let mut cells: Vec<Cell> = Vec::new();
    let mut known: HashMap<String, usize> = HashMap::new();
    let mut records = 0;
    while let Some(row) = record(&mut from).map_err(|what| wrong(path, what))? {
        if stop.is_set() {
            return Err(Fault::Stopped);
        }
        let at = |what: &str| wrong(path, format!("has a record {records} that {what}"));
        let row = cell(&row).map_err(|what| at(&what))?;
        match known.entry(row.hash.clone()) {
            hash_map::Entry::Vacant(entry) => {
                entry.insert(cells.len());
                cells.push(row);
            }
            hash_map::Entry::Occupied(entry) => {
                let cell = &mut cells[*entry.get()];
                if (&cell.adjacency, &cell.operations) != (&row.adjacency, &row.operations) {
                    return Err(at("has the hash of another cell"));
                }
                cell.validation.extend(row.validation);
                cell.test.extend(row.test);
            }
        }
        records += 1;
    }
    if let Some(cell) = cells.iter().find(|cell| cell.test.len() != TRAININGS) {
        let found = cell.test.len();
        return Err(wrong(
            path,
            format!("has {found} trainings of cell {}, but {TRAININGS} are expected", cell.hash),
        ));
    }
    let mut names = ["hash", "adjacency_rows", "interior_ops", "trainable_parameters"]
        .map(str::to_owned)
        .to_vec();
    for column in ["val_acc_108ep", "test_acc_108ep"] {
        names.push(column.to_owned());
        names.extend((0..TRAININGS).map(|seed| format!("{column}_s{seed}")));
    }
    let rows = cells.iter().map(|cell| {
        let texts = [&cell.hash, &cell.adjacency, &cell.operations];
        let mut row: Vec<Field<'_>> = texts.map(|it| Field::from(it.as_str())).to_vec();
        row.push(cell.params.into());
        for accuracies in [&cell.validation, &cell.test] {
            row.push(mean(accuracies).into());
            row.extend(accuracies.iter().map(|it| Field::from(*it)));
        }
        row
    });
    out.write(names, rows)
}

/// Reads one record; the error is the end of a sentence.
fn cell(record: &[u8]) -> Result<Cell, String> {
    type Row = (String, u64, String, String, String);
    let (hash, epochs, adjacency, operations, metrics): Row =
        serde_json::from_slice(record).map_err(|error| format!("is not a row: {error}"))?;
    if epochs != EPOCHS {
        return Err(format!("is of {epochs} epochs, but the file of {EPOCHS} is needed"));
    }
    let operations = interior(&operations).ok_or("has other operations")?;
    let vertices = operations.len() + 2;
    let square = adjacency.len() == vertices * vertices
        && adjacency.bytes().all(|it| matches!(it, b'0' | b'1'));
    if !square || vertices > 7 {
        return Err(format!("has no matrix of {vertices} vertices"));
    }
    let rows: Vec<&str> = (0..vertices).map(|at| &adjacency[at * vertices..][..vertices]).collect();
    let measured = base64(&metrics).ok_or("has metrics that are not base64")?;
    let (params, validation, test) = accuracies(&measured).ok_or("has metrics of another form")?;
    Ok(Cell {
        hash,
        adjacency: rows.join("|"),
        operations: operations.join(","),
        params,
        validation: vec![validation],
        test: vec![test],
    })
}

/// Short names of the operations between input and output.
fn interior(operations: &str) -> Option<Vec<&'static str>> {
    let inner = operations.strip_prefix("input,")?;
    let inner = if inner == "output" { "" } else { inner.strip_suffix(",output")? };
    let short = |operation: &str| match operation {
        "conv3x3-bn-relu" => Some("conv3x3"),
        "conv1x1-bn-relu" => Some("conv1x1"),
        "maxpool3x3" => Some("maxpool3x3"),
        _ => None,
    };
    inner.split(',').filter(|it| !it.is_empty()).map(short).collect()
}

/// Parameters, and the validation and test accuracy after the last epoch. The three
/// evaluations are before training, halfway and at its end.
fn accuracies(metrics: &[u8]) -> Option<(u64, f64, f64)> {
    let fields = message(metrics)?;
    let evaluations: Vec<&[u8]> = fields
        .iter()
        .filter_map(|field| match field {
            (1, Wire::Bytes(bytes)) => Some(*bytes),
            _ => None,
        })
        .collect();
    let params = fields.iter().find_map(|field| match field {
        (2, Wire::Varint(count)) => Some(*count),
        _ => None,
    })?;
    let [_, _, last] = evaluations.as_slice() else { return None };
    let last = message(last)?;
    let number = |wanted: u64| {
        last.iter().find_map(|field| match field {
            (number, Wire::Double(value)) if *number == wanted => Some(*value),
            _ => None,
        })
    };
    // The epoch is computed from steps, so it need not be a whole number.
    let epoch = number(1)?;
    let (validation, test) = (number(4)?, number(5)?);
    let accuracy = |it: &f64| (0.0..=1.0).contains(it);
    let sound = (epoch - EPOCHS as f64).abs() < 1.0 && accuracy(&validation) && accuracy(&test);
    sound.then_some((params, validation, test))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_are_those_of_the_space() {
        let short = |text| interior(text).map(|it| it.join(","));
        assert_eq!(short("input,conv3x3-bn-relu,maxpool3x3,output").unwrap(), "conv3x3,maxpool3x3");
        assert_eq!(short("input,output").unwrap(), "");
        assert_eq!(short("input,conv5x5-bn-relu,output"), None);
        assert_eq!(short("conv3x3-bn-relu,output"), None);
    }

    #[test]
    fn fuzz_rows_and_metrics() {
        let row = br#"["aa",108,"010001000","input,conv3x3-bn-relu,output","CgkJAAAAAAAAW0A="]"#;
        crate::fuzz::cases("nb101 row", &mut [row.to_vec()], |bytes| drop(cell(bytes)));
        let evaluation = [&[0x0a, 9, 9][..], &108f64.to_le_bytes()].concat();
        let metrics = [evaluation.repeat(3), vec![0x10, 0xac, 0x02]].concat();
        crate::fuzz::cases("nb101 metrics", &mut [metrics], |bytes| {
            let _ = accuracies(bytes);
        });
    }
}

//! Converts AnalogNAS-Bench: a pickle in a wheel that maps six operation numbers to
//! measurements.

use super::{
    archive::zip_members,
    pickle::{Pickle, Value},
    table::{Out, nb201_cell, wrong},
};
use crate::catalog::error::Fault;
use osee_files::csv_text::Field;
use std::path::Path;

const MEMBER: &str = "analognasbench/data.anb";
const CLASSES: [(&str, &str); 2] =
    [("analognasbench.data", "Architecture"), ("analognasbench.data", "DriftMeasurement")];
const ARCHITECTURE: usize = 0;
const DRIFT: usize = 1;
const ACCURACIES: [&str; 5] =
    ["baseline_accuracy", "ptq_accuracy", "qat_accuracy", "noisy_accuracy", "analog_accuracy"];
/// Drift times, in seconds.
const TIMES: [u32; 4] = [60, 3600, 86400, 2_592_000];

/// Reads the wheel and writes the table.
pub fn convert(path: &Path, out: &Out<'_>) -> Result<(), Fault> {
    let members = zip_members(path, |name| name == MEMBER)?;
    let [(_, bytes)] = members.as_slice() else {
        return Err(wrong(path, format!("has no member {MEMBER}")));
    };
    let at = |what: &str| wrong(path, format!("{MEMBER} {what}"));
    let pickle = Pickle::read(bytes, &CLASSES).map_err(|what| at(&what))?;
    let drifts: Vec<String> = ["baseline", "analog"]
        .iter()
        .flat_map(|kind| TIMES.map(|time| format!("{kind}_drift_{time}")))
        .collect();
    let mut names = vec!["arch_str".to_owned()];
    names.extend(ACCURACIES.map(str::to_owned));
    names.extend(drifts.iter().flat_map(|name| [name.clone(), format!("{name}_uncertainty")]));
    let pairs = pickle.root().and_then(|root| pickle.dict(root));
    let pairs = pairs.ok_or_else(|| at("holds no dict of architectures"))?;
    let mut rows = Vec::with_capacity(pairs.len());
    for (key, value) in pairs {
        let row = row(&pickle, key, value, &drifts);
        rows.push(row.ok_or_else(|| at(&format!("has row {} of another form", rows.len())))?);
    }
    out.write(names, rows)
}

fn row(
    pickle: &Pickle,
    key: &Value,
    value: &Value,
    drifts: &[String],
) -> Option<Vec<Field<'static>>> {
    let number = |it: &Value| match it {
        Value::Int(number) => usize::try_from(*number).ok(),
        _ => None,
    };
    let operations: Option<Vec<usize>> = pickle.list(key)?.iter().map(number).collect();
    let mut row = vec![Field::from(nb201_cell(&operations?)?)];
    for name in ACCURACIES {
        row.push(pickle.attribute(value, ARCHITECTURE, name)?.number()?.into());
    }
    for name in drifts {
        let measured = pickle.attribute(value, ARCHITECTURE, name)?;
        for part in ["value", "uncertainty"] {
            row.push(pickle.attribute(measured, DRIFT, part)?.number()?.into());
        }
    }
    Some(row)
}

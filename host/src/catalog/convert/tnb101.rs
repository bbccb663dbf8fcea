//! Converts TransNAS-Bench-101 as NASLib stored it: a zip of JSON lists, several per
//! task, which also hold a proxy.

use super::{
    archive::zip_members,
    table::{Out, tuple, wrong},
};
use crate::catalog::error::Fault;
use osee_files::csv_text::Field;
use serde::Deserialize;
use std::{collections::BTreeMap, path::Path};

const TASKS: [&str; 7] = [
    "class_scene",
    "class_object",
    "room_layout",
    "jigsaw",
    "autoencoder",
    "normal",
    "segmentsemantic",
];

#[derive(Deserialize)]
struct Network {
    arch: String,
    val_accuracy: f64,
}

/// Reads the zip and writes the table.
pub fn convert(path: &Path, out: &Out<'_>) -> Result<(), Fault> {
    let mut table: BTreeMap<String, [Option<f64>; TASKS.len()]> = BTreeMap::new();
    for (name, bytes) in zip_members(path, |name| name.ends_with(".json"))? {
        let at = |what: String| wrong(path, format!("{name} {what}"));
        // Names look like zen/benchmark--transbench101_micro--jigsaw--1000.json.
        let task = name.split("--").nth(2).unwrap_or_default();
        let task = TASKS.iter().position(|it| *it == task);
        let task = task.ok_or_else(|| at("is of an unknown task".to_owned()))?;
        let networks: Vec<Network> = serde_json::from_slice(&bytes)
            .map_err(|error| at(format!("is not a list of networks: {error}")))?;
        for Network { arch, val_accuracy } in networks {
            let digits = tuple(&arch).filter(|it| it.iter().all(|digit| *digit < 10));
            let digits = digits.ok_or_else(|| at(format!("has an architecture `{arch}`")))?;
            let key: String = digits.iter().map(usize::to_string).collect();
            let row = table.entry(key).or_default();
            if row[task].is_some_and(|other| other.to_bits() != val_accuracy.to_bits()) {
                return Err(at(format!("has {arch} twice, with different values")));
            }
            row[task] = Some(val_accuracy);
        }
    }
    let names = [vec!["arch".to_owned()], TASKS.map(|task| format!("val_{task}")).to_vec()];
    let rows = table.iter().map(|(arch, values)| {
        let mut row = vec![Field::from(arch.as_str())];
        row.extend(values.iter().map(|value| Field::from(*value)));
        row
    });
    out.write(names.concat(), rows)
}

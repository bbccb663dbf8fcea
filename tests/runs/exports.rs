//! The two formats of an export hold the same values.

use crate::support;
use crate::support::stores::{Row, architectures, noise, store, study, truth};
use osee_model::estimator::EstimatorKind::{Baseline, ZeroShot};
use parquet::{
    file::reader::{FileReader, SerializedFileReader},
    record::Field,
};
use std::fs::{self, File};

const SEEDS: [u64; 2] = [0, u64::MAX >> 1];
/// With six rows and two seeds, this is more than fits into one row group.
const ARCHITECTURES: usize = 5_500;

#[test]
fn a_parquet_file_reads_back_as_the_csv_file() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let archs = architectures(ARCHITECTURES);
    let table = truth(&at("truth.csv"), &archs, |arch| (arch % 7 > 0).then(|| noise(arch)));
    let names = ["a,b", "it's \"so\"", "two\nlines", "ö", "arch", "last"];
    let rows: Vec<Row> = names
        .iter()
        .zip([1e21, 1e-9, 1.0, -1e3, 5e-324, 0.0])
        .map(|(name, size)| {
            let kind = if size == 1.0 { Baseline } else { ZeroShot };
            let score = |arch, seed| size * noise(3 * arch + usize::from(seed > 0));
            Row::new(name, kind, 0..ARCHITECTURES, &SEEDS, score).fails(0, 0).fails(99, SEEDS[1])
        })
        .collect();
    let out = at("run");
    drop(store(&out, &study("exports", &SEEDS, Some(&table)), &archs, &rows));

    let [from_csv, from_parquet] = ["csv", "parquet"].map(|format| {
        let file = at(&format!("results.{format}"));
        let (dir, file_name) = (out.to_str().unwrap(), file.to_str().unwrap());
        support::run(&["export", dir, "--format", format, "--out", file_name]);
        file
    });
    let text = fs::read_to_string(from_csv).unwrap();
    let mut csv = csv::Reader::from_reader(text.as_bytes());
    let header = csv.headers().unwrap().clone();
    let reader = SerializedFileReader::new(File::open(from_parquet).unwrap()).unwrap();
    let about = reader.metadata().file_metadata().key_value_metadata().unwrap();
    let about: Vec<_> = about.iter().map(|it| (&*it.key, it.value.as_deref().unwrap())).collect();
    assert_eq!(about, [("osee.schema", "1"), ("osee.study", "exports")]);
    assert_eq!(reader.num_row_groups(), 2);

    let mut compared = 0;
    let mut rows = reader.get_row_iter(None).unwrap();
    for cells in csv.records().map(Result::unwrap) {
        let row = rows.next().unwrap().unwrap();
        let values: Vec<_> = row.get_column_iter().collect();
        assert_eq!(values.len(), cells.len());
        for (((name, value), cell), title) in values.into_iter().zip(&cells).zip(&header) {
            assert_eq!(name, title);
            let equal = match value {
                Field::Null => cell.is_empty(),
                Field::Str(text) => text == cell,
                Field::ULong(count) => count.to_string() == cell,
                Field::Double(number) => {
                    cell.parse::<f64>().is_ok_and(|it| it.to_bits() == number.to_bits())
                }
                _ => false,
            };
            assert!(equal, "{name}: `{cell}` in CSV, {value:?} in Parquet");
        }
        compared += 1;
    }
    assert_eq!((compared, rows.next().is_none()), (2 * 6 * ARCHITECTURES, true));
}

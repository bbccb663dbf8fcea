//! Trainings as a table of ground truth.

use super::{Fit, Training};
use crate::truth::{Duplicates, Table, TableError};
use std::{collections::HashMap, path::Path};

/// An architecture of a benchmark, untrained.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// As the space writes it.
    pub arch: String,
    /// Trainable parameters; `None` if it makes no network.
    pub params: Option<u64>,
    /// Multiply-accumulates of one image; `None` if it makes no network.
    pub flops: Option<u64>,
}

/// A table under way: trainings by architecture and seed.
#[derive(Debug)]
pub struct BenchmarkTable<'a> {
    candidates: &'a [Candidate],
    seeds: &'a [u64],
    /// By position and seed.
    trainings: HashMap<(usize, u64), Training>,
}

/// Trainings beside a table that was made before.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// How many numbers were compared.
    pub numbers: usize,
    /// Those that are others, or stand in one of the two only.
    pub differences: Vec<Difference>,
}

/// A number of a table that training again does not give.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// The architecture.
    pub arch: String,
    /// The column.
    pub column: String,
    /// What the table says; NaN for nothing.
    pub table: f64,
    /// What came out now.
    pub now: f64,
}

/// One number of a training.
struct Column {
    name: &'static str,
    value: fn(&Training) -> Option<f64>,
}

const COLUMNS: [Column; 4] = [
    Column { name: "validation_accuracy", value: |it| it.validation().map(|fit| fit.accuracy) },
    Column { name: "validation_loss", value: |it| it.validation().map(|fit| fit.loss) },
    Column { name: "test_accuracy", value: |it| it.tested().map(|fit| fit.accuracy) },
    Column { name: "test_loss", value: |it| it.tested().map(|fit| fit.loss) },
];

/// Digits after the point that a table has.
const DIGITS: usize = 4;

impl<'a> BenchmarkTable<'a> {
    /// What `trainings` say of `candidates`; of a training that is there twice
    /// the first counts, and others are passed over.
    pub fn new(
        candidates: &'a [Candidate],
        seeds: &'a [u64],
        trainings: impl IntoIterator<Item = Training>,
    ) -> Self {
        let mut table = Self { candidates, seeds, trainings: HashMap::new() };
        let at: HashMap<&str, usize> =
            candidates.iter().enumerate().map(|(i, it)| (it.arch.as_str(), i)).collect();
        for training in trainings {
            if let (Some(&i), true) =
                (at.get(training.arch.as_str()), seeds.contains(&training.seed))
            {
                table.trainings.entry((i, training.seed)).or_insert(training);
            }
        }
        table
    }

    /// Positions of the architectures that lack a seed's training.
    pub fn missing(&self) -> Vec<usize> {
        let lacks =
            |i: &usize| self.seeds.iter().any(|&seed| !self.trainings.contains_key(&(*i, seed)));
        (0..self.candidates.len()).filter(lacks).collect()
    }

    /// What was trained, by architecture and seed.
    pub fn trainings(&self) -> impl Iterator<Item = &Training> {
        let seeds = |i: usize| self.seeds.iter().map(move |&seed| (i, seed));
        (0..self.candidates.len()).flat_map(seeds).filter_map(|unit| self.trainings.get(&unit))
    }

    /// Test accuracy of every architecture by seed, validation accuracy where
    /// the data has no test images; NaN where there is none.
    pub fn accuracies(&self) -> Vec<Vec<f64>> {
        let fit = |it: &Training| it.tested().or(it.validation());
        let one = |i, seed| self.trainings.get(&(i, seed)).and_then(fit);
        let row = |i| self.seeds.iter().map(move |&seed| one(i, seed));
        let value = |fit: Option<Fit>| fit.map_or(f64::NAN, |fit| fit.accuracy);
        (0..self.candidates.len()).map(|i| row(i).map(value).collect()).collect()
    }

    /// Name of the column that judges: test accuracy if there is any.
    pub fn truth_column(&self) -> &'static str {
        match self.trainings.values().any(|it| it.test.is_some()) {
            true => "test_accuracy",
            false => "validation_accuracy",
        }
    }

    /// As CSV: `arch,params,flops`, then for each of validation and test
    /// accuracy and loss the mean over seeds, and `NAME_sSEED`; a cell is
    /// empty where there is no result, a column left out where there is none
    /// at all.
    pub fn to_csv(&self) -> String {
        let columns = self.columns();
        let names = columns.iter().map(|(name, _)| name.clone());
        let head = ["arch", "params", "flops"].map(str::to_owned).into_iter().chain(names);
        let rows = self.candidates.iter().enumerate().map(|(i, it)| {
            let cells = columns.iter().map(move |(_, values)| cell(values[i]));
            let count = |it: Option<u64>| it.map_or_else(String::new, |it| it.to_string());
            [it.arch.clone(), count(it.params), count(it.flops)].into_iter().chain(cells)
        });
        csv_text(head, rows)
    }

    /// Learning curves as CSV: a row for every architecture, seed and epoch.
    pub fn curves_csv(&self) -> String {
        let head = ["arch", "seed", "epoch", "training_loss", "training_accuracy"];
        let head = head.into_iter().chain(["validation_loss", "validation_accuracy"]);
        let rows = self.trainings().flat_map(|it| {
            it.epochs.iter().enumerate().map(move |(i, epoch)| {
                let fits = [epoch.training, epoch.validation];
                let cells = fits.into_iter().flat_map(|fit| [fit.loss, fit.accuracy]).map(cell);
                let of = [it.arch.clone(), it.seed.to_string(), (i + 1).to_string()];
                of.into_iter().chain(cells)
            })
        });
        csv_text(head.map(str::to_owned), rows)
    }

    /// Compares with the table in `file`, seed by seed, the architectures that
    /// were trained here.
    ///
    /// # Errors
    /// When the table cannot be read or lacks a column.
    pub fn compare(&self, file: &Path) -> Result<Comparison, TableError> {
        let columns: Vec<(String, Vec<f64>)> =
            self.columns().into_iter().filter(|(name, _)| name.contains("_s")).collect();
        let names: Vec<String> = columns.iter().map(|(name, _)| name.clone()).collect();
        let table = Table::read(file, "arch", Some(&names), Duplicates::Error)?;
        let at: HashMap<&str, usize> =
            table.keys.iter().enumerate().map(|(i, key)| (key.as_str(), i)).collect();
        let mut differences = Vec::new();
        for (i, candidate) in self.candidates.iter().enumerate() {
            let row = at.get(candidate.arch.as_str());
            for ((column, values), known) in columns.iter().zip(&table.columns) {
                let known = row.map_or(f64::NAN, |&row| known[row]);
                if cell(known) != cell(values[i]) {
                    let (arch, column) = (candidate.arch.clone(), column.clone());
                    differences.push(Difference { arch, column, table: known, now: values[i] });
                }
            }
        }
        Ok(Comparison { numbers: columns.len() * self.candidates.len(), differences })
    }

    /// Names with a value per candidate, NaN for none.
    fn columns(&self) -> Vec<(String, Vec<f64>)> {
        let mut columns = Vec::new();
        for column in &COLUMNS {
            let of = |i: usize, seed: u64| {
                let value = self.trainings.get(&(i, seed)).and_then(column.value);
                value.unwrap_or(f64::NAN)
            };
            let by_seed: Vec<Vec<f64>> = (self.seeds.iter())
                .map(|&seed| (0..self.candidates.len()).map(|i| of(i, seed)).collect())
                .collect();
            if by_seed.iter().flatten().all(|value| value.is_nan()) {
                continue;
            }
            let mean =
                |i: usize| by_seed.iter().map(|it| it[i]).sum::<f64>() / by_seed.len() as f64;
            columns.push((column.name.to_owned(), (0..self.candidates.len()).map(mean).collect()));
            for (seed, values) in self.seeds.iter().zip(by_seed) {
                columns.push((format!("{}_s{seed}", column.name), values));
            }
        }
        columns
    }
}

fn csv_text<R: IntoIterator<Item = String>>(
    head: impl Iterator<Item = String>,
    rows: impl Iterator<Item = R>,
) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(head).expect("writing to memory cannot fail");
    for row in rows {
        writer.write_record(row).expect("writing to memory cannot fail");
    }
    let bytes = writer.into_inner().expect("writing to memory cannot fail");
    String::from_utf8(bytes).expect("it was written from strings")
}

/// Empty for NaN.
fn cell(value: f64) -> String {
    match value.is_nan() {
        true => String::new(),
        false => format!("{value:.DIGITS$}"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::EpochFit;
    use super::*;

    fn candidates() -> Vec<Candidate> {
        let candidate =
            |arch: &str| Candidate { arch: arch.to_owned(), params: Some(7), flops: Some(9) };
        ["a", "b"].map(candidate).to_vec()
    }

    fn training(arch: &str, seed: u64, accuracy: f64) -> Training {
        let fit = Fit { loss: 2.0 * accuracy, accuracy };
        let epochs = vec![EpochFit { training: fit, validation: fit }];
        let (arch, test) = (arch.to_owned(), Some(Fit { loss: 1.0, accuracy: accuracy / 2.0 }));
        Training { arch, seed, epochs, test, failure: None, seconds: 1.0 }
    }

    #[test]
    fn the_order_of_trainings_changes_nothing() {
        let candidates = candidates();
        let all = [training("a", 0, 0.5), training("b", 3, 0.25), training("a", 3, 0.75)];
        let failed = Training { failure: Some("diverged".to_owned()), ..training("b", 0, 0.9) };
        let mut trainings = [all.to_vec(), vec![failed]].concat();
        let table = BenchmarkTable::new(&candidates, &[0, 3], trainings.clone());
        assert!(table.missing().is_empty());
        let text = table.to_csv();
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[0].starts_with(
            "arch,params,flops,validation_accuracy,validation_accuracy_s0,validation_accuracy_s3,"
        ));
        assert_eq!(
            lines[1],
            "a,7,9,0.6250,0.5000,0.7500,1.2500,1.0000,1.5000,0.3125,0.2500,0.3750,1.0000,1.0000,1.0000"
        );
        // No mean of less than all seeds.
        assert!(lines[2].starts_with("b,7,9,,,0.2500,"));
        trainings.reverse();
        assert_eq!(BenchmarkTable::new(&candidates, &[0, 3], trainings).to_csv(), text);
    }

    #[test]
    fn an_architecture_that_lacks_a_seed_is_missing() {
        let candidates = candidates();
        let mut trainings = vec![training("b", 0, 0.75), training("a", 3, 0.5)];
        let table = BenchmarkTable::new(&candidates, &[0, 3], trainings.clone());
        assert_eq!(table.missing(), [0, 1]);
        assert_eq!(table.accuracies()[0][1], 0.25);
        trainings.push(training("b", 3, 0.5));
        assert_eq!(BenchmarkTable::new(&candidates, &[0, 3], trainings).missing(), [0]);
    }

    #[test]
    fn another_number_is_a_difference_and_a_last_digit_is_not() {
        let candidates = candidates();
        let file = tempfile::NamedTempFile::new().unwrap();
        let all = || [training("a", 0, 0.5), training("b", 0, 0.25)];
        let table = BenchmarkTable::new(&candidates, &[0], all());
        std::fs::write(file.path(), table.to_csv()).unwrap();
        assert_eq!(
            table.compare(file.path()).unwrap(),
            Comparison { numbers: 8, differences: Vec::new() }
        );
        let close = [training("a", 0, 0.500_001), training("b", 0, 0.3)];
        let found = BenchmarkTable::new(&candidates, &[0], close).compare(file.path()).unwrap();
        let names: Vec<(&str, &str)> =
            found.differences.iter().map(|it| (it.arch.as_str(), it.column.as_str())).collect();
        let columns = ["validation_accuracy_s0", "validation_loss_s0", "test_accuracy_s0"];
        assert_eq!(names, columns.map(|column| ("b", column)));
    }
}

//! The table of ground truth made from trainings.

use super::Training;
use crate::truth::{Duplicates, Table, TableError};
use osee_files::csv_text::{Field, csv_text};
use osee_model::evaluation::Fit;
use std::{
    collections::{HashMap, HashSet},
    path::Path,
};

/// An untrained architecture of a benchmark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The architecture, as its space writes it.
    pub arch: String,
    /// Number of trainable parameters; `None` if the architecture makes no network.
    pub params: Option<u64>,
    /// Multiply-accumulates for one image; `None` if the architecture makes no network.
    pub flops: Option<u64>,
}

/// The trainings that a table is made from, by architecture and seed.
#[derive(Debug)]
pub struct BenchmarkTable<'a> {
    candidates: &'a [Candidate],
    seeds: &'a [u64],
    /// Trainings by position of the candidate, and seed.
    trainings: HashMap<(usize, u64), Training>,
}

/// The result of comparing new numbers with an existing table.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// Number of values that were compared.
    pub numbers: usize,
    /// Values that differ, or that only one of the two has.
    pub differences: Vec<Difference>,
}

/// A value of a table that was not reproduced.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// The architecture, as its space writes it.
    pub arch: String,
    /// Name of the column.
    pub column: String,
    /// Value in the table; NaN if the table has none.
    pub table: f64,
    /// Value computed now; NaN if there is none.
    pub now: f64,
}

/// A column of the table with one value per training.
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

/// Name of the column with the architectures.
const KEY: &str = "arch";

/// Digits after the decimal point of a value in the table.
const DIGITS: usize = 4;

/// Value of one unit in the last digit.
const DIGIT: f64 = 1e-4;

/// The architectures of the table in `file`.
///
/// # Errors
/// If the table cannot be read, or two rows of the same architecture differ.
pub fn architectures(file: &Path) -> Result<HashSet<String>, TableError> {
    let table = Table::read(file, KEY, Some(&[]), Duplicates::Error)?;
    Ok(table.keys.into_iter().collect())
}

/// Compares with the table in `file` whatever needs no training: parameters and FLOPs of
/// `candidates`, and every mean with the values of the `seeds` beside it, as far as the table's
/// digits allow.
///
/// # Errors
/// If the table cannot be read or lacks a column.
pub fn compare_untrained(
    file: &Path,
    candidates: &[Candidate],
    seeds: &[u64],
) -> Result<Comparison, TableError> {
    let read = |names: Option<&[String]>| Table::read(file, KEY, names, Duplicates::Error);
    let there = read(None)?.names;
    // A mean that has no values is expected, too, if a seed has a column.
    let known = |name: &str| there.iter().any(|it| it == name);
    let has = |name: &&str| known(name) || seeds.iter().any(|seed| known(&of_seed(name, *seed)));
    let means: Vec<&str> = COLUMNS.iter().map(|column| column.name).filter(has).collect();
    let mut names = vec!["params".to_owned(), "flops".to_owned()];
    for mean in &means {
        names.push((*mean).to_owned());
        names.extend(seeds.iter().map(|seed| of_seed(mean, *seed)));
    }
    let table = read(Some(&names))?;
    let at = table.index();
    let mut comparison = Comparison { numbers: 0, differences: Vec::new() };
    for candidate in candidates {
        let Some(&row) = at.get(candidate.arch.as_str()) else { continue };
        let mut compare = |column: &str, known: f64, now: f64, same: bool| {
            comparison.numbers += 1;
            if !same {
                let (arch, column) = (candidate.arch.clone(), column.to_owned());
                comparison.differences.push(Difference { arch, column, table: known, now });
            }
        };
        for (column, count) in [("params", candidate.params), ("flops", candidate.flops)] {
            let known = table.columns[usize::from(column == "flops")][row];
            let now = count.map_or(f64::NAN, |count| count as f64);
            compare(column, known, now, cell(known) == cell(now));
        }
        for (i, mean) in means.iter().enumerate() {
            let first = 2 + i * (1 + seeds.len());
            let known = table.columns[first][row];
            let of_seeds = &table.columns[first + 1..][..seeds.len()];
            let now = of_seeds.iter().map(|column| column[row]).sum::<f64>() / seeds.len() as f64;
            // Half a unit in the last digit for the mean, and as much for the values it averages.
            let near = (known - now).abs() <= DIGIT * (1.0 + 1e-6);
            compare(mean, known, now, near || (known.is_nan() && now.is_nan()));
        }
    }
    Ok(comparison)
}

/// Name of the column with one seed's values.
fn of_seed(name: &str, seed: u64) -> String {
    format!("{name}_s{seed}")
}

impl<'a> BenchmarkTable<'a> {
    /// Collects the `trainings` of `candidates` with `seeds`; of repeated trainings the first
    /// counts, and all others are ignored.
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

    /// Positions of the architectures for which a seed's training is missing.
    pub fn missing(&self) -> Vec<usize> {
        let lacks =
            |i: &usize| self.seeds.iter().any(|&seed| !self.trainings.contains_key(&(*i, seed)));
        (0..self.candidates.len()).filter(lacks).collect()
    }

    /// The trainings, ordered by architecture and seed.
    pub fn trainings(&self) -> impl Iterator<Item = &Training> {
        let seeds = |i: usize| self.seeds.iter().map(move |&seed| (i, seed));
        (0..self.candidates.len()).flat_map(seeds).filter_map(|unit| self.trainings.get(&unit))
    }

    /// Accuracy of every architecture (outer) with every seed (inner): test accuracy, or validation
    /// accuracy if the data has no test images. NaN where there is no result.
    pub fn accuracies(&self) -> Vec<Vec<f64>> {
        let fit = |it: &Training| it.tested().or(it.validation());
        let one = |i, seed| self.trainings.get(&(i, seed)).and_then(fit);
        let row = |i| self.seeds.iter().map(move |&seed| one(i, seed));
        let value = |fit: Option<Fit>| fit.map_or(f64::NAN, |fit| fit.accuracy);
        (0..self.candidates.len()).map(|i| row(i).map(value).collect()).collect()
    }

    /// Name of the column with the truth: test accuracy if there is any, else validation accuracy.
    pub fn truth_column(&self) -> &'static str {
        match self.trainings.values().any(|it| it.test.is_some()) {
            true => "test_accuracy",
            false => "validation_accuracy",
        }
    }

    /// The table as CSV: `arch,params,flops`, then for each of validation and test accuracy and
    /// loss the mean over seeds and a column `NAME_sSEED` per seed. A cell without a result is
    /// empty, and a column without any result is left out.
    pub fn to_csv(&self) -> String {
        let columns = self.columns(|_| false);
        let names = columns.iter().map(|(name, _)| name.clone());
        let head = [KEY, "params", "flops"].map(str::to_owned).into_iter().chain(names);
        let rows = self.candidates.iter().enumerate().map(|(i, it)| {
            let cells = columns.iter().map(move |(_, values)| cell(values[i]));
            let count = |it: Option<u64>| it.map_or_else(String::new, |it| it.to_string());
            [it.arch.clone(), count(it.params), count(it.flops)].into_iter().chain(cells)
        });
        csv_text(head, rows.map(|row| row.map(Field::from).collect()))
    }

    /// Learning curves as CSV, with a row for every architecture, seed and epoch.
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
        csv_text(head, rows.map(|row| row.map(Field::from).collect()))
    }

    /// Compares with the table in `file` all values that it has for the candidates: parameters,
    /// FLOPs, the results of each seed and their means. A column of numbers that this study does
    /// not produce counts as different in every row.
    ///
    /// # Errors
    /// If the table cannot be read or lacks a column.
    pub fn compare(&self, file: &Path) -> Result<Comparison, TableError> {
        let read = |names: Option<&[String]>| Table::read(file, KEY, names, Duplicates::Error);
        let all = read(None)?;
        let number = |of: fn(&Candidate) -> Option<u64>| {
            let count = |it: &Candidate| of(it).map_or(f64::NAN, |count| count as f64);
            let values = self.candidates.iter().map(count);
            values.collect::<Vec<f64>>()
        };
        let mut columns = vec![
            ("params".to_owned(), number(|it| it.params)),
            ("flops".to_owned(), number(|it| it.flops)),
        ];
        columns.extend(self.columns(|names| names.iter().any(|name| all.names.contains(name))));
        let own: Vec<String> = columns.iter().map(|(name, _)| name.clone()).collect();
        let others = all.names.into_iter().zip(all.columns);
        let others: Vec<_> = others.filter(|(name, _)| !own.contains(name)).collect();
        let table = read(Some(&own))?;
        let at = table.index();
        let mut comparison = Comparison { numbers: 0, differences: Vec::new() };
        for (i, candidate) in self.candidates.iter().enumerate() {
            let row = at.get(candidate.arch.as_str());
            let known = |column: &[f64]| row.map_or(f64::NAN, |&row| column[row]);
            let own = columns.iter().zip(&table.columns);
            let own = own.map(|((name, values), column)| (name, known(column), values[i]));
            let others = others.iter().map(|(name, column)| (name, known(column), f64::NAN));
            for (name, known, now) in own.chain(others) {
                comparison.numbers += 1;
                if cell(known) != cell(now) {
                    let (arch, column) = (candidate.arch.clone(), name.clone());
                    comparison.differences.push(Difference { arch, column, table: known, now });
                }
            }
        }
        Ok(comparison)
    }

    /// Columns with a value per candidate, NaN where there is none; each mean is followed by its
    /// seeds. Groups without any value are left out unless `wanted` accepts their names.
    fn columns(&self, wanted: impl Fn(&[String]) -> bool) -> Vec<(String, Vec<f64>)> {
        let mut columns = Vec::new();
        for column in &COLUMNS {
            let of = |i: usize, seed: u64| {
                let value = self.trainings.get(&(i, seed)).and_then(column.value);
                value.unwrap_or(f64::NAN)
            };
            let by_seed: Vec<Vec<f64>> = (self.seeds.iter())
                .map(|&seed| (0..self.candidates.len()).map(|i| of(i, seed)).collect())
                .collect();
            let of_seed = |seed: &u64| of_seed(column.name, *seed);
            let names = [column.name.to_owned()].into_iter().chain(self.seeds.iter().map(of_seed));
            let names: Vec<String> = names.collect();
            if by_seed.iter().flatten().all(|value| value.is_nan()) && !wanted(&names) {
                continue;
            }
            let mean =
                |i: usize| by_seed.iter().map(|it| it[i]).sum::<f64>() / by_seed.len() as f64;
            let means: Vec<f64> = (0..self.candidates.len()).map(mean).collect();
            columns.extend(names.into_iter().zip([means].into_iter().chain(by_seed)));
        }
        columns
    }
}

/// Text of a value; empty for NaN.
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
        // There is no mean unless all seeds have a result.
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
        // Parameters and FLOPs; four means, and four values of the seed.
        assert_eq!(
            table.compare(file.path()).unwrap(),
            Comparison { numbers: 20, differences: Vec::new() }
        );
        let close = [training("a", 0, 0.500_001), training("b", 0, 0.3)];
        let found = BenchmarkTable::new(&candidates, &[0], close).compare(file.path()).unwrap();
        let of = ["validation_accuracy", "validation_loss", "test_accuracy"];
        let columns = of.map(|it| [it.to_owned(), format!("{it}_s0")]).concat();
        let expected: Vec<_> = columns.into_iter().map(|it| ("b".to_owned(), it)).collect();
        assert_eq!(names(&found), expected);
    }

    #[test]
    fn means_that_are_not_those_of_their_seeds_are_found_without_training() {
        let candidates = candidates();
        let file = tempfile::NamedTempFile::new().unwrap();
        let seeds = [0, 3, 5];
        // Values that are rounded in different directions.
        let fit = |arch: &str, seed: u64| training(arch, seed, 0.123_449 + 0.011_115 * seed as f64);
        let all = ["a", "b"].into_iter().flat_map(|arch| seeds.map(|seed| fit(arch, seed)));
        let failed = |it: Training| match (it.arch.as_str(), it.seed) {
            ("b", 5) => Training { failure: Some("diverged".to_owned()), ..it },
            _ => it,
        };
        let table = BenchmarkTable::new(&candidates, &seeds, all.map(failed).collect::<Vec<_>>());
        let text = table.to_csv();
        let check = |text: &str| {
            std::fs::write(file.path(), text).unwrap();
            compare_untrained(file.path(), &candidates, &seeds).unwrap()
        };
        // Two counts and four means of each architecture; a mean is checked together with a seed's
        // value.
        assert_eq!(check(&text), Comparison { numbers: 12, differences: Vec::new() });
        let rows: Vec<Vec<&str>> = text.lines().map(|line| line.split(',').collect()).collect();
        for (column, name) in rows[0].iter().enumerate().skip(1) {
            let found = names(&check(&changed(&rows, column, "0.5432")));
            // A change of a seed's value shows in its mean.
            let mean = name.split("_s").next().unwrap();
            assert!(found.contains(&("a".to_owned(), mean.to_owned())), "{name}: {found:?}");
        }
        let mean = rows[0].iter().position(|name| *name == "test_loss").unwrap();
        let found = names(&check(&changed(&rows, mean, "")));
        assert_eq!(found, [("a".to_owned(), "test_loss".to_owned())]);
    }

    /// The table with another value for the first architecture.
    fn changed(rows: &[Vec<&str>], column: usize, to: &str) -> String {
        let mut rows = rows.to_vec();
        rows[1][column] = to;
        rows.iter().map(|row| row.join(",") + "\n").collect()
    }

    fn names(found: &Comparison) -> Vec<(String, String)> {
        found.differences.iter().map(|it| (it.arch.clone(), it.column.clone())).collect()
    }

    /// Whichever column of a table is overwritten, the difference is reported for every row.
    #[test]
    fn every_column_of_a_table_is_compared() {
        let candidates = candidates();
        let file = tempfile::NamedTempFile::new().unwrap();
        let all = ["a", "b"]
            .into_iter()
            .flat_map(|arch| [0, 3].map(|seed| training(arch, seed, 0.3 + 0.1 * seed as f64)));
        let table = BenchmarkTable::new(&candidates, &[0, 3], all.collect::<Vec<_>>());
        let text = table.to_csv();
        let names_of: Vec<&str> = text.lines().next().unwrap().split(',').skip(1).collect();
        assert_eq!(names_of.len(), 2 + 4 * 3);
        for (at, name) in names_of.iter().enumerate() {
            let change = |(i, line): (usize, &str)| {
                let mut cells: Vec<&str> = line.split(',').collect();
                if i > 0 {
                    cells[at + 1] = "0.9999";
                }
                cells.join(",") + "\n"
            };
            let changed: String = text.lines().enumerate().map(change).collect();
            std::fs::write(file.path(), changed).unwrap();
            let found = table.compare(file.path()).unwrap();
            let expected = ["a", "b"].map(|arch| (arch.to_owned(), (*name).to_owned()));
            assert_eq!((names(&found), found.numbers), (expected.to_vec(), 28), "{name}");
        }
        // A column of another study, and a column that is missing.
        let extra =
            |line: &str| format!("{line},{}\n", if line.contains("arch") { "x_s9" } else { "1" });
        std::fs::write(file.path(), text.lines().map(extra).collect::<String>()).unwrap();
        let found = table.compare(file.path()).unwrap();
        assert_eq!(names(&found), ["a", "b"].map(|arch| (arch.to_owned(), "x_s9".to_owned())));
        std::fs::write(file.path(), text.replace("test_loss_s3", "lost")).unwrap();
        assert!(matches!(table.compare(file.path()), Err(TableError::Column { .. })));
        // Failed trainings do not have the values that the table has.
        let failed =
            |arch| Training { failure: Some("diverged".to_owned()), ..training(arch, 0, 1.0) };
        let none = BenchmarkTable::new(&candidates, &[0, 3], ["a", "b"].map(failed));
        std::fs::write(file.path(), &text).unwrap();
        let found = none.compare(file.path()).unwrap();
        assert_eq!((found.differences.len(), found.numbers), (24, 28));
    }
}

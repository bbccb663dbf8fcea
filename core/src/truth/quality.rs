//! How much a truth can tell apart: ties, and the noise of its trainings.

use super::{TableError, sheet::Sheet};
use std::{
    collections::{HashMap, HashSet},
    path::Path,
};

/// Equal values among truths.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ties {
    /// Different values.
    pub distinct: usize,
    /// Most rows with one value.
    pub largest: usize,
    /// Share of the pairs of rows that have one value.
    pub pairs: f64,
}

impl Ties {
    /// Of finite values.
    pub fn of(values: &[f64]) -> Self {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let groups = || sorted.chunk_by(|a, b| a == b).map(<[f64]>::len);
        let pairs = |n: usize| n as f64 * n.saturating_sub(1) as f64 / 2.0;
        Self {
            distinct: groups().count(),
            largest: groups().max().unwrap_or(0),
            pairs: groups().map(pairs).sum::<f64>() / pairs(values.len()).max(1.0),
        }
    }
}

/// Accuracies of several trainings of each architecture.
#[derive(Debug, Clone, PartialEq)]
pub struct Seeds {
    /// The architectures, in the table's order.
    keys: Vec<String>,
    /// By seed one value per architecture, NaN where it was not trained.
    columns: Vec<Vec<f64>>,
}

impl Seeds {
    /// The single trainings behind `column` of a table: of the columns `named`,
    /// where there are none of those named `COLUMN_sSEED`, as
    /// [`BenchmarkTable`](crate::benchmark::BenchmarkTable) has them beside
    /// their mean; `None` without either. A column holds one seed, or several by
    /// `;`. Of rows with one key the first counts; those without `spelling` are
    /// left out.
    ///
    /// # Errors
    /// See [`TableError`].
    pub fn find(
        path: &Path,
        key: &str,
        column: &str,
        named: &[String],
        spelling: impl Fn(&str) -> Option<String>,
    ) -> Result<Option<Self>, TableError> {
        let sheet = Sheet::read(path)?;
        let columns = match named {
            [] => beside(&sheet.header, column),
            named => named.to_vec(),
        };
        match columns.is_empty() {
            true => Ok(None),
            false => Self::read(&sheet, key, &columns, spelling).map(Some),
        }
    }

    fn read(
        sheet: &Sheet<'_>,
        key: &str,
        columns: &[String],
        spelling: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, TableError> {
        let key = sheet.key(key)?;
        let at = columns.iter().map(|name| sheet.column(name)).collect::<Result<Vec<_>, _>>()?;
        let mut seen = HashSet::new();
        let mut keys = Vec::new();
        // A column's seeds go on where those of the last one end.
        let mut parts: Vec<Vec<Vec<f64>>> = vec![Vec::new(); at.len()];
        for record in &sheet.records {
            let Some(key) = spelling(&key.of(record)) else { continue };
            if !seen.insert(key.clone()) {
                continue;
            }
            keys.push(key);
            for (&column, part) in at.iter().zip(&mut parts) {
                let cell = record[column].split(';');
                let values = cell.map(|text| sheet.number(record, column, text));
                part.push(values.collect::<Result<_, _>>()?);
            }
        }
        let seeds = |part: &Vec<Vec<f64>>| {
            let count = part.iter().map(Vec::len).max().unwrap_or(0);
            let seed = |i: usize| part.iter().map(move |row| row.get(i).copied());
            (0..count).map(|i| seed(i).map(|it| it.unwrap_or(f64::NAN)).collect()).collect()
        };
        Ok(Self {
            keys,
            columns: parts.iter().flat_map(|part| -> Vec<Vec<f64>> { seeds(part) }).collect(),
        })
    }

    /// Results of every architecture by seed, NaN where it was not trained:
    /// what [`noise_ceiling`](crate::analysis::noise_ceiling) takes.
    pub fn runs(&self) -> HashMap<&str, Vec<f64>> {
        let of = |row: usize| self.columns.iter().map(|column| column[row]).collect();
        self.keys.iter().enumerate().map(|(row, key)| (key.as_str(), of(row))).collect()
    }

    /// How many seeds there are.
    pub fn count(&self) -> usize {
        self.columns.len()
    }
}

/// Of the names in `header` those that are `COLUMN_sSEED`.
fn beside(header: &[String], column: &str) -> Vec<String> {
    let is_seed = |name: &&String| {
        let seed = name.strip_prefix(column).and_then(|rest| rest.strip_prefix("_s"));
        seed.is_some_and(|seed| seed.parse::<u64>().is_ok())
    };
    header.iter().filter(is_seed).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn a_benchmarks_seeds_stand_beside_its_mean() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(b"arch,acc,acc_s0,acc_s12,acc_sd,loss_s0\na,2,1,3,1,0\n").unwrap();
        let sheet = Sheet::read(file.path()).unwrap();
        assert_eq!(beside(&sheet.header, "acc"), ["acc_s0", "acc_s12"]);
        assert!(beside(&sheet.header, "los").is_empty());
    }

    fn seeds(text: &str, columns: &[&str]) -> Result<Seeds, TableError> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        let columns: Vec<String> = columns.iter().map(|name| (*name).to_owned()).collect();
        let spelling = |key: &str| (key != "none").then(|| key.to_owned());
        Ok(Seeds::find(file.path(), "arch", "", &columns, spelling)?.unwrap())
    }

    #[test]
    fn ties_are_counted_by_value() {
        // Of ten pairs three are in the threefold tie.
        let ties = Ties::of(&[1.0, 2.0, 2.0, 2.0, 3.0]);
        assert_eq!(ties, Ties { distinct: 3, largest: 3, pairs: 0.3 });
        assert_eq!(Ties::of(&[]), Ties { distinct: 0, largest: 0, pairs: 0.0 });
        assert_eq!(Ties::of(&[0.0, -0.0]).largest, 2);
    }

    #[test]
    fn seeds_in_columns_or_in_one_cell_are_the_same() {
        let apart =
            seeds("arch,a,b,c\nx,1,2,3\nnone,9,9,9\ny,2,,1\nz,3,1,\nx,0,0,0\n", &["a", "b", "c"]);
        let apart = apart.unwrap();
        let joined = seeds("arch,all\nx,1;2;3\nnone,9;9\ny,2;;1\nz,3;1\nx,0\n", &["all"]).unwrap();
        assert_eq!(format!("{apart:?}"), format!("{joined:?}"));
        let runs = apart.runs();
        assert_eq!((apart.count(), runs.len(), &runs["x"]), (3, 3, &vec![1.0, 2.0, 3.0]));
        assert!(runs["y"][1].is_nan() && runs["y"][2] == 1.0);
    }

    #[test]
    fn words_are_no_accuracy() {
        let wrong = seeds("arch,a\nx,1;no\n", &["a"]).unwrap_err().to_string();
        assert!(wrong.contains("row 2: column `a` holds `no`"), "{wrong}");
        assert!(matches!(seeds("arch,a\nx,1\n", &["b"]), Err(TableError::Column { .. })));
    }
}

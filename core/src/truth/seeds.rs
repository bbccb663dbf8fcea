//! The single trainings behind a truth.

use super::{Duplicates, TableError, key::Key, sheet::Sheet};
use std::collections::HashMap;

/// Accuracies of several trainings per architecture.
#[derive(Debug, Clone, PartialEq)]
pub struct Seeds {
    /// For each architecture, one value per seed index; NaN where there is no training.
    runs: HashMap<String, Vec<f64>>,
    count: usize,
}

impl Seeds {
    /// Finds the single trainings behind `column` of a table. They are in the columns `named`, or
    /// if there are none, in those called `COLUMN_sSEED` that
    /// [`BenchmarkTable`](crate::benchmark::BenchmarkTable) writes beside their mean; `None` if
    /// there are neither. A column holds one seed, or several separated by `;`. Of rows with the
    /// same key, all count as trainings if `duplicates` is the mean, else the first or the last
    /// that has any. Rows for whose key `spelling` returns `None` are left out.
    ///
    /// # Errors
    /// See [`TableError`].
    pub fn find(
        sheet: &Sheet<'_>,
        key: &Key,
        column: &str,
        named: &[String],
        duplicates: Duplicates,
        spelling: impl Fn(&str) -> Option<String>,
    ) -> Result<Option<Self>, TableError> {
        let columns = match named {
            [] => beside(&sheet.header, column),
            named => named.to_vec(),
        };
        match columns.is_empty() {
            true => Ok(None),
            false => Self::read(sheet, key, &columns, duplicates, spelling).map(Some),
        }
    }

    fn read(
        sheet: &Sheet<'_>,
        key: &Key,
        columns: &[String],
        duplicates: Duplicates,
        spelling: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, TableError> {
        let at = columns.iter().map(|name| sheet.column(name)).collect::<Result<Vec<_>, _>>()?;
        let mut runs: HashMap<String, Vec<f64>> = HashMap::new();
        let cells = |part: &csv::StringRecord, column: usize| part[column].split(';').count();
        // The seeds of a column continue the numbering of the previous column.
        let widths: Vec<usize> = at
            .iter()
            .map(|&column| sheet.records.iter().map(|it| cells(it, column)).max().unwrap_or(0))
            .collect();
        for record in &sheet.records {
            let Some(key) = spelling(&key.of(record)) else { continue };
            let mut own = Vec::with_capacity(widths.iter().sum());
            for (&column, width) in at.iter().zip(&widths) {
                let end = own.len() + width;
                for text in record[column].split(';') {
                    own.push(sheet.number(record, column, text)?);
                    if own.last().is_some_and(|run| run.is_infinite()) {
                        return Err(sheet.infinite(record, column, text));
                    }
                }
                own.resize(end, f64::NAN);
            }
            let none = own.iter().all(|run| run.is_nan());
            let known = runs.entry(key).or_default();
            match duplicates {
                Duplicates::Mean => known.extend(own),
                Duplicates::Last if !none => *known = own,
                _ if known.iter().all(|run| run.is_nan()) => *known = own,
                _ => {}
            }
        }
        Ok(Self { runs, count: widths.iter().sum() })
    }

    /// Results of an architecture by seed index, NaN where there is no training; empty if the table
    /// does not have the architecture.
    pub fn of(&self, key: &str) -> &[f64] {
        self.runs.get(key).map_or(&[], Vec::as_slice)
    }

    /// Number of seeds that the columns hold.
    pub fn count(&self) -> usize {
        self.count
    }
}

/// The names in `header` of the form `COLUMN_sSEED`.
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
        seeds_by(text, columns, Duplicates::Error)
    }

    fn seeds_by(text: &str, columns: &[&str], policy: Duplicates) -> Result<Seeds, TableError> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        let columns: Vec<String> = columns.iter().map(|name| (*name).to_owned()).collect();
        let spelling = |key: &str| (key != "none").then(|| key.to_owned());
        let sheet = Sheet::read(file.path())?;
        let key = sheet.key("arch")?;
        Ok(Seeds::find(&sheet, &key, "", &columns, policy, spelling)?.unwrap())
    }

    #[test]
    fn seeds_in_columns_or_in_one_cell_are_the_same() {
        let apart =
            seeds("arch,a,b,c\nx,1,2,3\nnone,9,9,9\ny,2,,1\nz,3,1,\nx,0,0,0\n", &["a", "b", "c"]);
        let apart = apart.unwrap();
        let joined = seeds("arch,all\nx,1;2;3\nnone,9;9\ny,2;;1\nz,3;1\nx,0\n", &["all"]).unwrap();
        for key in ["x", "y", "z"] {
            assert_eq!(format!("{:?}", apart.of(key)), format!("{:?}", joined.of(key)), "{key}");
        }
        assert_eq!(
            (apart.count(), apart.of("x"), apart.of("none")),
            (3, &[1.0, 2.0, 3.0][..], &[][..])
        );
        assert!(apart.of("y")[1].is_nan() && apart.of("y")[2] == 1.0);
    }

    #[test]
    fn seeds_of_repeated_rows_follow_the_truths_choice() {
        let text = "arch,a,b\nx,,\nx,1,2\nx,3,\ny,5,6\n";
        let of = |policy| seeds_by(text, &["a", "b"], policy).unwrap().of("x").to_vec();
        assert_eq!(of(Duplicates::First), [1.0, 2.0]);
        assert!(matches!(of(Duplicates::Last)[..], [3.0, b] if b.is_nan()));
        let all: Vec<f64> = of(Duplicates::Mean).into_iter().filter(|run| !run.is_nan()).collect();
        assert_eq!(all, [1.0, 2.0, 3.0]);
    }

    #[test]
    fn words_are_no_accuracy() {
        let wrong = seeds("arch,a\nx,1;no\n", &["a"]).unwrap_err().to_string();
        assert!(wrong.contains("row 2: column `a` holds `no`"), "{wrong}");
        let wrong = seeds("arch,a\nx,1;inf\n", &["a"]).unwrap_err().to_string();
        assert!(wrong.contains("row 2: column `a` holds `inf`; a truth must be finite"), "{wrong}");
        assert!(matches!(seeds("arch,a\nx,1\n", &["b"]), Err(TableError::Column { .. })));
    }
}

//! Tables of ground truth, and of scores anyone computed: CSV or CSV.gz with
//! named columns, joined by architecture.
//!
//! Invariant: duplicate, missing and unmatched rows are facts that are
//! reported, never silently averaged or dropped.

mod key;
mod quality;
mod sheet;

pub use quality::{Seeds, Ties};

use crate::settings::nearest;
use serde::{Deserialize, Serialize};
use sheet::Sheet;
use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

/// What becomes of rows with one key and different values.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Duplicates {
    /// They are an error.
    #[default]
    Error,
    /// The first row counts.
    First,
    /// The last row counts, as in a dictionary filled row by row.
    Last,
    /// Their mean counts, as of several trainings.
    Mean,
    /// All stay, as rows of their own.
    Keep,
}

/// Why a table cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TableError {
    /// The file cannot be read.
    #[error("cannot read table {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: csv::Error,
    },
    /// There is no such column.
    #[error("{} has no column `{column}`; {hint}", path.display())]
    Column {
        /// The file.
        path: PathBuf,
        /// As asked.
        column: String,
        /// The nearest, or all.
        hint: String,
    },
    /// Not a number.
    #[error("{} row {row}: column `{column}` holds `{value}`, which is no number", path.display())]
    Number {
        /// The file.
        path: PathBuf,
        /// Line in the file, from 1.
        row: u64,
        /// The column.
        column: String,
        /// What stands there.
        value: String,
    },
    /// One key, several values.
    #[error(
        "{}: {count} keys have several rows with different values, first `{key}`; \
         choose which counts, with --duplicates or `duplicates` of the study's [truth]: first, last or \
         mean", path.display()
    )]
    Duplicate {
        /// The file.
        path: PathBuf,
        /// How many keys.
        count: usize,
        /// One of them.
        key: String,
    },
    /// A form of a key that is none.
    #[error("{}: key `{form}` has a brace without its partner; the form is {{column}};{{column}}", path.display())]
    Key {
        /// The file.
        path: PathBuf,
        /// As asked.
        form: String,
    },
    /// No rows.
    #[error("{} has no rows", .0.display())]
    Empty(PathBuf),
}

/// A key that stands in several rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Duplicate {
    /// The key.
    pub key: String,
    /// How many rows.
    pub rows: usize,
    /// Whether all columns read agree in them.
    pub agree: bool,
}

/// Columns of numbers by key, in order of first appearance. An empty cell, or
/// one that says nan, is NaN.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// One per row kept.
    pub keys: Vec<String>,
    /// Names of the columns read.
    pub names: Vec<String>,
    /// One column per name, one value per key.
    pub columns: Vec<Vec<f64>>,
    /// Keys with several rows.
    pub duplicates: Vec<Duplicate>,
    /// Keys that are none, as they stand in the table; their rows are left out.
    pub unknown: Vec<String>,
}

impl Table {
    /// Reads the key column and `columns` (all others that hold numbers if
    /// `None`) of a CSV or gzipped CSV. A key of several columns is a form,
    /// such as `{adjacency};{ops}`.
    ///
    /// # Errors
    /// See [`TableError`].
    pub fn read(
        path: &Path,
        key: &str,
        columns: Option<&[String]>,
        duplicates: Duplicates,
    ) -> Result<Self, TableError> {
        Self::read_spelt(path, key, columns, duplicates, |key| Some(key.to_owned()))
    }

    /// The same with every key in another spelling, such as that of a search
    /// space; `None` for what is no key at all.
    ///
    /// # Errors
    /// See [`TableError`].
    pub fn read_spelt(
        path: &Path,
        key: &str,
        columns: Option<&[String]>,
        duplicates: Duplicates,
        spelling: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, TableError> {
        let sheet = Sheet::read(path)?;
        let key = sheet.key(key)?;
        let wanted: Vec<usize> = match columns {
            Some(names) => names.iter().map(|name| sheet.column(name)).collect::<Result<_, _>>()?,
            None => {
                let numeric = |at: &usize| sheet.records.iter().all(|r| number(&r[*at]).is_some());
                (0..sheet.header.len()).filter(|at| !key.has(*at)).filter(numeric).collect()
            }
        };
        let mut builder = Builder::new(path, wanted.len(), duplicates);
        for record in &sheet.records {
            let value = |&at: &usize| sheet.number(record, at, &record[at]);
            let values = wanted.iter().map(value).collect::<Result<Vec<f64>, _>>()?;
            let own = key.of(record);
            match spelling(&own) {
                Some(key) => builder.push(key, values),
                None => builder.unknown.push(own),
            }
        }
        builder.finish(wanted.iter().map(|&at| sheet.header[at].clone()).collect())
    }

    /// Position of every key.
    pub fn index(&self) -> HashMap<&str, usize> {
        self.keys.iter().enumerate().map(|(at, key)| (key.as_str(), at)).collect()
    }
}

struct Builder<'a> {
    path: &'a Path,
    policy: Duplicates,
    at: HashMap<String, usize>,
    keys: Vec<String>,
    columns: Vec<Vec<f64>>,
    repeated: Vec<Option<Duplicate>>,
    unknown: Vec<String>,
}

impl<'a> Builder<'a> {
    fn new(path: &'a Path, columns: usize, policy: Duplicates) -> Self {
        Self {
            path,
            policy,
            at: HashMap::new(),
            keys: Vec::new(),
            columns: vec![Vec::new(); columns],
            repeated: Vec::new(),
            unknown: Vec::new(),
        }
    }

    fn push(&mut self, key: String, values: Vec<f64>) {
        let Some(&at) = self.at.get(&key) else {
            self.at.insert(key.clone(), self.keys.len());
            return self.append(key, values);
        };
        let same = |(column, value): (&Vec<f64>, &f64)| column[at].to_bits() == value.to_bits();
        let agree = self.columns.iter().zip(&values).all(same);
        let first = || Duplicate { key: key.clone(), rows: 1, agree: true };
        let duplicate = self.repeated[at].get_or_insert_with(first);
        duplicate.rows += 1;
        duplicate.agree &= agree;
        let rows = duplicate.rows as f64;
        let mut each = |change: fn(&mut f64, f64, f64)| {
            for (column, value) in self.columns.iter_mut().zip(&values) {
                change(&mut column[at], *value, rows);
            }
        };
        match self.policy {
            Duplicates::Error | Duplicates::First => {}
            Duplicates::Last => each(|old, value, _| *old = value),
            Duplicates::Mean => each(|mean, value, rows| *mean += (value - *mean) / rows),
            Duplicates::Keep => self.append(key, values),
        }
    }

    fn append(&mut self, key: String, values: Vec<f64>) {
        self.keys.push(key);
        self.repeated.push(None);
        self.columns.iter_mut().zip(values).for_each(|(column, value)| column.push(value));
    }

    fn finish(self, names: Vec<String>) -> Result<Table, TableError> {
        let duplicates: Vec<Duplicate> = self.repeated.into_iter().flatten().collect();
        let differing: Vec<&Duplicate> = duplicates.iter().filter(|d| !d.agree).collect();
        match differing.first() {
            Some(first) if self.policy == Duplicates::Error => Err(TableError::Duplicate {
                path: self.path.to_owned(),
                count: differing.len(),
                key: first.key.clone(),
            }),
            _ => Ok(Table {
                keys: self.keys,
                names,
                columns: self.columns,
                duplicates,
                unknown: self.unknown,
            }),
        }
    }
}

/// Rows that two tables have in common, and those they do not.
#[derive(Debug, Clone, PartialEq)]
pub struct Join {
    /// Positions in the left and the right table, in the left one's order.
    pub rows: Vec<(usize, usize)>,
    /// Keys of the left table without a partner.
    pub only_left: Vec<String>,
    /// Keys of the right table without a partner.
    pub only_right: Vec<String>,
}

/// Joins by key.
pub fn join(left: &[String], right: &[String]) -> Join {
    let index: HashMap<&str, usize> =
        right.iter().enumerate().map(|(at, key)| (key.as_str(), at)).collect();
    let mut matched = vec![false; right.len()];
    let mut rows = Vec::new();
    let mut only_left = Vec::new();
    for (at, key) in left.iter().enumerate() {
        match index.get(key.as_str()) {
            Some(&partner) => {
                matched[partner] = true;
                rows.push((at, partner));
            }
            None => only_left.push(key.clone()),
        }
    }
    let lonely = right.iter().zip(&matched).filter(|(_, matched)| !**matched);
    let only_right = lonely.map(|(key, _)| key.clone()).collect();
    Join { rows, only_left, only_right }
}

fn find_column(path: &Path, header: &[String], column: &str) -> Result<usize, TableError> {
    header.iter().position(|name| name == column).ok_or_else(|| {
        let hint = match nearest(column, header.iter().map(String::as_str)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("it has {}", header.join(", ")),
        };
        TableError::Column { path: path.to_owned(), column: column.to_owned(), hint }
    })
}

fn number(cell: &str) -> Option<f64> {
    match cell.trim() {
        "" => Some(f64::NAN),
        cell => cell.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn table(text: &str, policy: Duplicates) -> Result<Table, TableError> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        Table::read(file.path(), "arch", Some(&["acc".to_owned()]), policy)
    }

    #[test]
    fn duplicates_are_reported_and_follow_the_policy() {
        let text = "arch,acc\na,1\nb,2\na,3\nb,2\n";
        let error = table(text, Duplicates::Error).unwrap_err().to_string();
        assert!(error.contains("1 keys") && error.contains("`a`"), "{error}");
        let last = table(text, Duplicates::Last).unwrap();
        assert_eq!((last.keys.len(), last.columns[0].clone()), (2, vec![3.0, 2.0]));
        let agree: Vec<bool> = last.duplicates.iter().map(|d| d.agree).collect();
        assert_eq!(agree, [false, true]);
        let mean = table(text, Duplicates::Mean).unwrap();
        assert_eq!((mean.keys.len(), mean.columns[0].clone()), (2, vec![2.0, 2.0]));
        let kept = table(text, Duplicates::Keep).unwrap();
        assert_eq!((kept.keys.len(), kept.columns[0].clone()), (4, vec![1.0, 2.0, 3.0, 2.0]));
        assert_eq!(kept.duplicates.len(), 2);
    }

    #[test]
    fn mistakes_name_the_column_the_row_and_the_nearest() {
        let wrong = table("arch,accuracy\na,1\n", Duplicates::Error).unwrap_err().to_string();
        assert!(wrong.contains("no column `acc`; did you mean `accuracy`?"), "{wrong}");
        let wrong = table("arch,acc\na,1\nb,x\n", Duplicates::Error).unwrap_err().to_string();
        assert!(wrong.contains("row 3") && wrong.contains("`x`"), "{wrong}");
        assert!(matches!(table("arch,acc\n", Duplicates::Error), Err(TableError::Empty(_))));
        let wrong = table("PAR1\u{15}\u{4}", Duplicates::Error).unwrap_err().to_string();
        assert!(wrong.contains("a Parquet file") && wrong.contains("to_csv"), "{wrong}");
    }

    #[test]
    fn a_key_may_be_made_of_columns_and_spelt_otherwise() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(b"a,b,acc\n1,x,7\n2,y,8\n9,z,9\n").unwrap();
        let read = |key: &str| {
            let spelling = |key: &str| (!key.contains('9')).then(|| key.to_uppercase());
            Table::read_spelt(file.path(), key, None, Duplicates::Error, spelling)
        };
        let table = read("<{b}-{a}>").unwrap();
        assert_eq!(
            (table.keys, table.names),
            (["<X-1>", "<Y-2>"].map(String::from).to_vec(), vec!["acc".to_owned()])
        );
        assert_eq!(table.unknown, ["<z-9>"]);
        let wrong = read("{a").unwrap_err().to_string();
        assert!(wrong.contains("brace without its partner"), "{wrong}");
        assert!(matches!(read("{c}"), Err(TableError::Column { .. })));
    }

    #[test]
    fn a_join_says_what_it_left_out() {
        let keys = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let join = join(&keys("a b c"), &keys("c d a"));
        assert_eq!(join.rows, [(0, 2), (2, 0)]);
        assert_eq!((join.only_left, join.only_right), (keys("b"), keys("d")));
    }
}

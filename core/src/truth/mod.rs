//! Tables of ground truth, and of scores from any source: CSV or CSV.gz with named columns, joined
//! by architecture.
//!
//! Invariant: duplicate, missing and unmatched rows are reported, never silently averaged or
//! dropped.

mod content;
mod filter;
mod key;
mod quality;
mod rows;
mod seeds;
mod sheet;

pub use content::{GZIP, text_of};
pub use filter::Filter;
pub use key::Key;
pub use quality::{Averaged, Ties, averaged};
pub use rows::mean_there;
pub use seeds::Seeds;
pub use sheet::{LeftOut, Sheet};

use osee_model::settings::nearest;
use rows::Rows;
use serde::{Deserialize, Serialize};
use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

/// What to do with rows that have the same key and different values. A cell without a value is
/// ignored: it is left out of a mean, and is neither first nor last.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Duplicates {
    /// Different values are an error.
    #[default]
    Error,
    /// The first value counts.
    First,
    /// The last value counts, as in a dictionary that is filled row by row.
    Last,
    /// The mean of the values counts, as for several trainings.
    Mean,
    /// All rows are kept as they are.
    Keep,
}

/// Why a table cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TableError {
    /// The file cannot be read.
    #[error("cannot read table {}: {source}", path.display())]
    Read {
        /// Path of the file.
        path: PathBuf,
        /// Error of the CSV reader.
        source: csv::Error,
    },
    /// There is no such column.
    #[error("{} has no column `{column}`; {hint}", path.display())]
    Column {
        /// Path of the file.
        path: PathBuf,
        /// Name of the column, as given.
        column: String,
        /// The most similar name, or all names.
        hint: String,
    },
    /// Several columns have this name.
    #[error("{} has {count} columns `{column}`, and it is not clear which one is meant; rename them", path.display())]
    Repeated {
        /// Path of the file.
        path: PathBuf,
        /// Name of the column, as given.
        column: String,
        /// Number of columns with this name.
        count: usize,
    },
    /// A cell is not a number.
    #[error(
        "{} row {row}: column `{column}` holds `{value}`, which is not a number{}; a cell without a \
         value is empty or nan", path.display(), spelt(value)
    )]
    Number {
        /// Path of the file.
        path: PathBuf,
        /// Line in the file, from 1.
        row: u64,
        /// Name of the column.
        column: String,
        /// Text of the cell.
        value: String,
    },
    /// A truth is infinite.
    #[error(
        "{} row {row}: column `{column}` holds `{value}`; a truth must be finite; a cell without one is empty or nan", path.display()
    )]
    Infinite {
        /// Path of the file.
        path: PathBuf,
        /// Line in the file, from 1.
        row: u64,
        /// Name of the column.
        column: String,
        /// Text of the cell.
        value: String,
    },
    /// Columns are not separated by commas.
    #[error(
        "the columns of {} are separated by {}; a table is CSV, with commas: \
         pandas.read_csv(FILE, sep={sep}).to_csv(OTHER, index=False) in Python converts it",
        path.display(), named(*separator), sep = spelt_separator(*separator)
    )]
    Separator {
        /// Path of the file.
        path: PathBuf,
        /// Character between the columns.
        separator: char,
    },
    /// Something other than the header comes first.
    #[error("{} begins with {what}; a table begins with its header: {convert}", path.display())]
    Beginning {
        /// Path of the file.
        path: PathBuf,
        /// What comes first, in words.
        what: String,
        /// Advice on how to remove it.
        convert: String,
    },
    /// A filter selects no row.
    #[error("no row of {} has `{value}` in column `{column}`; {hint}", path.display())]
    Where {
        /// Path of the file.
        path: PathBuf,
        /// Name of the column.
        column: String,
        /// Value in the filter, as given.
        value: String,
        /// The most similar value, or those that there are.
        hint: String,
    },
    /// Rows with the same key have different values.
    #[error(
        "{}: {count} keys have several rows with different values, first `{key}`; \
         choose which counts, with --duplicates or `duplicates` of the study's [truth]: first, last or \
         mean{}", path.display(), by_column(apart)
    )]
    Duplicate {
        /// Path of the file.
        path: PathBuf,
        /// Number of such keys.
        count: usize,
        /// The first such key.
        key: String,
        /// Column that distinguishes the rows of a key; `None` if there is none.
        apart: Option<String>,
    },
    /// The form of a key is malformed.
    #[error("{}: key `{form}` has an unmatched brace; the form is {{column}};{{column}}", path.display())]
    Key {
        /// Path of the file.
        path: PathBuf,
        /// The form, as given.
        form: String,
    },
    /// The table has no rows; the path of its file.
    #[error("{} has no rows", .0.display())]
    Empty(PathBuf),
}

/// A key that several rows have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Duplicate {
    /// The key, as in the table's list of keys.
    pub key: String,
    /// Number of rows with the key.
    pub rows: usize,
    /// True if all values of these rows agree; missing values agree with any.
    pub agree: bool,
    /// Number of these rows that lack a value in some column.
    #[serde(default)]
    pub without: usize,
}

/// Columns of numbers by key, in order of first appearance. A cell that is empty or says nan is
/// NaN, which means that there is no value.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// Keys, one per row that is kept.
    pub keys: Vec<String>,
    /// Names of the columns that were read.
    pub names: Vec<String>,
    /// One column per name, with one value per key.
    pub columns: Vec<Vec<f64>>,
    /// Keys that several rows have.
    pub duplicates: Vec<Duplicate>,
    /// Texts in the table that are not valid keys; their rows are left out.
    pub unknown: Vec<String>,
    /// Columns without numbers, if all columns with numbers were asked for.
    pub left_out: Vec<LeftOut>,
    /// Column that distinguishes the rows of a key whose values differ.
    pub apart: Option<String>,
}

impl Table {
    /// Reads the key column and `columns` (all others that hold numbers if `None`) of a CSV or
    /// gzipped CSV. The key may be a form of several columns, such as `{adjacency};{ops}`.
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

    /// Reads a table with every key in another spelling, such as that of a search space. `spelling`
    /// returns `None` for a text that is not a key.
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
        let (wanted, left_out) = match columns {
            Some(names) => {
                let at = |name: &String| sheet.column(name);
                (names.iter().map(at).collect::<Result<_, _>>()?, Vec::new())
            }
            None => sheet.numbers(&key),
        };
        let table = Self::of(&sheet, &key, &wanted, duplicates, spelling)?;
        Ok(Self { left_out, ..table })
    }

    /// The columns of a sheet at positions `wanted`; `spelling` converts the keys.
    ///
    /// # Errors
    /// If a cell is not a number, or rows of one key must agree and do not.
    pub fn of(
        sheet: &Sheet<'_>,
        key: &Key,
        wanted: &[usize],
        duplicates: Duplicates,
        spelling: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, TableError> {
        let mut rows = Rows::new(wanted.len(), duplicates);
        let mut unknown = Vec::new();
        for record in &sheet.records {
            let value = |&at: &usize| sheet.number(record, at, &record[at]);
            let values = wanted.iter().map(value).collect::<Result<Vec<f64>, _>>()?;
            let own = key.of(record);
            match spelling(&own) {
                Some(key) => rows.push(key, values),
                None => unknown.push(own),
            }
        }
        let repeated = rows.finish();
        let differing = repeated.iter().find(|it| !it.agree);
        let apart = differing.and_then(|it| {
            let of_it = |own: &&String| spelling(own).as_ref() == Some(&it.key);
            let own: Vec<String> = sheet.records.iter().map(|record| key.of(record)).collect();
            sheet.telling_apart(key, own.iter().find(of_it)?)
        });
        let table = Self {
            keys: rows.keys,
            names: wanted.iter().map(|&at| sheet.header[at].clone()).collect(),
            columns: rows.columns,
            duplicates: repeated,
            unknown,
            left_out: Vec::new(),
            apart,
        };
        match duplicates {
            Duplicates::Error => table.agreeing(sheet.path()),
            _ => Ok(table),
        }
    }

    /// Returns the table if rows with the same key agree.
    ///
    /// # Errors
    /// If some differ; `path` is that of the table.
    pub fn agreeing(self, path: &Path) -> Result<Self, TableError> {
        match self.differing(path) {
            Some(error) => Err(error),
            None => Ok(self),
        }
    }

    /// The error for rows of one key that do not agree; `None` if all agree.
    pub fn differing(&self, path: &Path) -> Option<TableError> {
        let differing = || self.duplicates.iter().filter(|it| !it.agree);
        let first = differing().next()?;
        Some(TableError::Duplicate {
            path: path.to_owned(),
            count: differing().count(),
            key: first.key.clone(),
            apart: self.apart.clone(),
        })
    }

    /// Position of every key.
    pub fn index(&self) -> HashMap<&str, usize> {
        self.keys.iter().enumerate().map(|(at, key)| (key.as_str(), at)).collect()
    }
}

/// The rows that two tables share, and the keys that only one of them has.
#[derive(Debug, Clone, PartialEq)]
pub struct Join {
    /// Positions in the left and in the right table, in the order of the left one.
    pub rows: Vec<(usize, usize)>,
    /// Keys that only the left table has.
    pub only_left: Vec<String>,
    /// Keys that only the right table has.
    pub only_right: Vec<String>,
}

/// Joins two tables by their keys.
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
    let mut found = header.iter().enumerate().filter(|(_, name)| *name == column);
    match (found.next(), found.count()) {
        (Some((at, _)), 0) => Ok(at),
        (Some(_), more) => {
            let (path, column) = (path.to_owned(), column.to_owned());
            Err(TableError::Repeated { path, column, count: more + 1 })
        }
        (None, _) => Err(no_column(path, column, header.iter().map(String::as_str))),
    }
}

/// The error that a column is none of `known`.
fn no_column<'a>(
    path: &Path,
    column: &str,
    known: impl Iterator<Item = &'a str> + Clone,
) -> TableError {
    let hint = match nearest(column, known.clone()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("it has {}", known.collect::<Vec<_>>().join(", ")),
    };
    TableError::Column { path: path.to_owned(), column: column.to_owned(), hint }
}

/// A hint if `value` was probably meant as a number.
fn spelt(value: &str) -> &'static str {
    let value = value.trim();
    match value {
        _ if number(&value.replace(',', ".")).is_some() => " (use a decimal point)",
        _ if value.strip_suffix('%').is_some_and(|it| number(it).is_some()) => {
            " (leave out the percent sign)"
        }
        _ => "",
    }
}

/// Name of a separator, in the plural.
fn named(separator: char) -> &'static str {
    match separator {
        ';' => "semicolons",
        '\t' => "tabs",
        '|' => "vertical bars",
        _ => "spaces",
    }
}

/// Text of a separator as an argument of pandas.
fn spelt_separator(separator: char) -> String {
    match separator {
        ' ' => r"r'\s+'".to_owned(),
        other => format!("{other:?}"),
    }
}

/// Advice on how to select some of the rows; empty if no column tells them apart.
fn by_column(apart: &Option<String>) -> String {
    match apart {
        Some(column) => format!("; or take the rows that are meant, with --where '{column}=...'"),
        None => String::new(),
    }
}

fn number(cell: &str) -> Option<f64> {
    match cell.trim() {
        "" => Some(f64::NAN),
        cell => cell.parse().ok(),
    }
}

#[cfg(test)]
mod tests;

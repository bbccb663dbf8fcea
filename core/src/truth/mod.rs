//! Tables of ground truth, and of scores anyone computed: CSV or CSV.gz with
//! named columns, joined by architecture.
//!
//! Invariant: duplicate, missing and unmatched rows are facts that are
//! reported, never silently averaged or dropped.

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

/// What becomes of rows with one key and different values. A cell without a
/// value is none: of a mean it is left out, and it is neither first nor last.
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
    /// A column that is not one.
    #[error("{} has {count} columns `{column}`, and which is meant is not known; rename them", path.display())]
    Repeated {
        /// The file.
        path: PathBuf,
        /// As asked.
        column: String,
        /// How many there are.
        count: usize,
    },
    /// Not a number.
    #[error(
        "{} row {row}: column `{column}` holds `{value}`, which is no number{}; a cell without a \
         value is empty or nan", path.display(), spelt(value)
    )]
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
    /// A number that no accuracy can be.
    #[error(
        "{} row {row}: column `{column}` holds `{value}`; a truth is finite, and where there is none \
         its cell is empty or nan", path.display()
    )]
    Infinite {
        /// The file.
        path: PathBuf,
        /// Line in the file, from 1.
        row: u64,
        /// The column.
        column: String,
        /// What stands there.
        value: String,
    },
    /// No comma between columns.
    #[error(
        "the columns of {} are set apart by {}; a table is CSV, with commas: \
         pandas.read_csv(FILE, sep={sep}).to_csv(OTHER, index=False) in Python converts it",
        path.display(), named(*separator), sep = spelt_separator(*separator)
    )]
    Separator {
        /// The file.
        path: PathBuf,
        /// What is between them.
        separator: char,
    },
    /// A line before the header.
    #[error("{} begins with {what}; a table begins with its header: {convert}", path.display())]
    Beginning {
        /// The file.
        path: PathBuf,
        /// What stands there.
        what: String,
        /// How to leave it out.
        convert: String,
    },
    /// A filter that takes no row.
    #[error("no row of {} has `{value}` in column `{column}`; {hint}", path.display())]
    Where {
        /// The file.
        path: PathBuf,
        /// The column.
        column: String,
        /// As asked.
        value: String,
        /// The nearest, or all.
        hint: String,
    },
    /// One key, several values.
    #[error(
        "{}: {count} keys have several rows with different values, first `{key}`; \
         choose which counts, with --duplicates or `duplicates` of the study's [truth]: first, last or \
         mean{}", path.display(), by_column(apart)
    )]
    Duplicate {
        /// The file.
        path: PathBuf,
        /// How many keys.
        count: usize,
        /// One of them.
        key: String,
        /// A column that tells its rows apart.
        apart: Option<String>,
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
    /// Whether all values read agree in them.
    pub agree: bool,
    /// Rows that lack a value in a column read.
    #[serde(default)]
    pub without: usize,
}

/// Columns of numbers by key, in order of first appearance. An empty cell, or
/// one that says nan, is NaN: there is no value.
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
    /// Columns that hold no numbers, where all that do were asked for.
    pub left_out: Vec<LeftOut>,
    /// A column that tells apart the rows of a key whose values differ.
    pub apart: Option<String>,
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

    /// The columns at `wanted` of a sheet, rows by `key` in another spelling.
    ///
    /// # Errors
    /// A cell that is no number, or rows that differ.
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

    /// The table, if rows of one key agree.
    ///
    /// # Errors
    /// When some differ; `path` is the table's.
    pub fn agreeing(self, path: &Path) -> Result<Self, TableError> {
        match self.differing(path) {
            Some(error) => Err(error),
            None => Ok(self),
        }
    }

    /// What is wrong if rows of one key have to agree.
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

/// A column that is none of `known`.
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

/// How a number is written that `value` may have been meant for.
fn spelt(value: &str) -> &'static str {
    let value = value.trim();
    match value {
        _ if number(&value.replace(',', ".")).is_some() => " (a decimal point is meant)",
        _ if value.strip_suffix('%').is_some_and(|it| number(it).is_some()) => {
            " (leave out the percent sign)"
        }
        _ => "",
    }
}

/// What a separator is called.
fn named(separator: char) -> &'static str {
    match separator {
        ';' => "semicolons",
        '\t' => "tabs",
        '|' => "vertical bars",
        _ => "spaces",
    }
}

/// The same for pandas.
fn spelt_separator(separator: char) -> String {
    match separator {
        ' ' => r"r'\s+'".to_owned(),
        other => format!("{other:?}"),
    }
}

/// How to take some of the rows.
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

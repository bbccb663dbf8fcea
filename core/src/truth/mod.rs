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

pub use content::{Foreign, GZIP, foreign};
pub use filter::Filter;
pub use key::Key;
pub use quality::{Averaged, Ties, averaged};
pub use rows::mean_there;
pub use seeds::Seeds;
pub use sheet::{LeftOut, Sheet};

use crate::settings::nearest;
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
         pandas.read_csv(FILE, sep={separator:?}).to_csv(OTHER, index=False) in Python converts it",
        path.display(), if *separator == ';' { "semicolons" } else { "tabs" }
    )]
    Separator {
        /// The file.
        path: PathBuf,
        /// What is between them.
        separator: char,
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
        let first = table(text, Duplicates::First).unwrap();
        assert_eq!(first.columns[0], [1.0, 2.0]);
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

    /// Of 90, 92 and none the mean is 91, the first 90, the last 92; a row without a
    /// value agrees with any.
    #[test]
    fn a_missing_value_is_missing_and_no_more() {
        let text = "arch,acc\na,\na,90\na,92\na,nan\nb,\nb,nan\nc,1\nc,\n";
        let value = |policy| table(text, policy).unwrap().columns[0][..].to_vec();
        for (policy, a) in
            [(Duplicates::First, 90.0), (Duplicates::Last, 92.0), (Duplicates::Mean, 91.0)]
        {
            let values = value(policy);
            assert!(values[0] == a && values[1].is_nan() && values[2] == 1.0, "{values:?}");
        }
        let mean = table(text, Duplicates::Mean).unwrap();
        let without: Vec<(usize, usize, bool)> =
            mean.duplicates.iter().map(|it| (it.rows, it.without, it.agree)).collect();
        assert_eq!(without, [(4, 2, false), (2, 2, true), (2, 1, true)]);
        let agreeing = table("arch,acc\nc,1\nc,\nc,1.0\n", Duplicates::Error).unwrap();
        assert_eq!(agreeing.columns[0], [1.0]);
    }

    #[test]
    fn means_of_rows_tie() {
        let text = "arch,acc\na,93.1\na,93.3\nb,93.2\nc,93.2\nc,93.2\n";
        assert_eq!(table(text, Duplicates::Mean).unwrap().columns[0], [93.2; 3]);
    }

    #[test]
    fn columns_that_are_no_numbers_are_named_with_the_reason() {
        let read = |text: &str| {
            let mut file = tempfile::NamedTempFile::new().unwrap();
            file.write_all(text.as_bytes()).unwrap();
            Table::read(file.path(), "arch", None, Duplicates::Error)
        };
        let text = "\u{feff},arch,a,b,twice,twice,none,Unnamed: 0,d\r\n\
                    0,x,1,93.1%,1,2,,0,\r\n1,y,,2,3,4,,1,nan\r\n";
        let table = read(text).unwrap();
        assert_eq!(
            (table.names, table.keys),
            (vec!["a".to_owned(), "d".to_owned()], vec!["x".to_owned(), "y".to_owned()])
        );
        let why: Vec<String> =
            table.left_out.iter().map(|it| format!("{}: {}", it.column, it.why)).collect();
        assert_eq!(why.len(), 6, "{why:?}");
        assert_eq!(why[1], "b: row 2 holds `93.1%`, which is no number");
        assert_eq!(why[2], "twice: 2 columns have this name");
        assert_eq!(why[4], "none: it is empty");
        assert!(why[0].contains("no name") && why[5].starts_with("Unnamed: 0: it has no name"));
        for (cell, hint) in
            [("1,5", "decimal point"), ("93.1%", "percent sign"), ("None", "empty or nan")]
        {
            let error = self::table(&format!("arch,acc\na,\"{cell}\"\n"), Duplicates::Error);
            let error = error.unwrap_err().to_string();
            assert!(error.contains(&format!("`{cell}`")) && error.contains(hint), "{error}");
        }
        let error =
            self::table("arch,acc,acc\na,1,2\n", Duplicates::Error).unwrap_err().to_string();
        assert!(error.contains("has 2 columns `acc`"), "{error}");
    }

    #[test]
    fn files_of_another_kind_are_named() {
        let gzip = |bytes: &[u8]| {
            let mut to = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            to.write_all(bytes).unwrap();
            to.finish().unwrap()
        };
        let read = |bytes: &[u8]| {
            let mut file = tempfile::NamedTempFile::new().unwrap();
            file.write_all(bytes).unwrap();
            Table::read(file.path(), "arch", None, Duplicates::Error)
        };
        let kinds: [(&[u8], &str); 6] = [
            (b"\xfd7zXZ\0\0", "xz -dk"),
            (b"BZh91AY", "bzip2 -dk"),
            (b"\x28\xb5\x2f\xfd\x04", "zstd -d"),
            (b"PK\x03\x04\x14", "a zip archive"),
            (b"\x80\x04\x95", "a Python pickle"),
            (b"\xff\xfea\0r\0", "UTF-16"),
        ];
        for (bytes, what) in kinds {
            for bytes in [bytes.to_vec(), gzip(bytes)] {
                let error = read(&bytes).unwrap_err().to_string();
                assert!(error.contains(what) && error.contains("a table is CSV"), "{error}");
            }
        }
        let error = read(b"arch;acc\na;1,5\n").unwrap_err().to_string();
        assert!(error.contains("semicolons") && error.contains("sep=';'"), "{error}");
        let error = read(b"arch\tacc\na\t1\n").unwrap_err().to_string();
        assert!(error.contains("by tabs"), "{error}");
        assert_eq!(read(&gzip("\u{feff}arch,acc\r\na,1\r\n".as_bytes())).unwrap().keys, ["a"]);
    }

    #[test]
    fn rows_of_several_things_are_told_apart_by_a_filter() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(b"task,arch,acc\njigsaw,a,1\nnormal,a,2\njigsaw,b,3\nnormal,b,3\n").unwrap();
        let error = Table::read(file.path(), "arch", None, Duplicates::Error).unwrap_err();
        assert!(error.to_string().ends_with("with --where 'task=...'"), "{error}");
        let only = |text: &str| Sheet::read(file.path())?.only(&[text.parse().unwrap()]);
        let sheet = only("task=normal").unwrap();
        let key = sheet.key("arch").unwrap();
        let same = |key: &str| Some(key.to_owned());
        let table = Table::of(&sheet, &key, &[2], Duplicates::Error, same).unwrap();
        assert_eq!((table.keys.len(), &table.columns[0]), (2, &vec![2.0, 3.0]));
        let error = only("task=jigsw").unwrap_err().to_string();
        assert!(error.contains("no row of") && error.contains("did you mean `jigsaw`?"), "{error}");
        assert!(matches!(only("tusk=jigsaw"), Err(TableError::Column { .. })));
        assert!("task".parse::<Filter>().is_err());
    }

    #[test]
    fn a_join_says_what_it_left_out() {
        let keys = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let join = join(&keys("a b c"), &keys("c d a"));
        assert_eq!(join.rows, [(0, 2), (2, 0)]);
        assert_eq!((join.only_left, join.only_right), (keys("b"), keys("d")));
    }
}

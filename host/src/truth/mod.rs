//! Reads the truth that scores are judged by: one column of a table, by architecture.

mod error;

pub use error::TruthError;

use crate::{catalog::TruthSource, loader::Space};
use osee_core::{
    criteria::{CriteriaError, MIN_ARCHITECTURES},
    study::TruthChoice,
    truth::{Duplicate, Duplicates, Seeds, Sheet, Table, mean_there},
};
use serde::Serialize;
use std::{collections::HashMap, path::PathBuf};

/// The table and column of a truth.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Truth {
    /// A file, or data set and task such as `nb201:cifar100`.
    pub file: PathBuf,
    /// Column with the architecture, or a form of several columns.
    pub key: String,
    /// Column with the accuracy.
    pub column: String,
    /// What the accuracy is, with data, version and epochs, if that is known.
    pub about: Option<String>,
    /// Notes on filters, and on architectures with several rows.
    pub notes: Vec<String>,
}

impl Truth {
    /// The file without its folders, or data set and task.
    pub fn table(&self) -> String {
        self.file.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// Text for a heading, such as "test_acc of mine.csv" or "nb201:cifar10, CIFAR-10
    /// test accuracy, 200 epochs, NAS-Bench-201 v1.0, mean over seeds".
    pub fn heading(&self) -> String {
        match &self.about {
            Some(about) => format!("{}, {about}", self.table()),
            None => format!("{} of {}", self.column, self.table()),
        }
    }
}

/// Indices of the rows that stand for an architecture: one, or those of isomorphic
/// architectures whose mean counts.
pub type Rows = Vec<usize>;

/// Truth of a run's architectures.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    /// Indices of the architectures that have a truth.
    pub positions: Vec<usize>,
    /// The truth of each of them.
    pub values: Vec<f64>,
    /// The rows of the table that each truth is from.
    pub rows: Vec<Rows>,
}

impl Judged {
    /// Keeps the architectures for which `mask` is true.
    #[must_use]
    pub fn among(mut self, mask: &[bool]) -> Self {
        let kept: Vec<bool> = self.positions.iter().map(|&at| mask[at]).collect();
        let mut values = kept.iter();
        self.values.retain(|_| values.next() == Some(&true));
        let mut rows = kept.iter();
        self.rows.retain(|_| rows.next() == Some(&true));
        self.positions.retain(|&at| mask[at]);
        self
    }
}

/// What a truth table consists of.
#[derive(Debug)]
pub struct Facts<'a> {
    /// Number of all rows.
    pub rows: usize,
    /// Number of rows that repeat the architecture of an earlier one.
    pub repeated: usize,
    /// Architectures with several rows.
    pub duplicates: &'a [Duplicate],
    /// Keys that are not architectures of the space.
    pub unknown: &'a [String],
}

/// A truth that has been read.
#[derive(Debug)]
pub struct TruthTable {
    /// Where the truth is from.
    pub truth: Truth,
    table: Table,
    /// Single trainings, if they were asked for and found.
    seeds: Option<Seeds>,
    /// Which row counts if rows of one architecture, or of isomorphic ones, differ.
    policy: Duplicates,
    /// True if a row is about everything isomorphic to its architecture.
    isomorphic: bool,
}

impl TruthTable {
    /// Reads what `choice` names. Columns that it does not name are those of the data
    /// set or embedded table, otherwise those that the space declares for images
    /// `data`, which is a study's word for them without the folder. The table's
    /// architectures are known by the space's spelling. Without the space's plugin they
    /// must be written as in the run, and the columns must be named.
    ///
    /// # Errors
    /// If the table cannot be read.
    pub fn read(
        choice: &TruthChoice,
        space: Option<&Space<'_>>,
        data: &str,
    ) -> Result<Self, TruthError> {
        let source = TruthSource::find(choice, data)?;
        Self::of(&source.sheet()?, &source, space, data, None)
    }

    /// As [`Self::read`], from a file that has been read, for the rows that `source`
    /// selects. If `seeds` is given, also reads single trainings, from these columns
    /// or, if it is empty, from those beside the truth.
    ///
    /// # Errors
    /// If the file is not a table of truth.
    pub fn of(
        sheet: &Sheet<'_>,
        source: &TruthSource,
        space: Option<&Space<'_>>,
        data: &str,
        seeds: Option<&[String]>,
    ) -> Result<Self, TruthError> {
        let own = space.map(|space| &space.info.truth);
        let named = |named: &Option<String>, own: Option<&str>| {
            named.clone().or_else(|| own.map(str::to_owned)).ok_or(TruthError::NoColumns)
        };
        let name = named(&source.key, own.map(|own| own.key.as_str()))?;
        let column = named(&source.column, own.map(|own| own.value_on(data)))?;
        let spelling = |key: &str| match space {
            Some(space) => space.spelling(key),
            None => Some(key.to_owned()),
        };
        let policy = source.duplicates;
        let (key, at) = (sheet.key(&name)?, sheet.column(&column)?);
        sheet.finite(at)?;
        let table = Table::of(sheet, &key, &[at], policy, spelling)?;
        let find = |named| Seeds::find(sheet, &key, &column, named, policy, spelling);
        let seeds = seeds.map(find).transpose()?.flatten();
        let truth = Truth {
            file: source.table.clone(),
            key: name,
            column,
            about: source.about.clone(),
            notes: notes(source, &table),
        };
        Ok(Self { truth, table, seeds, policy, isomorphic: source.isomorphic })
    }

    /// Checks that rows of one architecture agree.
    ///
    /// # Errors
    /// If some do not.
    pub fn agreeing(&self) -> Result<(), TruthError> {
        self.table.differing(&self.truth.file).map_or(Ok(()), |error| Err(error.into()))
    }

    /// Number of seeds of the single trainings; `None` without any.
    pub fn seeds(&self) -> Option<usize> {
        self.seeds.as_ref().map(Seeds::count)
    }

    /// Results of the single trainings behind each of `rows`, NaN for missing ones;
    /// `None` without single trainings.
    pub fn trainings(&self, rows: &[Rows]) -> Option<Vec<Vec<f64>>> {
        let seeds = self.seeds.as_ref()?;
        let of = |rows: &Rows| {
            rows.iter().flat_map(|&row| seeds.of(&self.table.keys[row])).copied().collect()
        };
        Some(rows.iter().map(of).collect())
    }

    /// Architectures with a finite truth, in the table's order.
    pub fn rows(&self) -> impl Iterator<Item = (&str, f64)> {
        self.cells().filter(|(_, value)| value.is_finite())
    }

    /// Row counts, repeated architectures and unknown keys.
    pub fn facts(&self) -> Facts<'_> {
        let Table { keys, duplicates, unknown, .. } = &self.table;
        let repeated = duplicates.iter().map(|it| it.rows - 1).sum::<usize>();
        let kept = match self.policy {
            Duplicates::Keep => 0,
            _ => repeated,
        };
        Facts { rows: keys.len() + kept + unknown.len(), repeated, duplicates, unknown }
    }

    /// All architectures with the value of their truth, which may not be finite.
    pub fn cells(&self) -> impl Iterator<Item = (&str, f64)> {
        let rows = self.table.keys.iter().zip(&self.table.columns[0]);
        rows.map(|(key, value)| (key.as_str(), *value))
    }

    /// The truth of these architectures. Without `space`, isomorphic architectures are
    /// not recognised.
    ///
    /// # Errors
    /// If the table has none of them, or too few.
    pub fn judge(
        &self,
        architectures: &[String],
        space: Option<&Space<'_>>,
    ) -> Result<Judged, TruthError> {
        let rows = self.find(architectures, space)?;
        let (positions, rows): (Vec<usize>, Vec<Rows>) =
            rows.into_iter().enumerate().filter_map(|(at, row)| Some((at, row?))).unzip();
        let values = rows.iter().map(|rows| self.value(rows)).collect();
        if positions.is_empty() {
            let theirs = self.table.keys.first().or(self.table.unknown.first());
            return Err(TruthError::NoMatch {
                file: self.truth.file.clone(),
                key: self.truth.key.clone(),
                ours: architectures.first().cloned().unwrap_or_default(),
                theirs: theirs.cloned().unwrap_or_default(),
            });
        }
        if positions.len() < MIN_ARCHITECTURES {
            return Err(CriteriaError::TooFew(positions.len()).into());
        }
        Ok(Judged { positions, values, rows })
    }

    /// The truth in these rows: the value, or the mean of several.
    pub fn value(&self, rows: &Rows) -> f64 {
        let cells = &self.table.columns[0];
        match rows.as_slice() {
            [one] => cells[*one],
            all => mean_there(&all.iter().map(|&row| cells[row]).collect::<Vec<_>>()),
        }
    }

    /// Finds the rows with the truth of each architecture: its own, or, in a table
    /// whose rows are about groups, that of one isomorphic to it in `space`. Every
    /// lookup in the table goes through here.
    ///
    /// # Errors
    /// If the space refuses an architecture, or isomorphic rows differ and no policy
    /// says which one counts.
    pub fn find(
        &self,
        architectures: &[String],
        space: Option<&Space<'_>>,
    ) -> Result<Vec<Option<Rows>>, TruthError> {
        let there = || {
            let rows = self.cells().enumerate().filter(|(_, (_, value))| value.is_finite());
            rows.map(|(row, (arch, _))| (row, arch))
        };
        let own: HashMap<&str, usize> = there().map(|(row, arch)| (arch, row)).collect();
        let mut found: Vec<Option<Rows>> =
            architectures.iter().map(|arch| own.get(arch.as_str()).map(|&row| vec![row])).collect();
        let space = space.filter(|_| self.isomorphic && found.contains(&None));
        let Some(space) = space else { return Ok(found) };
        let canonical = |arch: &str| space.functions.canonical(arch);
        let mut groups: HashMap<String, Rows> = HashMap::new();
        for (row, arch) in there() {
            groups.entry(canonical(arch)?).or_default().push(row);
        }
        for (arch, rows) in architectures.iter().zip(&mut found) {
            if rows.is_none()
                && let Some(group) = groups.get(&canonical(arch)?)
            {
                *rows = Some(self.of_group(arch, group)?);
            }
        }
        Ok(found)
    }

    /// Chooses the rows of a group that stand for an architecture without its own.
    fn of_group(&self, arch: &str, group: &[usize]) -> Result<Rows, TruthError> {
        let cells = &self.table.columns[0];
        let differ = group.iter().any(|&row| cells[row] != cells[group[0]]);
        Ok(match self.policy {
            Duplicates::Last => vec![group[group.len() - 1]],
            Duplicates::Mean if differ => group.to_vec(),
            Duplicates::Error if differ => {
                return Err(TruthError::IsomorphicRows {
                    file: self.truth.file.clone(),
                    arch: arch.to_owned(),
                    rows: group.len(),
                });
            }
            _ => vec![group[0]],
        })
    }
}

/// Describes which rows are left out, and which count if some differ.
fn notes(source: &TruthSource, table: &Table) -> Vec<String> {
    let filters = source.filters.iter().map(|it| format!("{} = {}", it.column, it.value));
    let filters = filters.collect::<Vec<_>>().join(", ");
    let only = (!filters.is_empty()).then(|| format!("only its rows with {filters}"));
    let groups = counts(source.duplicates).filter(|_| source.isomorphic && !source.embedded);
    let groups = groups.map(|counts| {
        format!(
            "of isomorphic architectures with different values {counts} for those without a row"
        )
    });
    only.into_iter().chain(repeated(&table.duplicates, source.duplicates)).chain(groups).collect()
}

/// "3 architectures are in several rows, 2 with different values; their mean counts".
/// `None` if there are no duplicates.
pub fn repeated(duplicates: &[Duplicate], policy: Duplicates) -> Option<String> {
    if duplicates.is_empty() {
        return None;
    }
    let differing = duplicates.iter().filter(|it| !it.agree).count();
    let without: usize = duplicates.iter().map(|it| it.without).sum();
    let counts = counts(policy).map_or_else(String::new, |counts| format!("; {counts}"));
    let gaps = match without {
        0 => String::new(),
        rows => format!(", of what is there: {rows} of these rows lack a value"),
    };
    Some(format!(
        "{} architectures are in several rows, {differing} with different values{counts}{gaps}",
        duplicates.len()
    ))
}

fn counts(policy: Duplicates) -> Option<&'static str> {
    match policy {
        Duplicates::Error | Duplicates::Keep => None,
        Duplicates::First => Some("the first counts"),
        Duplicates::Last => Some("the last counts"),
        Duplicates::Mean => Some("their mean counts"),
    }
}

//! The truth that a run is judged by: one column of a table, by architecture.

use super::ReportError;
use crate::loader::Space;
use osee_core::{
    criteria::{CriteriaError, MIN_ARCHITECTURES},
    embedded,
    study::TruthChoice,
    truth::{Duplicate, Duplicates, Table},
};
use serde::Serialize;
use std::{collections::HashMap, path::PathBuf};

/// Which column of which table is the truth.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Truth {
    /// CSV or CSV.gz.
    pub file: PathBuf,
    /// Column with the architecture, or a form of several.
    pub key: String,
    /// Column with the accuracy.
    pub column: String,
}

/// Truth of a run's architectures.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    /// Architectures that have a truth.
    pub positions: Vec<usize>,
    /// Their truth.
    pub values: Vec<f64>,
}

/// What a truth table is made of.
#[derive(Debug)]
pub struct Facts<'a> {
    /// All rows.
    pub rows: usize,
    /// Rows whose architecture stands in an earlier one.
    pub repeated: usize,
    /// Architectures with several rows.
    pub duplicates: &'a [Duplicate],
    /// Keys that are no architecture of the space.
    pub unknown: &'a [String],
}

/// A truth that has been read.
#[derive(Debug)]
pub struct TruthTable {
    /// Where it is from.
    pub truth: Truth,
    table: Table,
    /// Whether repeated rows are in the table.
    keeps: bool,
    /// Whether a row is about all that is isomorphic to its architecture.
    isomorphic: bool,
}

impl TruthTable {
    /// Reads what `choice` names; where it names none, the columns of an embedded
    /// table, of another the space's own for images `data`, the word of a study without the folder.
    /// Architectures of the table are known by the space's spelling of them.
    /// Without the space's plugin they must be written as the run has them,
    /// and the columns be named.
    ///
    /// # Errors
    /// When the table cannot be read.
    pub fn read(
        choice: &TruthChoice,
        space: Option<&Space<'_>>,
        data: &str,
    ) -> Result<Self, ReportError> {
        let own = space.map(|space| &space.info.truth);
        let embedded = embedded::columns(&choice.file);
        let column = |named: &Option<String>, own: Option<&str>| {
            named.clone().or_else(|| own.map(str::to_owned)).ok_or(ReportError::NoColumns)
        };
        let truth = Truth {
            file: choice.file.clone(),
            key: column(
                &choice.key,
                embedded.map(|[key, _]| key).or(own.map(|own| own.key.as_str())),
            )?,
            column: column(
                &choice.column,
                embedded.map(|[_, value]| value).or(own.map(|own| own.value_on(data))),
            )?,
        };
        let columns = [truth.column.clone()];
        let spelling = |key: &str| match space {
            Some(space) => space.spelling(key),
            None => Some(key.to_owned()),
        };
        let policy = choice.duplicates;
        let table = Table::read_spelt(&truth.file, &truth.key, Some(&columns), policy, spelling)?;
        let isomorphic = choice.isomorphic || embedded::table_name(&choice.file).is_some();
        Ok(Self { truth, table, keeps: policy == Duplicates::Keep, isomorphic })
    }

    /// Architectures with their truth, in the table's order.
    pub fn rows(&self) -> impl Iterator<Item = (&str, f64)> {
        self.cells().filter(|(_, value)| value.is_finite())
    }

    /// What the table has besides: rows that repeat an architecture, and keys
    /// that are none.
    pub fn facts(&self) -> Facts<'_> {
        let Table { keys, duplicates, unknown, .. } = &self.table;
        let repeated = duplicates.iter().map(|it| it.rows - 1).sum::<usize>();
        let kept = match self.keeps {
            true => 0,
            false => repeated,
        };
        Facts { rows: keys.len() + kept + unknown.len(), repeated, duplicates, unknown }
    }

    /// All architectures with what stands for their truth, which may not be
    /// finite.
    pub fn cells(&self) -> impl Iterator<Item = (&str, f64)> {
        let rows = self.table.keys.iter().zip(&self.table.columns[0]);
        rows.map(|(key, value)| (key.as_str(), *value))
    }

    /// The truth of these architectures. Which are isomorphic is not known
    /// without their `space`.
    ///
    /// # Errors
    /// When the table has none of them.
    pub fn judge(
        &self,
        architectures: &[String],
        space: Option<&Space<'_>>,
    ) -> Result<Judged, ReportError> {
        let values = self.values(architectures, space.filter(|_| self.isomorphic))?;
        let known = values.into_iter().enumerate();
        let (positions, values): (Vec<usize>, Vec<f64>) =
            known.filter_map(|(at, value)| Some((at, value.filter(|it| it.is_finite())?))).unzip();
        if positions.is_empty() {
            let theirs = self.table.keys.first().or(self.table.unknown.first());
            return Err(ReportError::NoMatch {
                file: self.truth.file.clone(),
                key: self.truth.key.clone(),
                ours: architectures.first().cloned().unwrap_or_default(),
                theirs: theirs.cloned().unwrap_or_default(),
            });
        }
        if positions.len() < MIN_ARCHITECTURES {
            return Err(CriteriaError::TooFew(positions.len()).into());
        }
        Ok(Judged { positions, values })
    }

    /// What the table says of each architecture, or of the first row isomorphic
    /// to it by `space`.
    fn values(
        &self,
        architectures: &[String],
        space: Option<&Space<'_>>,
    ) -> Result<Vec<Option<f64>>, ReportError> {
        let rows: HashMap<&str, f64> = self.cells().collect();
        let mut values: Vec<Option<f64>> =
            architectures.iter().map(|arch| rows.get(arch.as_str()).copied()).collect();
        let Some(space) = space.filter(|_| values.contains(&None)) else { return Ok(values) };
        let canonical = |arch: &str| space.functions.canonical(arch);
        let mut groups = HashMap::new();
        for (arch, value) in self.cells() {
            groups.entry(canonical(arch)?).or_insert(value);
        }
        for (arch, value) in architectures.iter().zip(&mut values) {
            if value.is_none() {
                *value = groups.get(&canonical(arch)?).copied();
            }
        }
        Ok(values)
    }
}

//! `osee-host truth`: tells if a benchmark's table can be used, and for what.

mod check;

use super::{CliError, lists::rows_of};
use crate::{catalog::TruthSource, loader::Space, truth::TruthTable};
use check::CheckArgs;
use clap::{Args, Subcommand};
use osee_core::{
    study::{TableSource, TruthChoice},
    truth::{Duplicates, Filter},
};
use std::{fmt::Write, path::PathBuf};

/// What to see of a table.
#[derive(Debug, Subcommand)]
pub enum TruthCommand {
    /// Compare a table with a space: unknown, repeated and missing
    /// architectures, ties, and the noise between seeds. Fails where a run
    /// would refuse the table.
    Check(CheckArgs),
}

/// Which table, which columns.
#[derive(Debug, Args)]
pub struct TableArgs {
    /// The benchmark's table: a CSV or CSV.gz file, or a data set such as nb201.
    #[arg(long, value_name = "TABLE")]
    truth: PathBuf,
    /// Column with the accuracy; that of the data set, else the space's own, by
    /// default.
    #[arg(long, value_name = "COL")]
    truth_column: Option<String>,
    /// Key column, or a form such as {a};{b}; that of the data set, else the
    /// space's own, by default.
    #[arg(long, value_name = "COL")]
    truth_key: Option<String>,
    /// Only rows with this in a column, such as task=jigsaw; may be repeated for
    /// several columns.
    #[arg(long = "where", value_name = "COL=VALUE")]
    pub filter: Vec<Filter>,
}

impl TableArgs {
    /// Finds the table.
    pub fn source(&self, duplicates: Option<Duplicates>) -> Result<TruthSource, CliError> {
        let choice = TruthChoice {
            key: self.truth_key.clone(),
            column: self.truth_column.clone(),
            duplicates,
            rows: rows_of(&self.filter)?,
            ..TruthChoice::plain(TableSource::of(&self.truth))
        };
        Ok(TruthSource::find(&choice, "")?)
    }
}

/// Runs the command.
pub fn run(command: &TruthCommand) -> Result<(), CliError> {
    match command {
        TruthCommand::Check(args) => check::run(args),
    }
}

/// The heading of a check: the space and the table.
pub fn heading(space: &Space<'_>, table: &TruthTable) -> String {
    let truth = &table.truth;
    let about = truth.about.as_ref().map(|about| format!(", {about}")).unwrap_or_default();
    let (id, table) = (&space.info.id, truth.table());
    format!("{id}, {table}; key {}; truth {}{about}", truth.key, truth.column)
}

/// Explains, a line each, why the first few keys are not architectures.
pub fn unknown(space: &Space<'_>, keys: &[String]) -> String {
    let mut text = String::new();
    for (row, key) in keys.iter().take(3).enumerate() {
        let why = space.functions.parse(key).err().map(|why| why.to_string());
        // Writing to a string cannot fail.
        let _ = writeln!(text, "  unknown {}: {}", row + 1, why.unwrap_or_default());
    }
    text
}

//! `osee-host truth`: whether a benchmark's table can be used, and what for.

mod check;

use super::{CliError, lists::rows_of};
use crate::{loader::Space, report::TruthTable};
use check::CheckArgs;
use clap::{Args, Subcommand};
use osee_core::{
    study::TruthChoice,
    truth::{Duplicates, Filter, Sheet},
};
use std::{fmt::Write, path::PathBuf};

/// What to see of a table.
#[derive(Debug, Subcommand)]
pub enum TruthCommand {
    /// What a table holds for a space: unknown, repeated and missing
    /// architectures, ties, and the noise between seeds. Fails where a run
    /// would refuse the table.
    Check(CheckArgs),
}

/// Which table, which columns.
#[derive(Debug, Args)]
pub struct TableArgs {
    /// The benchmark's table, CSV or CSV.gz.
    #[arg(long, value_name = "FILE")]
    truth: PathBuf,
    /// Column with the accuracy; the space's own by default.
    #[arg(long, value_name = "COL")]
    truth_column: Option<String>,
    /// Key column, or a form such as {a};{b}; the space's own by default.
    #[arg(long, value_name = "COL")]
    truth_key: Option<String>,
    /// Only rows with this in a column, such as task=jigsaw; may be repeated for
    /// several columns.
    #[arg(long = "where", value_name = "COL=VALUE")]
    pub filter: Vec<Filter>,
}

impl TableArgs {
    /// Reads the table in the space's spelling.
    pub fn read(&self, space: &Space<'_>, duplicates: Duplicates) -> Result<TruthTable, CliError> {
        self.read_with(space, duplicates, None)
    }

    /// The same with its single trainings, in the columns `seeds`, or beside the
    /// truth where that names none.
    pub fn read_with(
        &self,
        space: &Space<'_>,
        duplicates: Duplicates,
        seeds: Option<&[String]>,
    ) -> Result<TruthTable, CliError> {
        let choice = TruthChoice {
            key: self.truth_key.clone(),
            column: self.truth_column.clone(),
            duplicates,
            rows: rows_of(&self.filter)?,
            ..TruthChoice::plain(self.truth.clone())
        };
        let sheet = Sheet::read(&choice.file)?.only(&choice.filters())?;
        Ok(TruthTable::of(&sheet, &choice, Some(space), "", seeds)?)
    }
}

/// Runs it.
pub fn run(command: &TruthCommand) -> Result<(), CliError> {
    match command {
        TruthCommand::Check(args) => check::run(args),
    }
}

/// What a check is about.
pub fn heading(space: &Space<'_>, table: &TruthTable) -> String {
    let truth = &table.truth;
    let file = truth.file.file_name().unwrap_or_default().to_string_lossy();
    format!("{}, {file}; key {}; truth {}", space.info.id, truth.key, truth.column)
}

/// Why the first few keys are no architectures, a line each.
pub fn unknown(space: &Space<'_>, keys: &[String]) -> String {
    let mut text = String::new();
    for (row, key) in keys.iter().take(3).enumerate() {
        let why = space.functions.parse(key).err().map(|why| why.to_string());
        // Writing to a string cannot fail.
        let _ = writeln!(text, "  unknown {}: {}", row + 1, why.unwrap_or_default());
    }
    text
}

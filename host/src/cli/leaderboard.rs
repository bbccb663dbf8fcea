//! `osee-host leaderboard DIR`.

use super::{CliError, print, run::truth};
use crate::report::{Format, Leaderboard, render};
use clap::{Args, ValueEnum};
use osee_core::{
    criteria::{Compat, CriteriaOptions},
    store::Store,
    study::TruthChoice,
};
use std::path::PathBuf;

/// Which tie rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum CompatArg {
    /// Ties in input order.
    Osee,
    /// As the study's published tables.
    Awnas,
}

impl From<CompatArg> for Compat {
    fn from(arg: CompatArg) -> Self {
        match arg {
            CompatArg::Osee => Self::Osee,
            CompatArg::Awnas => Self::Awnas,
        }
    }
}

/// Which run, which truth, which form.
#[derive(Debug, Args)]
pub struct LeaderboardArgs {
    /// Run directory.
    dir: PathBuf,
    /// How it is printed.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// Another truth than the study's.
    #[arg(long, value_name = "FILE")]
    truth: Option<PathBuf>,
    /// Its column; the space's own by default.
    #[arg(long, value_name = "COL")]
    truth_column: Option<String>,
    /// Its key column; the space's own by default.
    #[arg(long, value_name = "COL")]
    truth_key: Option<String>,
    /// Tie rule.
    #[arg(long, value_enum, default_value_t = CompatArg::Osee)]
    compat: CompatArg,
    /// Leave times out, so that two runs of a study print the same bytes.
    #[arg(long)]
    no_timing: bool,
}

/// Prints it.
pub fn run(args: &LeaderboardArgs) -> Result<(), CliError> {
    let store = Store::open(&args.dir)?;
    let study = store.study()?;
    let choice = match (&args.truth, &study.truth) {
        (Some(file), _) => Some(TruthChoice {
            file: file.clone(),
            key: args.truth_key.clone(),
            column: args.truth_column.clone(),
        }),
        (None, Some(own)) => Some(TruthChoice {
            file: own.file.clone(),
            key: args.truth_key.clone().or(own.key.clone()),
            column: args.truth_column.clone().or(own.column.clone()),
        }),
        (None, None) => None,
    };
    let truth = choice.map(|choice| truth(&study, &choice)).transpose()?;
    let options = CriteriaOptions { compat: args.compat.into(), ..CriteriaOptions::default() };
    let board = Leaderboard::new(&store, truth, &options)?;
    print(&render(&board, args.format, !args.no_timing))
}

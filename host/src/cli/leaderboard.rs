//! `osee-host leaderboard DIR`.

use super::{CliError, plugin_args::PluginArgs, print};
use crate::report::{Across, Format, Judged, Leaderboard, Truth, TruthTable, render};
use clap::{Args, ValueEnum};
use osee_core::{
    criteria::{Compat, CriteriaOptions},
    store::Store,
    study::{Study, TruthChoice},
};
use std::path::{Path, PathBuf};

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
    /// Run directory; with several, estimators by runs in one table, with mean
    /// and worst rank.
    #[arg(required = true)]
    dir: Vec<PathBuf>,
    /// How it is printed.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    /// Another truth than the study's, of one run.
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
    if args.dir.len() > 1 && args.truth.is_some() {
        let what = "--truth names the table of one run, and several are given";
        return Err(CliError::Usage(what.to_owned()));
    }
    let boards: Vec<Leaderboard> =
        args.dir.iter().map(|dir| board(args, dir)).collect::<Result<_, _>>()?;
    print(&match boards.as_slice() {
        [one] => render(one, args.format, !args.no_timing),
        several => Across::new(several).render(args.format),
    })
}

fn board(args: &LeaderboardArgs, dir: &Path) -> Result<Leaderboard, CliError> {
    let store = Store::open(dir)?;
    let study = store.study()?;
    let mut choice = study.truth.clone();
    if let Some(file) = &args.truth {
        // Another table has columns of its own.
        let (file, duplicates) = (file.clone(), choice.map(|own| own.duplicates));
        let duplicates = duplicates.unwrap_or_default();
        choice = Some(TruthChoice { file, key: None, column: None, duplicates });
    }
    let choice = choice.map(|own| TruthChoice {
        key: args.truth_key.clone().or(own.key),
        column: args.truth_column.clone().or(own.column),
        ..own
    });
    let truth = choice.map(|choice| judge(&store, &study, &choice)).transpose()?;
    let options = CriteriaOptions { compat: args.compat.into(), ..CriteriaOptions::default() };
    Ok(Leaderboard::new(&store, truth, &options)?)
}

/// The truth of the run's architectures. A space whose plugin is not at hand
/// does not stand in the way of a table that writes them as the run does.
fn judge(store: &Store, study: &Study, choice: &TruthChoice) -> Result<(Truth, Judged), CliError> {
    let registry = PluginArgs { plugin: study.plugins.clone(), ..PluginArgs::default() }
        .registry()
        .or_else(|_| PluginArgs::default().registry())?;
    let space = registry.space(&study.space.id).ok();
    let table = TruthTable::read(choice, space.as_ref(), study.data_kind())?;
    let judged = table.judge(&store.plan()?)?;
    Ok((table.truth, judged))
}

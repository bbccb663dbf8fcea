//! `osee-host leaderboard DIR`.

use super::{CliError, plugin_args::PluginArgs, print};
use crate::{
    loader::Registry,
    report::{Across, Format, Judged, Leaderboard, Truth, TruthTable, render},
};
use clap::{Args, ValueEnum};
use osee_core::{
    criteria::{Compat, CriteriaOptions},
    store::Store,
    study::{Study, TruthChoice},
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

/// Another truth than the study's own.
#[derive(Debug, Default, Args)]
pub struct TruthArgs {
    /// Ground truth, CSV or CSV.gz; the study's own by default.
    #[arg(long, value_name = "FILE")]
    pub truth: Option<PathBuf>,
    /// Its column; the space's own by default.
    #[arg(long, value_name = "COL")]
    pub truth_column: Option<String>,
    /// Its key column, or a form such as {a};{b}; the space's own by default.
    #[arg(long, value_name = "COL")]
    pub truth_key: Option<String>,
    /// A row of it is about all architectures isomorphic to its own.
    #[arg(long, requires = "truth")]
    pub truth_isomorphic: bool,
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
    #[command(flatten)]
    truth: TruthArgs,
    /// Tie rule.
    #[arg(long, value_enum, default_value_t = CompatArg::Osee)]
    compat: CompatArg,
    /// Leave times out, so that two runs of a study print the same bytes.
    #[arg(long)]
    no_timing: bool,
}

/// Prints it.
pub fn run(args: &LeaderboardArgs) -> Result<(), CliError> {
    if args.dir.len() > 1 && args.truth.truth.is_some() {
        let what = "--truth names the table of one run, and several are given";
        return Err(CliError::Usage(what.to_owned()));
    }
    let options = CriteriaOptions { compat: args.compat.into(), ..CriteriaOptions::default() };
    let board = |dir: &PathBuf| {
        let store = Store::open(dir)?;
        judged(&store, &registry_of(&store.study()?)?, &args.truth, &options)
    };
    let boards: Vec<Leaderboard> = args.dir.iter().map(board).collect::<Result<_, CliError>>()?;
    print(&match boards.as_slice() {
        [one] => render(one, args.format, !args.no_timing),
        several => Across::new(several).render(args.format),
    })
}

/// The plugins of a run. One that is not at hand does not stand in the way of
/// what can be said without.
pub fn registry_of(study: &Study) -> Result<Registry, CliError> {
    PluginArgs { plugin: study.plugins.clone(), ..PluginArgs::default() }.registry().or_else(
        |error| match error {
            CliError::OwnPlugins(_) => Err(error),
            _ => PluginArgs::default().registry(),
        },
    )
}

/// What a run holds, judged by its truth, or by another.
pub fn judged(
    store: &Store,
    registry: &Registry,
    asked: &TruthArgs,
    options: &CriteriaOptions,
) -> Result<Leaderboard, CliError> {
    Ok(Leaderboard::new(store, truth_of(store, registry, asked)?, options)?)
}

/// The truth of a run's architectures: its own, or another.
pub fn truth_of(
    store: &Store,
    registry: &Registry,
    asked: &TruthArgs,
) -> Result<Option<(Truth, Judged)>, CliError> {
    let study = store.study()?;
    let mut choice = study.truth.clone();
    if let Some(file) = &asked.truth {
        // Another table has columns of its own.
        let (file, duplicates) = (file.clone(), choice.map(|own| own.duplicates));
        let duplicates = duplicates.unwrap_or_default();
        let isomorphic = asked.truth_isomorphic;
        choice = Some(TruthChoice { file, key: None, column: None, duplicates, isomorphic });
    }
    let choice = choice.map(|own| TruthChoice {
        key: asked.truth_key.clone().or(own.key),
        column: asked.truth_column.clone().or(own.column),
        ..own
    });
    // Without its space, a table must write architectures as the run does.
    let space = registry.space(&study.space.id).ok();
    let judge = |choice: TruthChoice| -> Result<(Truth, Judged), CliError> {
        let table = TruthTable::read(&choice, space.as_ref(), study.data_kind())?;
        let judged = table.judge(&store.plan()?, space.as_ref())?;
        Ok((table.truth, judged))
    };
    choice.map(judge).transpose()
}

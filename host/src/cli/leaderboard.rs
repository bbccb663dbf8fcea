//! `osee-host leaderboard DIR`.

use super::{CliError, ExitCode, criteria::DuplicatesArg, plugin_args::PluginArgs, print};
use crate::{
    loader::{Registry, Space},
    report::{
        Across, Format, Judged, Leaderboard, ReportError, Scored, Truth, TruthTable, faults,
        render, told_apart,
    },
    terminal::{say, say_text},
};
use clap::{Args, ValueEnum};
use osee_core::{
    criteria::{Compat, CriteriaError, CriteriaOptions},
    store::Store,
    study::{Study, TruthChoice},
    truth::Filter,
};
use std::path::PathBuf;

/// Which tie rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum CompatArg {
    /// Every number is its mean over all ways to break ties.
    Osee,
    /// As the study's published tables: by a reversed sort of the rows.
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
    /// Which row of a table counts when rows of one architecture differ; an
    /// error by default.
    #[arg(long, value_enum)]
    pub duplicates: Option<DuplicatesArg>,
    /// Only rows of a table with this in a column, such as task=jigsaw; may be
    /// repeated.
    #[arg(long = "where", value_name = "COL=VALUE")]
    pub filter: Vec<Filter>,
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
pub fn run(args: &LeaderboardArgs) -> Result<ExitCode, CliError> {
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
        several => Across::new(several, told_apart(several, &args.dir)).render(args.format),
    })?;
    for board in &boards {
        say_text(faults(board));
    }
    Ok(ended(args.dir.iter().zip(boards.iter().map(|board| &board.scored))))
}

/// How a command ends that has printed what there is of runs: what they lack is
/// said on standard error.
pub fn ended<'a>(runs: impl IntoIterator<Item = (&'a PathBuf, &'a Scored)>) -> ExitCode {
    let mut code = ExitCode::Done;
    for (dir, scored) in runs {
        for line in scored.notice().lines() {
            say(format_args!("{}: {line}", dir.display()));
        }
        if scored.unfinished {
            code = ExitCode::Incomplete;
        }
    }
    code
}

/// The plugins of a run. One that is not at hand does not stand in the way of
/// what can be said without; [`space_of`] says why a space is not there.
pub fn registry_of(study: &Study) -> Result<Registry, CliError> {
    plugins_of(study).registry().or_else(|error| match error {
        CliError::OwnPlugins(_) => Err(error),
        _ => PluginArgs::default().registry(),
    })
}

fn plugins_of(study: &Study) -> PluginArgs {
    PluginArgs { plugin: study.plugins.clone(), ..PluginArgs::default() }
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
    let space = space_of(&study, registry);
    let Some(choice) = choice_of(&study, asked) else { return Ok(None) };
    let table = TruthTable::read(&choice, space.as_ref().ok(), study.data_kind());
    let table = table.map_err(|error| no_columns(error, &study, &space))?;
    let judged = judge(store, &table, &space)?;
    Ok(Some((table.truth, judged)))
}

/// The search space of a run, or why it cannot be had.
pub fn space_of<'a>(study: &Study, registry: &'a Registry) -> Result<Space<'a>, CliError> {
    registry.space(&study.space.id).map_err(|unknown| match plugins_of(study).registry() {
        // The plugin that has it is there no more.
        Err(error) => error,
        Ok(_) => unknown.into(),
    })
}

/// The error of a table, with why the space, which may know its columns, is not
/// there.
pub fn no_columns(
    error: ReportError,
    study: &Study,
    space: &Result<Space<'_>, CliError>,
) -> CliError {
    match (error, space) {
        (ReportError::NoColumns, Err(cause)) => {
            let why = "the truth's columns are not named, and are known to".to_owned();
            CliError::no_space(why, &study.space.id, cause)
        }
        (error, _) => error.into(),
    }
}

/// What a table says of a run's architectures. Without their space, it must have
/// all of them as the run spells them: which others it has is not known.
pub fn judge(
    store: &Store,
    table: &TruthTable,
    space: &Result<Space<'_>, CliError>,
) -> Result<Judged, CliError> {
    let architectures = store.plan()?;
    let judged = table.judge(&architectures, space.as_ref().ok());
    let Err(cause) = space else { return Ok(judged?) };
    let all = architectures.len();
    let found = match &judged {
        Ok(judged) => judged.positions.len(),
        Err(ReportError::NoMatch { .. }) => 0,
        Err(ReportError::Criteria(CriteriaError::TooFew(found))) => *found,
        Err(_) => all,
    };
    if found == all {
        return Ok(judged?);
    }
    let why = format!(
        "{} has {found} of {all} architectures as the run spells them, and whether it has the \
         others in another spelling, or isomorphic ones, is known to",
        table.truth.file.display()
    );
    Err(CliError::no_space(why, &store.study()?.space.id, cause))
}

/// Which table judges a run: its own, or another.
pub fn choice_of(study: &Study, asked: &TruthArgs) -> Option<TruthChoice> {
    let mut choice = study.truth.clone();
    if let Some(file) = &asked.truth {
        // Another table has columns and rows of its own.
        let duplicates = choice.map(|own| own.duplicates).unwrap_or_default();
        let isomorphic = asked.truth_isomorphic;
        choice = Some(TruthChoice { duplicates, isomorphic, ..TruthChoice::plain(file.clone()) });
    }
    let rows = || asked.filter.iter().map(|it| (it.column.clone(), it.value.clone()));
    choice.map(|own| TruthChoice {
        key: asked.truth_key.clone().or(own.key),
        column: asked.truth_column.clone().or(own.column),
        duplicates: asked.duplicates.map_or(own.duplicates, Into::into),
        rows: if asked.filter.is_empty() { own.rows } else { rows().collect() },
        ..own
    })
}

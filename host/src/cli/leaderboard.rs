//! `osee-host leaderboard DIR`: judges what is stored, and prints it.

use super::{
    CliError, ExitCode,
    lists::{refuse, rows_of},
    plugin_args::PluginArgs,
    print,
    value_args::{CompatArg, DuplicatesArg, FormatArg},
};
use crate::{
    leaderboard::{Across, Leaderboard, Scored, faults, render, told_apart},
    loader::{Registry, Space},
    terminal::{say, say_text},
    truth::{Judged, Truth, TruthError, TruthTable},
};
use clap::Args;
use osee_core::{
    criteria::{CriteriaError, CriteriaOptions},
    store::Store,
    study::{Study, TableSource, TruthChoice},
    truth::Filter,
};
use std::path::{Path, PathBuf};

/// Another truth than the study's own.
#[derive(Debug, Default, Args)]
pub struct TruthArgs {
    /// Ground truth: a CSV or CSV.gz file, or a data set such as nb201; the study's own by
    /// default.
    #[arg(long, value_name = "TABLE")]
    pub truth: Option<PathBuf>,
    /// Its column; that of the data set, else the space's own, by default.
    #[arg(long, value_name = "COL")]
    pub truth_column: Option<String>,
    /// Its key column, or a form such as {a};{b}; by default that of the data set,
    /// else of the table of scores or the space.
    #[arg(long, value_name = "COL")]
    pub truth_key: Option<String>,
    /// A row of it counts for all isomorphic architectures that have none
    /// themselves; of an embedded table it always does.
    #[arg(long, requires = "truth")]
    pub truth_isomorphic: bool,
    /// Which row of a table counts when rows of one architecture differ; as the
    /// catalogue says of a data set, else an error, by default.
    #[arg(long, value_enum)]
    pub duplicates: Option<DuplicatesArg>,
    /// Only rows with this in a column, such as task=jigsaw, of each table that has
    /// the column; may be repeated for several columns.
    #[arg(long = "where", value_name = "COL=VALUE")]
    pub filter: Vec<Filter>,
}

impl TruthArgs {
    /// The options, with true for each that was given.
    fn given(&self) -> [(&'static str, bool); 6] {
        [
            ("--truth", self.truth.is_some()),
            ("--truth-column", self.truth_column.is_some()),
            ("--truth-key", self.truth_key.is_some()),
            ("--truth-isomorphic", self.truth_isomorphic),
            ("--duplicates", self.duplicates.is_some()),
            ("--where", !self.filter.is_empty()),
        ]
    }
}

/// Which run, which truth, which form.
#[derive(Debug, Args)]
pub struct LeaderboardArgs {
    /// Run directory; with several, estimators by runs in one table, with mean
    /// and worst rank, each run judged by its own truth.
    #[arg(required = true)]
    dir: Vec<PathBuf>,
    /// Format; scores-csv is for one run, and has scores alone.
    #[arg(long, value_enum, default_value_t = FormatArg::Table)]
    format: FormatArg,
    #[command(flatten)]
    truth: TruthArgs,
    /// Tie rule; osee by default.
    #[arg(long, value_enum)]
    compat: Option<CompatArg>,
    /// Leave times out, so that two runs of a study print the same bytes.
    #[arg(long)]
    no_timing: bool,
}

/// Runs the command.
pub fn run(args: &LeaderboardArgs) -> Result<ExitCode, CliError> {
    args.check()?;
    let compat = args.compat.unwrap_or(CompatArg::Osee).into();
    let options = CriteriaOptions { compat, ..CriteriaOptions::default() };
    let boards: Vec<Leaderboard> =
        args.dir.iter().map(|dir| board(dir, &args.truth, &options)).collect::<Result<_, _>>()?;
    print(&match boards.as_slice() {
        [one] => render(one, args.format.into(), !args.no_timing),
        several => Across::new(several, told_apart(several, &args.dir)).render(args.format.into()),
    })?;
    for board in &boards {
        say_text(faults(board));
    }
    Ok(ended(args.dir.iter().zip(boards.iter().map(|board| &board.scored))))
}

impl LeaderboardArgs {
    /// Refuses options that would change nothing.
    fn check(&self) -> Result<(), CliError> {
        let several = self.dir.len() > 1;
        let truth = ("--truth", several && self.truth.truth.is_some());
        refuse(&[truth], "names the table of one run, but several are given")?;
        let scores = self.format == FormatArg::ScoresCsv;
        let why = "is a table of one run's architectures, and several runs are given; print them \
                   one by one";
        refuse(&[("--format scores-csv", scores && several)], why)?;
        if !scores {
            return Ok(());
        }
        let why = "has no effect on --format scores-csv, which has scores and nothing that judges \
                   them";
        refuse(&self.truth.given(), why)?;
        refuse(&[("--compat", self.compat.is_some())], why)
    }
}

/// Exit code of a command that has printed what there is of runs; prints what they lack
/// to standard error.
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

/// Loads the plugins of a run, or those `given` in their place. If one of the run's is
/// missing, what can be said without it is still said: the error is returned beside the
/// others.
pub fn registry_of(
    study: &Study,
    given: &PluginArgs,
) -> Result<(Registry, Option<CliError>), CliError> {
    if !given.plugin.is_empty() {
        return Ok((given.registry()?, None));
    }
    match given.load(&study.plugins, None) {
        Ok(registry) => Ok((registry, None)),
        Err(error @ CliError::UserPlugins(_)) => Err(error),
        Err(error) => Ok((PluginArgs::default().registry()?, Some(error))),
    }
}

/// The leaderboard of the run in a folder, judged by its own truth or another.
pub fn board(
    dir: &Path,
    asked: &TruthArgs,
    options: &CriteriaOptions,
) -> Result<Leaderboard, CliError> {
    let store = Store::open(dir)?;
    Ok(Leaderboard::new(&store, own_truth_of(&store, asked)?, options)?)
}

/// The truth of a run's architectures, its own or another, with the run's own plugins.
pub fn own_truth_of(store: &Store, asked: &TruthArgs) -> Result<Option<(Truth, Judged)>, CliError> {
    let (registry, lost) = registry_of(&store.study()?, &PluginArgs::default())?;
    truth_of(store, &registry, lost, asked)
}

/// As [`own_truth_of`], with these plugins; `lost` is the error of a missing one.
pub fn truth_of(
    store: &Store,
    registry: &Registry,
    lost: Option<CliError>,
    asked: &TruthArgs,
) -> Result<Option<(Truth, Judged)>, CliError> {
    let study = store.study()?;
    let space = space_of(&study, registry, lost);
    let Some(choice) = choice_of(&study, asked)? else { return Ok(None) };
    let table = TruthTable::read(&choice, space.as_ref().ok(), &study.data.kind);
    let table = table.map_err(|error| no_columns(error, &study, &space))?;
    let judged = judge(store, &table, &space)?;
    Ok(Some((table.truth, judged)))
}

/// The search space of a run, or the error: it may have been in the plugin that is
/// `lost`.
pub fn space_of<'a>(
    study: &Study,
    registry: &'a Registry,
    lost: Option<CliError>,
) -> Result<Space<'a>, CliError> {
    registry.space(&study.space.id).map_err(|unknown| lost.unwrap_or_else(|| unknown.into()))
}

/// The error of a table, with the reason why the space that may know its columns is not
/// available.
pub fn no_columns(
    error: TruthError,
    study: &Study,
    space: &Result<Space<'_>, CliError>,
) -> CliError {
    match (error, space) {
        (TruthError::NoColumns, Err(cause)) => {
            let why = "the truth's columns are not named, and can be told by".to_owned();
            CliError::no_space(why, &study.space.id, cause)
        }
        (error, _) => error.into(),
    }
}

/// Looks up a run's architectures in a table. Without their space, the table must have
/// all of them as the run spells them, since its other keys cannot be read.
pub fn judge(
    store: &Store,
    table: &TruthTable,
    space: &Result<Space<'_>, CliError>,
) -> Result<Judged, CliError> {
    let architectures = store.architectures()?;
    let judged = table.judge(&architectures, space.as_ref().ok());
    let Err(cause) = space else { return Ok(judged?) };
    let all = architectures.len();
    let found = match &judged {
        Ok(judged) => judged.positions.len(),
        Err(TruthError::NoMatch { .. }) => 0,
        Err(TruthError::Criteria(CriteriaError::TooFew(found))) => *found,
        Err(_) => all,
    };
    if found == all {
        return Ok(judged?);
    }
    let why = format!(
        "{} has {found} of {all} architectures as the run spells them, and whether it has the others in another spelling, or isomorphic ones, can be told by",
        table.truth.file.display()
    );
    Err(CliError::no_space(why, &store.study()?.space.id, cause))
}

/// The table that judges a run: its own, or another.
pub fn choice_of(study: &Study, asked: &TruthArgs) -> Result<Option<TruthChoice>, CliError> {
    let mut choice = study.truth.clone();
    if let Some(file) = &asked.truth {
        // Another table has its own columns and rows.
        let duplicates = choice.and_then(|own| own.duplicates);
        let isomorphic = asked.truth_isomorphic;
        choice = Some(TruthChoice {
            duplicates,
            isomorphic,
            ..TruthChoice::plain(TableSource::of(file))
        });
    }
    let Some(own) = choice else {
        let name = &study.name;
        let why =
            format!("is about a table of truth, and run `{name}` has none; name it by --truth");
        return refuse(&asked.given(), &why).map(|()| None);
    };
    Ok(Some(TruthChoice {
        key: asked.truth_key.clone().or(own.key),
        column: asked.truth_column.clone().or(own.column),
        duplicates: asked.duplicates.map(Into::into).or(own.duplicates),
        rows: if asked.filter.is_empty() { own.rows } else { rows_of(&asked.filter)? },
        ..own
    }))
}

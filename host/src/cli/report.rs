//! `osee-host report` and `osee-host analyze`: the errors of estimators, explained.

use super::{
    CliError, ExitCode,
    leaderboard::{TruthArgs, choice_of, ended, judge, no_columns, registry_of, space_of},
    lists::{once, refuse, usage},
    plugin_args::PluginArgs,
    print,
    score_tables::ScoreTables,
};
use crate::{
    analysis::{Material, from_run, from_tables, names, page, text},
    catalog::TruthSource,
    leaderboard::{Leaderboard, Scored},
    loader::Registry,
    terminal::say,
    truth::TruthTable,
};
use clap::{Args, builder::PossibleValuesParser};
use osee_core::{
    criteria::{Bootstrap, CriteriaOptions},
    store::Store,
};
use osee_report::html::write;
use std::path::PathBuf;

/// What is analysed: a run, or tables that anyone computed.
#[derive(Debug, Args)]
pub struct Source {
    /// Run directory.
    #[arg(required_unless_present = "scores", conflicts_with = "scores")]
    dir: Option<PathBuf>,
    /// Table of scores instead, CSV or CSV.gz; needs --truth, which may be the
    /// same file.
    #[arg(long, value_name = "FILE")]
    scores: Option<PathBuf>,
    /// Key column of the scores, or a form such as {a};{b}; by default the
    /// space's own.
    #[arg(long, value_name = "COL")]
    key: Option<String>,
    /// Column with scores, may be repeated; every numeric one by default. The
    /// form os_acc_s{seed}_e{epoch} stands for all seeds and checkpoints of os_acc.
    #[arg(long, value_name = "COL")]
    column: Vec<String>,
    /// Column, form, or name of a row, in which low is good; may be repeated.
    #[arg(long, value_name = "COL")]
    negate: Vec<String>,
    /// Search space of the tables' architectures.
    #[arg(long)]
    space: Option<String>,
    #[command(flatten)]
    truth: TruthArgs,
    /// Columns of the truth with single trainings, or one with them joined by
    /// `;`: for the noise ceiling. By default those named like its column with
    /// _s0, _s1 and so on after it.
    #[arg(long, value_name = "COL", value_delimiter = ',')]
    seed_columns: Vec<String>,
    #[command(flatten)]
    plugins: PluginArgs,
}

/// `osee-host report`.
#[derive(Debug, Args)]
pub struct ReportArgs {
    #[command(flatten)]
    source: Source,
    /// Folder for report.html and figures/; DIR/report by default.
    #[arg(long, value_name = "FOLDER")]
    out: Option<PathBuf>,
}

/// `osee-host analyze`.
#[derive(Debug, Args)]
pub struct AnalyzeArgs {
    #[command(flatten)]
    source: Source,
    /// Only these analyses; if one is not available, the exit code is 3.
    #[arg(long, value_delimiter = ',', value_parser = PossibleValuesParser::new(names()))]
    only: Vec<String>,
}

/// Writes a report.
pub fn report(args: &ReportArgs) -> Result<ExitCode, CliError> {
    let (material, scored) = args.source.material()?;
    let own = args.source.dir.as_ref().map(|dir| dir.join("report"));
    let folder = args.out.clone().or(own).unwrap_or_else(|| PathBuf::from("report"));
    let files = write(&page(&material), &folder)?;
    say(format_args!("{} figures and tables beside it", files.len().saturating_sub(1)));
    print(&format!("{}\n", folder.join("report.html").display()))?;
    Ok(ended(args.source.dir.iter().zip(&scored)))
}

/// Prints the analyses; then fails if one that was asked for is missing.
pub fn analyze(args: &AnalyzeArgs) -> Result<ExitCode, CliError> {
    let (material, scored) = args.source.material()?;
    let (text, absent) = text(&material, &args.only);
    print(&text)?;
    let code = ended(args.source.dir.iter().zip(&scored));
    match absent.is_empty() {
        true => Ok(code),
        false => Err(CliError::NoAnalysis(absent)),
    }
}

impl Source {
    /// The material to analyse; for a run, also what is scored.
    fn material(&self) -> Result<(Material, Option<Scored>), CliError> {
        once("--seed-columns", &self.seed_columns)?;
        match (&self.dir, &self.scores) {
            (Some(dir), _) => {
                self.refuse_columns()?;
                let (material, scored) = self.of_run(Store::open(dir)?)?;
                Ok((material, Some(scored)))
            }
            (None, Some(scores)) => {
                let tables = ScoreTables {
                    scores,
                    key: self.key.as_ref(),
                    columns: &self.column,
                    negate: &self.negate,
                    space: self.space.as_ref(),
                    truth: &self.truth,
                    seed_columns: &self.seed_columns,
                    plugins: &self.plugins,
                };
                Ok((tables.join(from_tables)?, None))
            }
            (None, None) => Err(usage("give a run directory or --scores")),
        }
    }

    /// Refuses options of tables, which say nothing about a run.
    fn refuse_columns(&self) -> Result<(), CliError> {
        let given = [
            ("--key", self.key.is_some()),
            ("--column", !self.column.is_empty()),
            ("--negate", !self.negate.is_empty()),
            ("--space", self.space.is_some()),
        ];
        let why = "is about a table of scores, with --scores FILE; a run knows its space, its \
                   estimators and which end of their scores is good";
        refuse(&given, why)
    }

    fn of_run(&self, store: Store) -> Result<(Material, Scored), CliError> {
        let study = store.study()?;
        let own =
            !self.plugins.plugin.is_empty() || !Registry::user_files(&study.plugins).is_empty();
        let why = format!(
            "has no effect: run `{}` has no user plugins, and --plugin names none",
            study.name
        );
        refuse(&[("--allow-unpinned", self.plugins.allow_unpinned && !own)], &why)?;
        let (registry, lost) = registry_of(&study, &self.plugins)?;
        let space = space_of(&study, &registry, lost);
        let no_space = space
            .as_ref()
            .err()
            .map(|error| error.to_string().lines().map(str::trim).collect::<Vec<_>>().join("; "));
        // The analyses compute the intervals.
        let options = CriteriaOptions {
            bootstrap: Bootstrap { resamples: 0, ..Bootstrap::default() },
            ..CriteriaOptions::default()
        };
        let Some(choice) = choice_of(&study, &self.truth)? else {
            let board = Leaderboard::new(&store, None, &options)?;
            let material = from_run(&store, &board, space.as_ref().ok())?;
            return Ok((Material { no_space, ..material }, board.scored));
        };
        let (kind, seeds) = (study.data.kind.as_str(), Some(self.seed_columns.as_slice()));
        let source = TruthSource::find(&choice, kind)?;
        let sheet = source.sheet()?;
        let table = TruthTable::of(&sheet, &source, space.as_ref().ok(), kind, seeds);
        let table = table.map_err(|error| no_columns(error, &study, &space))?;
        drop(sheet);
        let judged = judge(&store, &table, &space)?;
        let board = Leaderboard::new(&store, Some((table.truth.clone(), judged)), &options)?;
        let mut material = from_run(&store, &board, space.as_ref().ok())?;
        if let Some(cause) = &no_space {
            let id = &study.space.id;
            let what =
                format!("search space `{id}`, which some analyses need, is not available: {cause}");
            material.notes.push(what);
        }
        material.no_space = no_space;
        material.trainings = board.judged.as_ref().and_then(|it| table.trainings(&it.rows));
        Ok((material, board.scored))
    }
}

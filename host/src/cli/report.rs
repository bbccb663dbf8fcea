//! `osee-host report` and `osee-host analyze`: why estimators are wrong.

use super::{
    CliError,
    criteria::DuplicatesArg,
    leaderboard::{TruthArgs, judged, registry_of},
    plugin_args::PluginArgs,
    print,
};
use crate::{
    analysis::{Material, Tables, from_run, from_tables, names, page, text},
    loader::Space,
    report::{Truth, html::write},
};
use clap::{Args, builder::PossibleValuesParser};
use osee_core::{
    criteria::{Bootstrap, CriteriaOptions},
    embedded,
    store::Store,
    truth::Seeds,
};
use std::path::{Path, PathBuf};

/// What is analysed: a run, or tables that anyone computed.
#[derive(Debug, Args)]
pub struct Source {
    /// Run directory.
    #[arg(required_unless_present = "scores", conflicts_with = "scores")]
    dir: Option<PathBuf>,
    /// Table of scores instead, CSV or CSV.gz.
    #[arg(long, value_name = "FILE", requires = "truth")]
    scores: Option<PathBuf>,
    /// Key column of the scores, or a form such as {a};{b}; by default the
    /// space's own.
    #[arg(long, value_name = "COL", requires = "scores")]
    key: Option<String>,
    /// Column with scores; every numeric one by default. The form
    /// os_acc_s{seed}_e{epoch} stands for all seeds and checkpoints of os_acc.
    #[arg(long, value_name = "COL", requires = "scores")]
    column: Vec<String>,
    /// Column, or form, in which low is good.
    #[arg(long, value_name = "COL", requires = "scores")]
    negate: Vec<String>,
    /// Search space of the tables' architectures.
    #[arg(long, requires = "scores")]
    space: Option<String>,
    /// Which row counts when rows of one key differ.
    #[arg(long, value_enum, default_value_t = DuplicatesArg::Last, requires = "scores")]
    duplicates: DuplicatesArg,
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
    /// Only these analyses.
    #[arg(long, value_delimiter = ',', value_parser = PossibleValuesParser::new(names()))]
    only: Vec<String>,
}

/// Writes a report.
pub fn report(args: &ReportArgs) -> Result<(), CliError> {
    let material = args.source.material()?;
    let own = args.source.dir.as_ref().map(|dir| dir.join("report"));
    let folder = args.out.clone().or(own).unwrap_or_else(|| PathBuf::from("report"));
    let files = write(&page(&material), &folder)?;
    eprintln!("{} figures and tables beside it", files.len().saturating_sub(1));
    print(&format!("{}\n", folder.join("report.html").display()))
}

/// Prints the analyses.
pub fn analyze(args: &AnalyzeArgs) -> Result<(), CliError> {
    print(&text(&args.source.material()?, &args.only))
}

impl Source {
    fn material(&self) -> Result<Material, CliError> {
        match (&self.dir, &self.scores) {
            (Some(dir), _) => self.of_run(Store::open(dir)?),
            (None, Some(scores)) => self.of_tables(scores),
            (None, None) => Err(CliError::Usage("give a run directory or --scores".to_owned())),
        }
    }

    fn of_run(&self, store: Store) -> Result<Material, CliError> {
        let study = store.study()?;
        let registry = registry_of(&study)?;
        // Intervals come with the analyses.
        let options = CriteriaOptions {
            bootstrap: Bootstrap { resamples: 0, ..Bootstrap::default() },
            ..CriteriaOptions::default()
        };
        let board = judged(&store, &registry, &self.truth, &options)?;
        let space = registry.space(&study.space.id).ok();
        let mut material = from_run(&store, &board, space.as_ref())?;
        if let Some(truth) = &board.truth {
            self.add_trainings(&mut material, truth, space.as_ref())?;
        }
        Ok(material)
    }

    fn of_tables(&self, scores: &Path) -> Result<Material, CliError> {
        let registry = self.plugins.registry()?;
        let space = self.space.as_ref().map(|id| registry.space(id)).transpose()?;
        let own = space.as_ref().map(|space| space.info.truth.key.clone());
        let key = self.key.clone().or(own).ok_or_else(|| {
            CliError::Usage("--key says which column of the scores is the architecture".to_owned())
        })?;
        let truth = self.truth.truth.as_deref().unwrap_or(scores);
        let embedded = embedded::columns(truth);
        let truth_key = self.truth.truth_key.clone();
        let truth_key =
            truth_key.or(embedded.map(|[key, _]| key.to_owned())).unwrap_or_else(|| key.clone());
        let truth_column = self.truth.truth_column.as_deref().or(embedded.map(|[_, value]| value));
        let truth_column = truth_column.ok_or_else(|| {
            let what = "--truth-column says which column of the truth is the accuracy";
            CliError::Usage(what.to_owned())
        })?;
        let tables = Tables {
            scores,
            key: &key,
            columns: &self.column,
            negate: &self.negate,
            truth,
            truth_key: &truth_key,
            truth_column,
            duplicates: self.duplicates.into(),
        };
        let mut material = from_tables(&tables, space.as_ref())?;
        let truth = Truth {
            file: truth.to_owned(),
            key: truth_key.clone(),
            column: tables.truth_column.to_owned(),
        };
        self.add_trainings(&mut material, &truth, space.as_ref())?;
        Ok(material)
    }

    /// Single trainings of the judged architectures, where the truth has them.
    fn add_trainings(
        &self,
        material: &mut Material,
        truth: &Truth,
        space: Option<&Space<'_>>,
    ) -> Result<(), CliError> {
        let Truth { file, key, column } = truth;
        let spelling = |key: &str| match space {
            Some(space) => space.spelling(key),
            None => Some(key.to_owned()),
        };
        let found = Seeds::find(file, key, column, &self.seed_columns, spelling)?;
        let Some(seeds) = found else { return Ok(()) };
        let runs = seeds.runs();
        let of = |arch: &String| runs.get(arch.as_str()).cloned();
        material.trainings = Some(material.architectures.iter().filter_map(of).collect());
        Ok(())
    }
}

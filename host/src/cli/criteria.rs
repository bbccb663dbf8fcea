//! `osee-host criteria`: applies the criteria to scores from elsewhere.

use super::{
    CliError, leaderboard::TruthArgs, lists::whole, plugin_args::PluginArgs, print,
    score_tables::ScoreTables, value_args::CompatArg,
};
use crate::{
    analysis::{Joined, Judgement, joined},
    leaderboard::{
        columns::{CRITERIA, Column, FAILED, LC, Line, MEASURED, NAME, RANK, texts},
        criteria_document, few,
    },
    terminal::say,
};
use clap::{Args, ValueEnum};
use osee_core::{
    criteria::{
        Bootstrap, CriteriaError, CriteriaOptions, CriteriaReport, MIN_ARCHITECTURES, evaluate,
    },
    truth::Duplicate,
};
use osee_report::text::terminal_table;
use serde_json::{Map, Value, json};
use std::{collections::BTreeMap, path::PathBuf};

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum CriteriaFormat {
    Table,
    Json,
}

/// Which tables, which columns.
#[derive(Debug, Args)]
#[command(mut_arg("truth", |it| it.required(true).help("Ground truth: a table or a data set")))]
#[command(mut_arg("truth_isomorphic", |it| it.requires("space")))]
pub struct CriteriaArgs {
    #[command(flatten)]
    truth: TruthArgs,
    /// Search space of the architectures: keys then meet in any spelling.
    #[arg(long)]
    space: Option<String>,
    #[command(flatten)]
    plugins: PluginArgs,
    /// Scores, CSV or CSV.gz.
    #[arg(long, value_name = "FILE")]
    scores: PathBuf,
    /// Column with the architecture, or a form such as {a};{b}; by default the
    /// space's own.
    #[arg(long, value_name = "COL", required_unless_present = "space")]
    key: Option<String>,
    /// Column with scores, may be repeated; every numeric one by default. The
    /// form os_acc_s{seed} stands for the mean over all seeds of os_acc.
    #[arg(long, value_name = "COL")]
    score_column: Vec<String>,
    /// Column, form, or name of a row, in which low is good, such as a loss;
    /// may be repeated.
    #[arg(long, value_name = "COL")]
    negate: Vec<String>,
    /// Tie rule.
    #[arg(long, value_enum, default_value_t = CompatArg::Osee)]
    compat: CompatArg,
    /// Bootstrap resamples for the interval of KD; 0 for none.
    #[arg(long, default_value_t = 1000, value_parser = whole::<usize>(0..=10_000_000))]
    resamples: usize,
    /// How it is printed.
    #[arg(long, value_enum, default_value_t = CriteriaFormat::Table)]
    format: CriteriaFormat,
}

/// A row with its criteria; `None` if too few architectures were measured.
struct Row {
    of: Judgement,
    criteria: Option<CriteriaReport>,
}

/// Runs the command.
pub fn run(args: &CriteriaArgs) -> Result<(), CliError> {
    let tables = ScoreTables {
        scores: &args.scores,
        key: args.key.as_ref(),
        columns: &args.score_column,
        negate: &args.negate,
        space: args.space.as_ref(),
        truth: &args.truth,
        seed_columns: &[],
        plugins: &args.plugins,
    };
    let mut found = tables.join(joined)?;
    if found.truth.len() < MIN_ARCHITECTURES {
        return Err(CriteriaError::TooFew(found.truth.len()).into());
    }
    let bootstrap = Bootstrap { resamples: args.resamples, ..Bootstrap::default() };
    let options =
        CriteriaOptions { compat: args.compat.into(), bootstrap, ..CriteriaOptions::default() };
    let judge = |of: Judgement| -> Result<Row, CliError> {
        let (scores, truth) = of.judged(&found.truth);
        let enough = scores.len() >= MIN_ARCHITECTURES;
        let criteria = enough.then(|| evaluate(&scores, &truth, &options)).transpose()?;
        Ok(Row { criteria, of })
    };
    let rows = std::mem::take(&mut found.rows);
    let rows = rows.into_iter().map(judge).collect::<Result<Vec<Row>, _>>()?;
    if args.format == CriteriaFormat::Table {
        return print(&table(args, &found, &rows));
    }
    found.notes.iter().for_each(|note| say(format_args!("note: {note}")));
    let text = serde_json::to_string_pretty(&document(args, &found, &rows));
    print(&(text.expect("a document is plain data") + "\n"))
}

fn document(args: &CriteriaArgs, found: &Joined, rows: &[Row]) -> Value {
    let [scores, truth] = &found.duplicates;
    let left_out = found.left_out.iter().map(|it| json!({ "column": it.column, "why": it.why }));
    json!({
        "architectures": found.truth.len(),
        "compat": format!("{:?}", args.compat).to_lowercase(),
        "duplicates": {
            "policy": policy(found),
            "scores": duplicates(scores),
            "truth": duplicates(truth),
        },
        "where": args.truth.filter.iter().map(|it| (&it.column, &it.value)).collect::<BTreeMap<_, _>>(),
        "only_in_scores": found.only_in_scores.0,
        "only_in_truth": found.only_in_truth.0,
        "truth_without_value": found.without_value,
        "left_out": left_out.collect::<Vec<_>>(),
        "rows": rows.iter().map(row_document).collect::<Vec<_>>(),
    })
}

fn row_document(row: &Row) -> Value {
    let mut document = row.criteria.as_ref().map_or_else(Map::new, criteria_document);
    let of = &row.of;
    let more = [
        ("column", json!(of.name)),
        ("negated", json!(of.negated)),
        ("measured", json!(of.values.len() - of.missing.len())),
        ("seeds", json!(of.seeds.iter().map(|(seed, ..)| seed).collect::<Vec<_>>())),
        ("means_of_fewer_seeds", json!(of.partial)),
    ];
    document.extend(more.map(|(name, value)| (name.to_owned(), value)));
    Value::Object(document)
}

fn policy(found: &Joined) -> String {
    format!("{:?}", found.policy).to_lowercase()
}

fn duplicates(found: &[Duplicate]) -> Value {
    let differing: Vec<&str> =
        found.iter().filter(|d| !d.agree).map(|d| d.key.as_str()).take(10).collect();
    json!({
        "keys": found.len(),
        "rows_dropped": found.iter().map(|d| d.rows - 1).sum::<usize>(),
        "keys_that_differ": found.iter().filter(|d| !d.agree).count(),
        "rows_without_value": found.iter().map(|d| d.without).sum::<usize>(),
        "first_that_differ": differing,
    })
}

fn columns() -> Vec<Column> {
    let [kd, interval, spearman, top_k @ ..] = CRITERIA;
    let first = [RANK, NAME.called("column"), kd, interval, spearman, LC];
    first.into_iter().chain(top_k).chain([FAILED, MEASURED]).collect()
}

fn table(args: &CriteriaArgs, found: &Joined, rows: &[Row]) -> String {
    let mut text = format!(
        "{}: {} architectures\ntruth: {}; rows of one architecture: {}\n",
        args.scores.file_name().unwrap_or_default().to_string_lossy(),
        found.truth.len(),
        found.truth_of.heading(),
        policy(found)
    );
    let lines = rows.iter().enumerate().map(|(at, row)| line(at, row));
    let (titles, lines) = texts(&columns(), lines);
    text += &terminal_table(&titles, &lines);
    if let Some(note) = few(found.truth.len()) {
        text += &(note + "\n");
    }
    found.notes.iter().for_each(|note| text += &format!("note: {note}\n"));
    text
}

fn line(at: usize, row: &Row) -> Line<'_> {
    let criteria = row.criteria.as_ref();
    Line {
        rank: Some(at + 1),
        name: &row.of.name,
        criteria,
        failed: criteria.map(|it| it.failures),
        scored: row.of.values.len() - row.of.missing.len(),
        of: row.of.values.len(),
        ..Line::default()
    }
}

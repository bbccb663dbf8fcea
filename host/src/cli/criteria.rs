//! `osee-host criteria`: scores anyone computed, by the same criteria.

use super::{CliError, leaderboard::CompatArg, print};
use crate::report::criteria_document;
use clap::{Args, ValueEnum};
use osee_core::{
    criteria::{Bootstrap, CriteriaOptions, evaluate},
    embedded,
    truth::{Duplicate, Duplicates, Join, Table, join},
};
use serde_json::{Value, json};
use std::path::PathBuf;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum CriteriaFormat {
    Table,
    Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DuplicatesArg {
    /// An error.
    Error,
    /// The first row counts.
    First,
    /// The last row counts.
    Last,
    /// Their mean counts.
    Mean,
}

impl From<DuplicatesArg> for Duplicates {
    fn from(arg: DuplicatesArg) -> Self {
        match arg {
            DuplicatesArg::Error => Self::Error,
            DuplicatesArg::First => Self::First,
            DuplicatesArg::Last => Self::Last,
            DuplicatesArg::Mean => Self::Mean,
        }
    }
}

/// Which tables, which columns.
#[derive(Debug, Args)]
pub struct CriteriaArgs {
    /// Ground truth, CSV or CSV.gz.
    #[arg(long, value_name = "FILE")]
    truth: PathBuf,
    /// Column with the accuracy; an embedded table has its own by default.
    #[arg(long, value_name = "COL")]
    truth_column: Option<String>,
    /// Key column of the truth; that of an embedded table, else that of the
    /// scores by default.
    #[arg(long, value_name = "COL")]
    truth_key: Option<String>,
    /// Scores, CSV or CSV.gz.
    #[arg(long, value_name = "FILE")]
    scores: PathBuf,
    /// Column with the architecture.
    #[arg(long, value_name = "COL")]
    key: String,
    /// Column with scores; every numeric one by default.
    #[arg(long, value_name = "COL")]
    score_column: Vec<String>,
    /// Column in which low is good, such as a loss.
    #[arg(long, value_name = "COL")]
    negate: Vec<String>,
    /// Which row counts when rows of one key differ; they are reported. The
    /// study's own code lets the last one count.
    #[arg(long, value_enum, default_value_t = DuplicatesArg::Last)]
    duplicates: DuplicatesArg,
    /// Tie rule.
    #[arg(long, value_enum, default_value_t = CompatArg::Osee)]
    compat: CompatArg,
    /// Bootstrap resamples for the interval of KD; 0 for none.
    #[arg(long, default_value_t = 1000)]
    resamples: usize,
    /// How it is printed.
    #[arg(long, value_enum, default_value_t = CriteriaFormat::Table)]
    format: CriteriaFormat,
}

/// Judges and prints.
pub fn run(args: &CriteriaArgs) -> Result<(), CliError> {
    let policy = args.duplicates.into();
    let mut wanted = args.score_column.clone();
    wanted.extend(args.negate.iter().filter(|name| !args.score_column.contains(name)).cloned());
    let wanted = (!wanted.is_empty()).then_some(wanted);
    let scores = Table::read(&args.scores, &args.key, wanted.as_deref(), policy)?;
    let own = embedded::columns(&args.truth);
    let truth_key = args.truth_key.as_deref().or(own.map(|[key, _]| key)).unwrap_or(&args.key);
    let column = args.truth_column.as_deref().or(own.map(|[_, value]| value));
    let column = column.ok_or_else(|| {
        CliError::Usage("--truth-column says which column of the truth is the accuracy".to_owned())
    })?;
    let truth = Table::read(&args.truth, truth_key, Some(&[column.to_owned()]), policy)?;
    let mut joined = join(&scores.keys, &truth.keys);
    let before = joined.rows.len();
    joined.rows.retain(|(_, at)| truth.columns[0][*at].is_finite());
    let without_value = before - joined.rows.len();
    if joined.rows.is_empty() {
        let (scores, truth) = (args.scores.clone(), args.truth.clone());
        return Err(CliError::NoCommonKey { scores, truth });
    }
    report_gaps(&scores, &truth, &joined, without_value);
    let bootstrap = Bootstrap { resamples: args.resamples, ..Bootstrap::default() };
    let options =
        CriteriaOptions { compat: args.compat.into(), bootstrap, ..CriteriaOptions::default() };
    let truths: Vec<f64> = joined.rows.iter().map(|(_, at)| truth.columns[0][*at]).collect();
    let mut rows = Vec::new();
    for (name, column) in scores.names.iter().zip(&scores.columns) {
        let negated = args.negate.contains(name);
        let sign = if negated { -1.0 } else { 1.0 };
        let column: Vec<f64> = joined.rows.iter().map(|(at, _)| sign * column[*at]).collect();
        let mut row = criteria_document(&evaluate(&column, &truths, &options)?);
        row.insert("column".to_owned(), json!(name));
        row.insert("negated".to_owned(), json!(negated));
        rows.push(Value::Object(row));
    }
    if args.format == CriteriaFormat::Table {
        return print(&table(&rows));
    }
    let document = json!({
        "architectures": truths.len(),
        "compat": format!("{:?}", args.compat).to_lowercase(),
        "duplicates": {
            "policy": format!("{:?}", args.duplicates).to_lowercase(),
            "scores": duplicates(&scores.duplicates),
            "truth": duplicates(&truth.duplicates),
        },
        "only_in_scores": joined.only_left.len(),
        "only_in_truth": joined.only_right.len(),
        "truth_without_value": without_value,
        "rows": rows,
    });
    let text = serde_json::to_string_pretty(&document).expect("a document is plain data");
    print(&(text + "\n"))
}

fn duplicates(found: &[Duplicate]) -> Value {
    let differing: Vec<&str> =
        found.iter().filter(|d| !d.agree).map(|d| d.key.as_str()).take(10).collect();
    json!({
        "keys": found.len(),
        "rows_dropped": found.iter().map(|d| d.rows - 1).sum::<usize>(),
        "keys_that_differ": found.iter().filter(|d| !d.agree).count(),
        "first_that_differ": differing,
    })
}

/// What was not judged, on standard error.
fn report_gaps(scores: &Table, truth: &Table, joined: &Join, without_value: usize) {
    for (what, table) in [("scores", scores), ("truth", truth)] {
        if !table.duplicates.is_empty() {
            let differ = table.duplicates.iter().filter(|d| !d.agree).count();
            let count = table.duplicates.len();
            eprintln!(
                "note: {count} keys stand in several rows of the {what}, {differ} with different values"
            );
        }
    }
    for (what, left_out) in [("truth", &joined.only_left), ("scores", &joined.only_right)] {
        if let Some(first) = left_out.first() {
            eprintln!("note: {} keys have no {what}, first `{first}`", left_out.len());
        }
    }
    if without_value > 0 {
        eprintln!("note: {without_value} keys have an empty truth");
    }
}

fn table(rows: &[Value]) -> String {
    let mut text = format!(
        "{:<32} {:>8} {:>8} {:>8} {:>8} {:>8} {:>8}\n",
        "column", "KD", "Spearman", "LC", "P@top5%", "P@bot5%", "BR@1%"
    );
    for row in rows {
        let number = |value: &Value| match value.as_f64() {
            Some(number) => format!("{number:.4}"),
            None => "-".to_owned(),
        };
        text += &format!(
            "{:<32} {:>8} {:>8} {:>8} {:>8} {:>8} {:>8}\n",
            row["column"].as_str().unwrap_or_default(),
            number(&row["kd"]),
            number(&row["spearman"]),
            number(&row["lc"]),
            number(&row["p_top"]["0.05"]),
            number(&row["p_bottom"]["0.05"]),
            number(&row["br"]["0.01"]),
        );
    }
    text
}

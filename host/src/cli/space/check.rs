//! `osee-host space check`: compares a benchmark's table with the space.

use super::{CliError, SpaceArgs, Without};
use crate::cli::truth::{TableArgs, heading, unknown};
use crate::{loader::Space, truth::TruthTable};
use clap::Args;
use osee_core::{
    criteria::{Bootstrap, CriteriaOptions, CriteriaReport, TieAware, evaluate},
    truth::{Duplicates, Sheet, Table},
};
use osee_model::{graph::Cost, settings::Settings, space::Counts};
use std::{
    collections::{BTreeMap, HashSet},
    fmt::Write,
    time::{Duration, Instant},
};

/// Which table.
#[derive(Debug, Args)]
pub struct CheckArgs {
    #[command(flatten)]
    pub(super) space: SpaceArgs,
    #[command(flatten)]
    table: TableArgs,
    /// Column with the benchmark's parameter counts.
    #[arg(long, value_name = "COL")]
    params_column: Option<String>,
    /// Column with the benchmark's FLOPs.
    #[arg(long, value_name = "COL")]
    flops_column: Option<String>,
    /// Rank one row per isomorphism group instead of all rows.
    #[arg(long)]
    unique: bool,
}

/// Reads one of the counts of a row.
type Count = fn(&Row) -> Option<u64>;

/// What the space says about a row of the table.
struct Row {
    canonical: String,
    benchmark: Counts,
    plain: Cost,
}

/// Makes the comparison, as text.
pub fn check(space: &Space<'_>, args: &CheckArgs, settings: &Settings) -> Result<String, CliError> {
    let source = args.table.source(Some(Duplicates::Keep))?;
    let sheet = source.sheet()?;
    let truth = TruthTable::of(&sheet, &source, Some(space), "", None)?;
    let (mut architectures, mut values, mut rows) = (Vec::new(), Vec::new(), Vec::new());
    let (mut time, mut without) = (Duration::ZERO, Without::default());
    for (arch, value) in truth.rows() {
        let canonical = space.functions.canonical(arch)?;
        let Some(graph) = without.keep(space.functions.graph(arch, settings)) else { continue };
        let plain = graph.cost();
        let start = Instant::now();
        let counts = space.functions.benchmark_counts(arch);
        time += start.elapsed();
        let Some(benchmark) = without.keep(counts) else { continue };
        architectures.push(arch.to_owned());
        values.push(value);
        rows.push(Row { canonical, benchmark, plain });
    }
    let groups: HashSet<&str> = rows.iter().map(|row| row.canonical.as_str()).collect();

    let mut text = String::new();
    let facts = truth.facts();
    // Writing to a string cannot fail.
    let _ = writeln!(
        text,
        "{}\nrows      {}: {} architectures in {} isomorphism groups; {} are unknown",
        heading(space, &truth),
        facts.rows,
        (rows.len() + without.count).saturating_sub(facts.repeated),
        groups.len(),
        facts.unknown.len()
    );
    text += &unknown(space, facts.unknown);
    if let Some(what) = without.said("are left out") {
        let _ = writeln!(text, "left out  {what}");
    }
    let own = &space.info.truth;
    let counts = [
        ("params", args.params_column.as_ref(), own.params.as_ref()),
        ("flops", args.flops_column.as_ref(), own.flops.as_ref()),
    ];
    for (what, asked, known) in counts {
        let there = |column: &&String| sheet.header().contains(column);
        let column = asked.or(known.filter(there));
        let ours = |row: &Row| match what {
            "params" => row.benchmark.params,
            _ => row.benchmark.flops,
        };
        let line = match column {
            Some(column) => {
                let table = table_of(&sheet, &truth.truth.key, column, space)?;
                compare((&table, column), &architectures, &rows, ours)
            }
            None => match known {
                Some(column) => format!("not compared: the table has no column `{column}`"),
                None => "not compared: the space knows no column of a table".to_owned(),
            },
        };
        let _ = writeln!(text, "{what:<9} {line}");
    }
    let each = time.as_secs_f64() * 1e3 / rows.len().max(1) as f64;
    let _ = writeln!(text, "time      {each:.3} ms per architecture: graph, parameters, FLOPs\n");
    text += &ranking(&rows, &values, args)?;
    Ok(text)
}

/// Counts the rows of the table that agree with the space.
fn compare(
    (table, column): (&Table, &str),
    architectures: &[String],
    rows: &[Row],
    ours: impl Fn(&Row) -> Option<u64>,
) -> String {
    let index = table.index();
    let (mut known, mut equal) = (0, 0);
    let mut first = None;
    for (arch, row) in architectures.iter().zip(rows) {
        let Some(ours) = ours(row) else {
            return format!("the space has no count for column `{column}`");
        };
        let Some(&at) = index.get(arch.as_str()) else { continue };
        let theirs = table.columns[0][at];
        known += 1;
        match theirs == ours as f64 {
            true => equal += 1,
            false => {
                first.get_or_insert_with(|| format!("{arch} has {ours}, the table {theirs}"));
            }
        }
    }
    let first = first.map_or_else(String::new, |first| format!("; first: {first}"));
    format!("{equal} of {known} are the table's `{column}`{first}")
}

/// Reads the selected rows with a column.
fn table_of(
    sheet: &Sheet<'_>,
    key: &str,
    column: &str,
    space: &Space<'_>,
) -> Result<Table, CliError> {
    let spelling = |key: &str| space.spelling(key);
    let (key, at) = (sheet.key(key)?, sheet.column(column)?);
    Ok(Table::of(sheet, &key, &[at], Duplicates::First, spelling)?)
}

/// Judges the counts as scores by the criteria.
fn ranking(rows: &[Row], truths: &[f64], args: &CheckArgs) -> Result<String, CliError> {
    let mut seen = HashSet::new();
    let kept: Vec<usize> = (0..rows.len())
        .filter(|&at| !args.unique || seen.insert(rows[at].canonical.as_str()))
        .collect();
    let truths: Vec<f64> = kept.iter().map(|&at| truths[at]).collect();
    let options = CriteriaOptions {
        bootstrap: Bootstrap { resamples: 0, ..Bootstrap::default() },
        ..CriteriaOptions::default()
    };
    let mut text = format!(
        "{:<20} {:>8} {:>8} {:>8} {:>25} {:>25}   over {} rows\n",
        "score",
        "KD",
        "Spearman",
        "LC",
        "P@top5%",
        "P@bot5%",
        kept.len()
    );
    let scores: [(&str, Count); 4] = [
        ("params, benchmark's", |row| row.benchmark.params),
        ("flops, benchmark's", |row| row.benchmark.flops),
        ("params, plain", |row| Some(row.plain.params)),
        ("flops, plain", |row| Some(row.plain.flops())),
    ];
    for (name, score) in scores {
        let column: Option<Vec<f64>> =
            kept.iter().map(|&at| score(&rows[at]).map(|count| count as f64)).collect();
        let Some(column) = column else { continue };
        let CriteriaReport { kd, spearman, lc, p_top, p_bottom, .. } =
            evaluate(&column, &truths, &options)?;
        let number = |value: Option<f64>| value.map_or("-".to_owned(), |it| format!("{it:.4}"));
        // Published figures broke ties in an unknown order: print the range over all
        // orders besides the mean.
        let at = |map: &BTreeMap<String, TieAware>| match map.get("0.05") {
            Some(it) if it.min < it.max => {
                format!("{:.4} ({:.4} .. {:.4})", it.value, it.min, it.max)
            }
            other => number(other.map(|it| it.value)),
        };
        let _ = writeln!(
            text,
            "{name:<20} {:>8} {:>8} {:>8} {:>25} {:>25}",
            number(kd),
            number(spearman),
            number(lc),
            at(&p_top),
            at(&p_bottom)
        );
    }
    Ok(text)
}

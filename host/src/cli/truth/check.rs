//! `osee-host truth check`: a table of one's own, before anything is scored.

use super::{TableArgs, heading, unknown};
use crate::{
    cli::{CliError, criteria::DuplicatesArg, plugin_args::PluginArgs, print, space::groups},
    loader::Space,
    report::TruthTable,
    runner::LISTABLE,
};
use clap::Args;
use osee_core::{
    analysis::noise_ceiling,
    truth::{Duplicates, Seeds, TableError, Ties},
};
use std::{
    collections::{HashMap, HashSet},
    fmt::Write,
};

/// Which table, for which space.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// Search space.
    space: String,
    #[command(flatten)]
    table: TableArgs,
    /// Which row counts when rows of one architecture differ.
    #[arg(long, value_enum, default_value_t = DuplicatesArg::Error)]
    duplicates: DuplicatesArg,
    /// Columns with the accuracy of one seed each, by comma, or a column with
    /// that of several by semicolon; by default those named like the accuracy's
    /// with _s0, _s1 and so on after it.
    #[arg(long, value_name = "COLS", value_delimiter = ',')]
    seed_columns: Vec<String>,
    #[command(flatten)]
    plugins: PluginArgs,
}

/// Prints what the table holds, then fails if it cannot be used.
pub fn run(args: &CheckArgs) -> Result<(), CliError> {
    let registry = args.plugins.registry()?;
    let space = registry.space(&args.space)?;
    let asked: Duplicates = args.duplicates.into();
    // Differing rows are reported before they are refused.
    let policy = if asked == Duplicates::Error { Duplicates::First } else { asked };
    let table = args.table.read(&space, policy)?;
    let truth = &table.truth;
    let spelling = |key: &str| space.spelling(key);
    let seeds = Seeds::find(&truth.file, &truth.key, &truth.column, &args.seed_columns, spelling)?;
    let mut text = report(&space, &table)?;
    if let Some(seeds) = &seeds {
        text += &format!("seeds       {}\n", noise(seeds));
    }
    print(&text)?;
    let differing: Vec<_> = table.facts().duplicates.iter().filter(|it| !it.agree).collect();
    if let (Duplicates::Error, Some(first)) = (asked, differing.first()) {
        let (path, count, key) = (table.truth.file.clone(), differing.len(), first.key.clone());
        return Err(TableError::Duplicate { path, count, key }.into());
    }
    let architectures: Vec<String> = match table.cells().next() {
        Some(_) => table.cells().map(|(arch, _)| arch.to_owned()).collect(),
        None => vec![space.info.example.clone()],
    };
    table.judge(&architectures, None)?;
    Ok(())
}

/// A line per question.
fn report(space: &Space<'_>, table: &TruthTable) -> Result<String, CliError> {
    let facts = table.facts();
    let mut canonical = HashMap::new();
    for (arch, _) in table.cells() {
        canonical.insert(arch, space.functions.canonical(arch)?);
    }
    let groups: HashSet<&str> = canonical.values().map(String::as_str).collect();
    let mut text = heading(space, table) + "\n";
    // Writing to a string cannot fail.
    let _ = writeln!(
        text,
        "rows        {}: {} architectures in {} isomorphism groups; {} are unknown",
        facts.rows,
        canonical.len(),
        groups.len(),
        facts.unknown.len()
    );
    text += &unknown(space, facts.unknown);
    let _ = writeln!(text, "duplicates  {}", duplicates(table));
    let _ = writeln!(text, "missing     {}", missing(space, &canonical, &groups)?);
    let values: Vec<f64> = table.rows().map(|(_, value)| value).collect();
    let _ = writeln!(text, "values      {}", not_finite(table, values.len()));
    let Ties { distinct, largest, pairs } = Ties::of(&values);
    let _ = writeln!(
        text,
        "ties        {distinct} distinct values, at most {largest} architectures with one; \
         {:.3}% of pairs are tied",
        100.0 * pairs
    );
    Ok(text)
}

fn duplicates(table: &TruthTable) -> String {
    let facts = table.facts();
    let differing: Vec<_> = facts.duplicates.iter().filter(|it| !it.agree).collect();
    let first = differing.first().map(|it| format!("; first: {} in {} rows", it.key, it.rows));
    match facts.duplicates.len() {
        0 => "none".to_owned(),
        count => format!(
            "{count} architectures stand in several rows, {} with different values{}",
            differing.len(),
            first.unwrap_or_default()
        ),
    }
}

/// What the space has and the table has not.
fn missing(
    space: &Space<'_>,
    there: &HashMap<&str, String>,
    known: &HashSet<&str>,
) -> Result<String, CliError> {
    let size = match space.info.size {
        Some(size) if size <= LISTABLE => size,
        Some(size) => return Ok(format!("not counted, the space has {size} architectures")),
        None => return Ok("not counted, the space cannot be enumerated".to_owned()),
    };
    let absent = groups(space, |arch| !there.contains_key(arch))?;
    let new = absent.keys().filter(|group| !known.contains(group.as_str())).count();
    Ok(format!(
        "{} of the space's {size} architectures, {new} of its {} isomorphism groups",
        absent.values().sum::<u64>(),
        known.len() + new
    ))
}

fn not_finite(table: &TruthTable, finite: usize) -> String {
    let mut others = table.cells().filter(|(_, value)| !value.is_finite());
    match others.next() {
        None => format!("{finite}, all finite"),
        Some((arch, value)) => {
            let count = 1 + others.count();
            format!("{finite} are finite, {count} not, and left out; first: {arch} has {value}")
        }
    }
}

/// How well one training ranks architectures by another.
fn noise(seeds: &Seeds) -> String {
    let runs: Vec<Vec<f64>> = seeds.runs().into_values().collect();
    let count = seeds.count();
    let Some((found, mean)) =
        noise_ceiling(&runs).ok().and_then(|it| it.seed_kd.map(|kd| (it, kd)))
    else {
        return format!("{count}; no two rank architectures that both have");
    };
    let taus = || found.pairs.iter().filter_map(|pair| pair.kd);
    let (few, most) = found.pairs.iter().fold((usize::MAX, 0), |(few, most), pair| {
        (few.min(pair.architectures), most.max(pair.architectures))
    });
    format!(
        "{count}; noise ceiling: mean tau-b of {} pairs is {mean:.4} ({:.4} .. {:.4}), over {} \
         architectures",
        taus().count(),
        taus().fold(f64::INFINITY, f64::min),
        taus().fold(f64::NEG_INFINITY, f64::max),
        if few < most { format!("{few} to {most}") } else { few.to_string() }
    )
}

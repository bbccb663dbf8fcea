//! `osee-host truth check`: checks a user's table before anything is scored.

use super::{TableArgs, heading, unknown};
use crate::{
    cli::{
        CliError, lists::once, plugin_args::PluginArgs, print, space::groups,
        value_args::DuplicatesArg,
    },
    loader::Space,
    plan::LISTABLE,
    truth::{TruthError, TruthTable},
};
use clap::Args;
use osee_core::{
    analysis::noise_ceiling,
    criteria::INTERVAL_FROM,
    truth::{Averaged, Duplicates, Ties, averaged},
};
use osee_report::number::fixed;
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
    /// Which row counts when rows of one architecture differ; as the catalogue
    /// says of a data set, else an error, by default.
    #[arg(long, value_enum)]
    duplicates: Option<DuplicatesArg>,
    /// A row is about all architectures isomorphic to its own.
    #[arg(long)]
    truth_isomorphic: bool,
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
    once("--seed-columns", &args.seed_columns)?;
    let registry = args.plugins.registry()?;
    let space = registry.space(&args.space)?;
    let mut source = args.table.source(args.duplicates.map(Into::into))?;
    source.isomorphic |= args.truth_isomorphic;
    let asked = source.duplicates;
    if asked == Duplicates::Error {
        // Differing rows are reported before they are refused.
        source.duplicates = Duplicates::First;
    }
    let (sheet, seeds) = (source.sheet()?, Some(args.seed_columns.as_slice()));
    let table = TruthTable::of(&sheet, &source, Some(&space), "", seeds)?;
    let mut text = report(&space, &table)?;
    if let Some(count) = table.seeds() {
        text += &noise(&table, count);
    }
    print(&text)?;
    if asked == Duplicates::Error {
        table.agreeing()?;
        if source.isomorphic {
            isomorphic_rows_agree(&space, &table)?;
        }
    }
    let architectures: Vec<String> = match table.cells().next() {
        Some(_) => table.cells().map(|(arch, _)| arch.to_owned()).collect(),
        None => vec![space.info.example.clone()],
    };
    table.judge(&architectures, None)?;
    Ok(())
}

/// Answers each question about the table in a line.
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

/// Checks that rows of isomorphic architectures agree if one of these has no row, as
/// far as the space can be enumerated.
fn isomorphic_rows_agree(space: &Space<'_>, table: &TruthTable) -> Result<(), CliError> {
    let mut rows: HashMap<String, Vec<(&str, f64)>> = HashMap::new();
    for row in table.rows() {
        rows.entry(space.functions.canonical(row.0)?).or_default().push(row);
    }
    rows.retain(|_, rows| rows.iter().any(|row| row.1 != rows[0].1));
    let listable = space.info.size.filter(|size| *size <= LISTABLE);
    let (false, Some(size)) = (rows.is_empty(), listable) else { return Ok(()) };
    let known: HashSet<&str> = table.rows().map(|(arch, _)| arch).collect();
    for index in 0..size {
        let arch = space.functions.architecture(index)?;
        if known.contains(arch.as_str()) {
            continue;
        }
        if let Some(rows) = rows.get(&space.functions.canonical(&arch)?) {
            let (file, rows) = (table.truth.file.clone(), rows.len());
            return Err(TruthError::IsomorphicRows { file, arch, rows }.into());
        }
    }
    Ok(())
}

fn duplicates(table: &TruthTable) -> String {
    let facts = table.facts();
    let differing: Vec<_> = facts.duplicates.iter().filter(|it| !it.agree).collect();
    let first = differing.first().map(|it| format!("; first: {} in {} rows", it.key, it.rows));
    match facts.duplicates.len() {
        0 => "none".to_owned(),
        count => format!(
            "{count} architectures are in several rows, {} with different values{}",
            differing.len(),
            first.unwrap_or_default()
        ),
    }
}

/// Says which of the space's architectures the table lacks.
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

/// Says how well one training ranks architectures by another, and the best KD that this
/// noise leaves within reach.
fn noise(table: &TruthTable, count: usize) -> String {
    let rows: Vec<Vec<usize>> = (0..table.cells().count()).map(|row| vec![row]).collect();
    let runs = table.trainings(&rows).unwrap_or_default();
    let found = noise_ceiling(&runs).ok().and_then(|it| it.seed_kd.map(|kd| (it, kd)));
    let Some((found, mean)) = found else {
        return format!("seeds       {count}; no two rank architectures that both have\n");
    };
    let taus = || found.pairs.iter().filter_map(|pair| pair.kd);
    let (few, most) = found.pairs.iter().fold((usize::MAX, 0), |(few, most), pair| {
        (few.min(pair.architectures), most.max(pair.architectures))
    });
    let values: Vec<f64> = rows.iter().map(|rows| table.value(rows)).collect();
    let ceiling = |n: usize| found.ceilings.get(n - 1).map_or(f64::NAN, |it| it.ceiling_kd);
    let ceiling = match averaged(&values, &runs) {
        _ if found.architectures < INTERVAL_FROM => format!(
            "none: {} architectures with two trainings are too few; {INTERVAL_FROM} are needed",
            found.architectures
        ),
        _ if found.ceilings.is_empty() => "none: seeds agree no better than by chance".to_owned(),
        Some(Averaged::Of(1)) => format!("{:.4}, of a single training", ceiling(1)),
        Some(Averaged::Of(n)) => format!("{:.4}, of the mean of {n} trainings", ceiling(n)),
        Some(Averaged::Between { few, most }) => format!(
            "{:.4} to {:.4}: the truth is the mean of {few} to {most} trainings",
            ceiling(few),
            ceiling(most)
        ),
        Some(Averaged::Other { known, equal }) => format!(
            "none: the truth is the mean of these trainings for {equal} of {known} architectures, so they are not the ones behind it"
        ),
        None => "none: no architecture was trained".to_owned(),
    };
    format!(
        "seeds       {count}; noise ceiling: mean tau-b of {} pairs is {} ({} .. {}), over {} \
         architectures\nceiling     {ceiling}\n",
        taus().count(),
        fixed(mean, 4),
        fixed(taus().fold(f64::INFINITY, f64::min), 4),
        fixed(taus().fold(f64::NEG_INFINITY, f64::max), 4),
        if few < most { format!("{few} to {most}") } else { few.to_string() }
    )
}

//! Joins a table of scores with a truth, by architecture.
//!
//! Invariant: a cell without a score was not measured. Its architecture is not
//! judged by that column, and is counted. An infinite score is a failure, and ranks
//! last as a failure of a run does.

use super::{
    MaterialError,
    columns::{Chosen, choose},
    material::{Pairs, there},
};
use crate::{
    catalog::TruthSource,
    loader::Space,
    truth::{Rows, Truth, TruthTable, repeated},
};
use osee_core::{
    criteria::MIN_ARCHITECTURES,
    mean::mean,
    row::Checkpoint,
    truth::{Duplicate, Duplicates, Filter, LeftOut, Sheet, Table, mean_there},
};
use osee_report::number::thousands;
use std::{
    collections::{HashMap, HashSet},
    path::Path,
};

/// The tables to join and the columns to use.
#[derive(Debug)]
pub struct Tables<'a> {
    /// The table with scores.
    pub scores: &'a Path,
    /// Its key column, or a form of several.
    pub key: &'a str,
    /// Columns with scores; all numeric ones if empty. A form such as
    /// `os_acc_s{seed}_e{epoch}` stands for all columns that match it.
    pub columns: &'a [String],
    /// Columns or forms in which low is good, or names of their rows.
    pub negate: &'a [String],
    /// The truth, and the policy for several rows with one key in either table.
    /// Without a key of its own it uses the key of the scores, if its table has that
    /// column, else the space's.
    pub truth: &'a TruthSource,
    /// Conditions that rows must meet, in each table that has such a column.
    pub filters: &'a [Filter],
    /// Columns of the truth's table with single trainings.
    pub seed_columns: &'a [String],
}

/// Scores of one row, one per architecture with a truth.
#[derive(Debug)]
pub struct Judgement {
    /// Name of the row.
    pub name: String,
    /// The row that this is a checkpoint of, with the epoch.
    pub checkpoint: Option<Checkpoint>,
    /// True if low is good in the table.
    pub negated: bool,
    /// Mean over the seeds that have a score, oriented so that higher is better; NaN
    /// where all failed or none was measured.
    pub values: Vec<f64>,
    /// Positions in `values` that were not measured, ascending.
    pub missing: Vec<usize>,
    /// Seed, values and missing positions of each seed; empty for a single column.
    pub seeds: Vec<(u64, Vec<f64>, Vec<usize>)>,
    /// Number of means that rest on fewer seeds than the row has.
    pub partial: usize,
}

impl Judgement {
    /// Scores, NaN where they failed, and truth of the measured architectures.
    pub fn judged<'a>(&'a self, truth: &'a [f64]) -> Pairs<'a> {
        there(&self.values, &self.missing, truth)
    }
}

/// Scores joined with their truth.
#[derive(Debug)]
pub struct Joined {
    /// The truth that judges.
    pub truth_of: Truth,
    /// Names of the architectures with a truth.
    pub architectures: Vec<String>,
    /// Truth of each architecture.
    pub truth: Vec<f64>,
    /// Results of the single trainings behind the truth, per architecture.
    pub trainings: Option<Vec<Vec<f64>>>,
    /// Rows in the order of the names that the user gave, then of the table.
    pub rows: Vec<Judgement>,
    /// Columns that are no scores, with the reason.
    pub left_out: Vec<LeftOut>,
    /// Keys with several rows, in the scores and in the truth.
    pub duplicates: [Vec<Duplicate>; 2],
    /// Number of keys that only the scores have, and the first of them.
    pub only_in_scores: (usize, Option<String>),
    /// Number of keys that only the truth has, and the first of them.
    pub only_in_truth: (usize, Option<String>),
    /// Number of keys whose truth is an empty cell.
    pub without_value: usize,
    /// How rows of one architecture that differ were combined.
    pub policy: Duplicates,
    /// Further notes for a reader, a sentence each.
    pub notes: Vec<String>,
}

/// Reads and joins the tables. With a space, keys are its architectures.
///
/// # Errors
/// A table cannot be read, a name finds nothing, or the tables have no key in common.
pub fn joined(tables: &Tables<'_>, space: Option<&Space<'_>>) -> Result<Joined, MaterialError> {
    let same = same_file(tables.scores, &tables.truth.path);
    let scores = Sheet::read(tables.scores)?;
    let apart = (!same).then(|| Sheet::read(&tables.truth.path)).transpose()?;
    let has = |sheet: &Sheet<'_>, filter: &&Filter| sheet.header().contains(&filter.column);
    let of = |sheet: &Sheet<'_>| -> Vec<Filter> {
        tables.filters.iter().filter(|filter| has(sheet, filter)).cloned().collect()
    };
    let everywhere = |filter: &&Filter| {
        has(&scores, filter) || apart.as_ref().is_some_and(|truth| has(truth, filter))
    };
    if let Some(nowhere) = tables.filters.iter().find(|filter| !everywhere(filter)) {
        return Err(scores.no_column(&nowhere.column, &[]).into());
    }
    let own = of(&scores);
    let scores = scores.only(&own)?;
    let apart = apart.map(|truth| {
        let filters = of(&truth);
        truth.only(&filters)
    });
    let apart = apart.transpose()?;
    let of_truth = apart.as_ref().unwrap_or(&scores);
    let mut source = TruthSource { filters: of(of_truth), ..tables.truth.clone() };
    if source.key.is_none() && (space.is_none() || of_truth.key(tables.key).is_ok()) {
        source.key = Some(tables.key.to_owned());
    }
    let policy = source.duplicates;
    let truth = TruthTable::of(of_truth, &source, space, "", Some(tables.seed_columns))?;
    let spelling = |key: &str| match space {
        Some(space) => space.spelling(key),
        None => Some(key.to_owned()),
    };
    let key = scores.key(tables.key)?;
    let (chosen, mut left_out) = choose(&scores, &key, tables.columns, tables.negate)?;
    let wanted: Vec<usize> = chosen.iter().flat_map(|row| row.columns.values().copied()).collect();
    let table = Table::of(&scores, &key, &wanted, policy, spelling)?;
    let found = truth.find(&table.keys, space)?;
    let (at, of_truth): (Vec<usize>, Vec<Rows>) = found
        .iter()
        .enumerate()
        .filter_map(|(at, rows)| rows.clone().map(|rows| (at, rows)))
        .unzip();
    if at.is_empty() {
        let scores = tables.scores.to_owned();
        let scored: HashSet<&str> = table.keys.iter().map(String::as_str).collect();
        let column = truth.truth.column.clone();
        return Err(match truth.cells().filter(|(arch, _)| scored.contains(arch)).count() {
            0 => MaterialError::NoCommonKey { scores, truth: tables.truth.table.clone() },
            common => MaterialError::NoValue { truth: tables.truth.table.clone(), column, common },
        });
    }
    let values: Vec<f64> = of_truth.iter().map(|rows| truth.value(rows)).collect();
    let trainings = truth.trainings(&of_truth);
    let mut columns = table.columns.iter();
    let mut rows = Vec::new();
    for row in chosen {
        let own: Vec<&Vec<f64>> = columns.by_ref().take(row.columns.len()).collect();
        let cells: Vec<f64> = at.iter().map(|&at| own[0][at]).collect();
        let why = match &row {
            row if row.named => None,
            row if same && row.name == truth.truth.column => Some("it is the truth"),
            row if tables.filters.iter().any(|filter| filter.column == row.name) => {
                Some("its rows were chosen by it")
            }
            _ => copied(&cells, &values, trainings.as_deref()),
        };
        if let Some(why) = why {
            left_out.push(LeftOut { column: row.name, why: why.to_owned() });
            continue;
        }
        rows.push(judgement(row, &own, &at));
    }
    let empty: HashSet<&str> =
        truth.cells().filter(|(_, it)| !it.is_finite()).map(|(arch, _)| arch).collect();
    let mut without: Vec<&String> =
        table.keys.iter().zip(&found).filter(|(_, row)| row.is_none()).map(|it| it.0).collect();
    let before = without.len();
    without.retain(|key| !empty.contains(key.as_str()));
    let used: HashSet<usize> = of_truth.iter().flatten().copied().collect();
    let scored: HashMap<&str, usize> = table.index();
    let mut lonely = truth
        .cells()
        .enumerate()
        .filter(|(row, (arch, _))| !used.contains(row) && !scored.contains_key(arch));
    let first = lonely.next().map(|(_, (arch, _))| arch.to_owned());
    let mut joined = Joined {
        trainings,
        architectures: at.iter().map(|&at| table.keys[at].clone()).collect(),
        truth: values,
        rows,
        left_out,
        only_in_scores: (without.len(), without.first().map(|key| (*key).clone())),
        only_in_truth: (usize::from(first.is_some()) + lonely.count(), first),
        without_value: before - without.len(),
        notes: Vec::new(),
        duplicates: [table.duplicates, truth.facts().duplicates.to_vec()],
        truth_of: truth.truth,
        policy,
    };
    if source.embedded && space.is_none() && joined.only_in_scores.0 > 0 {
        let note = "its rows are about isomorphism groups: --space SPACE looks all of them up";
        joined.truth_of.notes.push(note.to_owned());
    }
    joined.notes = notes(&joined, &own, policy, table.unknown.len());
    Ok(joined)
}

/// The reason why a column is no score: every value equals the truth, or one of
/// the trainings behind it.
fn copied(cells: &[f64], truth: &[f64], trainings: Option<&[Vec<f64>]>) -> Option<&'static str> {
    let same = |of: &dyn Fn(usize) -> Option<f64>| {
        let there = || (0..cells.len()).filter(|&row| !cells[row].is_nan());
        // `mean` rounds to fewer digits than other programs write.
        let equal = |row: usize| of(row).is_some_and(|it| mean(&[it]) == mean(&[cells[row]]));
        there().count() >= MIN_ARCHITECTURES && there().all(equal)
    };
    if same(&|row| Some(truth[row])) {
        return Some("it is the truth");
    }
    let trainings = trainings?;
    let most = trainings.iter().map(Vec::len).max().unwrap_or(0);
    let one = (0..most).any(|seed| same(&|row| trainings[row].get(seed).copied()));
    one.then_some("it is a training of the truth")
}

/// One row's scores: means over its seeds, and each seed by itself.
fn judgement(row: Chosen, columns: &[&Vec<f64>], at: &[usize]) -> Judgement {
    let sign = if row.negated { -1.0 } else { 1.0 };
    let cells = |column: &Vec<f64>| at.iter().map(|&at| sign * column[at]).collect::<Vec<f64>>();
    let several = columns.len() > 1;
    let columns: Vec<Vec<f64>> = columns.iter().map(|column| cells(column)).collect();
    let mut partial = 0;
    let mean = |row: usize| match columns.as_slice() {
        [only] => only[row],
        all => {
            let seeds: Vec<f64> = all.iter().map(|column| column[row]).collect();
            let there = seeds.iter().filter(|score| score.is_finite()).count();
            partial += usize::from(there > 0 && there < seeds.len());
            mean_there(&seeds)
        }
    };
    let (values, missing) = measured((0..at.len()).map(mean).collect());
    let seeds = row.columns.into_keys().zip(columns).map(|(seed, column)| {
        let (values, missing) = measured(column);
        (seed, values, missing)
    });
    Judgement {
        name: row.name,
        checkpoint: row.checkpoint,
        negated: row.negated,
        seeds: if several { seeds.collect() } else { Vec::new() },
        values,
        missing,
        partial,
    }
}

/// Turns infinite scores into NaN (failed); returns the unmeasured positions, too.
fn measured(mut values: Vec<f64>) -> (Vec<f64>, Vec<usize>) {
    let missing = (0..values.len()).filter(|&row| values[row].is_nan()).collect();
    for value in values.iter_mut().filter(|value| value.is_infinite()) {
        *value = f64::NAN;
    }
    (values, missing)
}

fn notes(joined: &Joined, filters: &[Filter], policy: Duplicates, unknown: usize) -> Vec<String> {
    let mut notes = Vec::new();
    let rows = filters.iter().map(|it| format!("{} = {}", it.column, it.value));
    let rows = rows.collect::<Vec<_>>().join(", ");
    if !rows.is_empty() {
        notes.push(format!("scores: only rows with {rows}"));
    }
    let said = repeated(&joined.duplicates[0], policy);
    notes.extend(said.map(|note| format!("scores: {note}")));
    notes.extend(joined.truth_of.notes.iter().map(|note| format!("truth: {note}")));
    if unknown > 0 {
        notes.push(format!("scores: {unknown} keys are not architectures of the space"));
    }
    for (what, left_out) in [("truth", &joined.only_in_scores), ("scores", &joined.only_in_truth)] {
        if let (count, Some(first)) = left_out {
            notes.push(format!("{count} keys have no {what}, first `{first}`"));
        }
    }
    if joined.without_value > 0 {
        notes.push(format!("{} keys have an empty truth", joined.without_value));
    }
    let all = joined.architectures.len();
    for row in &joined.rows {
        if !row.missing.is_empty() {
            let there = thousands(all - row.missing.len());
            let all = thousands(all);
            notes.push(format!(
                "{} is judged over {there} of {all}: it has no score for the rest",
                row.name
            ));
        }
        if row.partial > 0 {
            let (partial, seeds) = (thousands(row.partial), row.seeds.len());
            let name = &row.name;
            notes.push(format!("{partial} means of {name} are of fewer than its {seeds} seeds"));
        }
    }
    let left_out = joined.left_out.iter().map(|it| format!("`{}`: {}", it.column, it.why));
    notes.extend(left_out.map(|it| format!("left out is column {it}")));
    notes
}

fn same_file(one: &Path, other: &Path) -> bool {
    let whole = |path: &Path| std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    whole(one) == whole(other)
}

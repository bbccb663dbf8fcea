//! Scores and truth that anyone computed, as material.

use super::{
    MaterialError,
    from_run::checkpoint,
    material::{Material, Scorer, Structure, ranked},
};
use crate::loader::Space;
use osee_core::{
    analysis::mean_scores,
    truth::{Duplicates, Table, join},
};
use std::{collections::BTreeMap, path::Path};

/// Which columns of which tables.
#[derive(Debug)]
pub struct Tables<'a> {
    /// Table with scores.
    pub scores: &'a Path,
    /// Its key column, or a form of several.
    pub key: &'a str,
    /// Columns with scores; all numeric ones if empty. A form such as
    /// `os_acc_s{seed}_e{epoch}` stands for all columns like it.
    pub columns: &'a [String],
    /// Columns in which low is good; names or forms of `columns`.
    pub negate: &'a [String],
    /// Table with the truth.
    pub truth: &'a Path,
    /// Its key column, or a form of several.
    pub truth_key: &'a str,
    /// Its column with the truth.
    pub truth_column: &'a str,
    /// What becomes of rows with one key.
    pub duplicates: Duplicates,
}

/// A column's row, seed and epoch by a form with `{seed}` and `{epoch}`.
fn read_form(form: &str, column: &str) -> Option<(String, Option<u64>, Option<u64>)> {
    let (mut rest, mut pattern, mut name) = (column, form, String::new());
    let (mut seed, mut epoch) = (None, None);
    while let Some((text, after)) = pattern.split_once('{') {
        let (what, after) = after.split_once('}')?;
        rest = rest.strip_prefix(text)?;
        name += text;
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let number = rest[..digits].parse().ok()?;
        match what {
            "seed" => seed = Some(number),
            "epoch" => epoch = Some(number),
            _ => return None,
        }
        (rest, pattern) = (&rest[digits..], after);
    }
    name += pattern;
    // `os_acc_s` and `_e` are what is left of the form: os_acc.
    let parts: Vec<&str> =
        name.split('_').filter(|part| !matches!(*part, "s" | "e" | "")).collect();
    (rest == pattern).then(|| (parts.join("_"), seed, epoch))
}

/// Reads and joins the tables. With a space, keys are its architectures.
///
/// # Errors
/// When a table cannot be read, the two have nothing in common, or an
/// architecture makes no network.
pub fn from_tables(
    tables: &Tables<'_>,
    space: Option<&Space<'_>>,
) -> Result<Material, MaterialError> {
    let spelling = |key: &str| match space {
        Some(space) => space.spelling(key),
        None => Some(key.to_owned()),
    };
    let forms = tables.columns.iter().any(|column| column.contains('{'));
    let wanted = (!tables.columns.is_empty() && !forms).then_some(tables.columns);
    let policy = tables.duplicates;
    let scores = Table::read_spelt(tables.scores, tables.key, wanted, policy, spelling)?;
    let column = [tables.truth_column.to_owned()];
    let truth = Table::read_spelt(tables.truth, tables.truth_key, Some(&column), policy, spelling)?;
    let mut joined = join(&scores.keys, &truth.keys);
    joined.rows.retain(|(_, at)| truth.columns[0][*at].is_finite());
    if joined.rows.is_empty() {
        let (scores, truth) = (tables.scores.to_owned(), tables.truth.to_owned());
        return Err(MaterialError::NoCommonKey { scores, truth });
    }
    let architectures: Vec<String> =
        joined.rows.iter().map(|(at, _)| scores.keys[*at].clone()).collect();
    let values: Vec<f64> = joined.rows.iter().map(|(_, at)| truth.columns[0][*at]).collect();
    let usual = BTreeMap::new();
    let structure = space.map(|space| Structure::of(space, &usual, &architectures)).transpose()?;
    let shown = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Ok(Material {
        name: shown(tables.scores),
        basis: vec![
            ("Scores".to_owned(), shown(tables.scores)),
            ("Truth".to_owned(), format!("{} of {}", tables.truth_column, shown(tables.truth))),
            ("Architectures".to_owned(), super::material::grouped(architectures.len())),
        ],
        truth_name: tables.truth_column.to_owned(),
        without_truth: scores.keys.len() - architectures.len(),
        scorers: ranked(scorers(tables, &scores, &joined.rows)?, &values),
        architectures,
        truth: values,
        structure,
        ..Material::default()
    })
}

/// Columns as rows: those of one form that differ in their seed are one.
fn scorers(
    tables: &Tables<'_>,
    table: &Table,
    rows: &[(usize, usize)],
) -> Result<Vec<Scorer>, MaterialError> {
    type Named = (String, bool);
    let mut found: BTreeMap<Named, Vec<(u64, Vec<f64>)>> = BTreeMap::new();
    for (column, values) in table.names.iter().zip(&table.columns) {
        let by_form = || {
            let forms = tables.columns.iter().filter(|form| form.contains('{'));
            forms.filter_map(|form| Some((form, read_form(form, column)?))).next()
        };
        let plain = tables.columns.is_empty() || tables.columns.contains(column);
        let (form, (name, seed, epoch)) = match by_form() {
            Some((form, read)) => (form, read),
            None if plain => (column, (column.clone(), None, None)),
            None => continue,
        };
        let negated = tables.negate.contains(form) || tables.negate.contains(column);
        let sign = if negated { -1.0 } else { 1.0 };
        let values = rows.iter().map(|(at, _)| sign * values[*at]).collect();
        let name = epoch.map_or_else(|| name.clone(), |epoch| format!("{name}@{epoch}"));
        found.entry((name, negated)).or_default().push((seed.unwrap_or(0), values));
    }
    let mut scorers = Vec::new();
    for ((name, lower_is_better), mut seeds) in found {
        let columns: Vec<&[f64]> = seeds.iter().map(|(_, values)| values.as_slice()).collect();
        let values = mean_scores(&columns)?;
        if seeds.len() == 1 {
            seeds.clear();
        }
        scorers.push(Scorer {
            checkpoint: checkpoint(&name),
            estimator: name.clone(),
            name,
            kind: None,
            settings: String::new(),
            values,
            seeds,
            milliseconds: None,
            lower_is_better,
            own: false,
        });
    }
    Ok(scorers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_finds_seed_and_epoch() {
        let read = |column| read_form("os_acc_s{seed}_e{epoch}", column);
        let os_acc = || "os_acc".to_owned();
        assert_eq!(read("os_acc_s2020_e100"), Some((os_acc(), Some(2020), Some(100))));
        assert_eq!(read("os_loss_s20_e100"), None);
        assert_eq!(read("os_acc_s20_e100x"), None);
        assert_eq!(read_form("snip", "snip"), Some(("snip".to_owned(), None, None)));
    }
}

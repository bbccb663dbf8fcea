//! Makes the material for analyses from tables of scores and truth, whoever made them.

use super::{
    MaterialError,
    join::{Judgement, Tables, joined},
    material::{JudgedRow, Material, Structure, ranked},
};
use crate::loader::Space;
use osee_report::number::thousands;
use std::{collections::BTreeMap, path::Path};

/// Reads and joins the tables. With a space, keys are its architectures.
///
/// # Errors
/// A table cannot be read, a name finds nothing, the tables have no key in common,
/// or the space refuses an architecture.
pub fn from_tables(
    tables: &Tables<'_>,
    space: Option<&Space<'_>>,
) -> Result<Material, MaterialError> {
    let joined = joined(tables, space)?;
    let usual = BTreeMap::new();
    let structure =
        space.map(|space| Structure::of(space, &usual, &joined.architectures)).transpose()?;
    let shown = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let truth = &joined.truth_of;
    let mut basis = vec![
        ("Scores".to_owned(), shown(tables.scores)),
        ("Truth".to_owned(), truth.heading()),
        ("Architectures".to_owned(), thousands(joined.architectures.len())),
    ];
    if joined.duplicates.iter().any(|it| !it.is_empty()) {
        let policy = format!("{:?}", joined.policy).to_lowercase();
        basis.push(("Rows of one architecture".to_owned(), policy));
    }
    Ok(Material {
        name: shown(tables.scores),
        basis,
        notes: joined.notes,
        truth_name: joined.truth_of.column,
        without_truth: joined.only_in_scores.0 + joined.without_value,
        trainings: joined.trainings,
        rows: ranked(joined.rows.into_iter().map(judged_row).collect(), &joined.truth),
        architectures: joined.architectures,
        truth: joined.truth,
        structure,
        ..Material::default()
    })
}

fn judged_row(row: Judgement) -> JudgedRow {
    let (seeds, missing_by_seed) =
        row.seeds.into_iter().map(|(seed, values, missing)| ((seed, values), missing)).unzip();
    JudgedRow {
        checkpoint: row.checkpoint,
        estimator: row.name.clone(),
        name: row.name,
        kind: None,
        settings: String::new(),
        values: row.values,
        missing: row.missing,
        seeds,
        missing_by_seed,
        milliseconds: None,
        lower_is_better: row.negated,
        user_plugin: false,
    }
}

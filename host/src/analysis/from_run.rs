//! Makes the material for analyses from a run's store.

use super::{
    MaterialError,
    material::{ByBatch, JudgedRow, Material, Neighbourhood, Observed, Structure, ranked},
};
use crate::{
    leaderboard::{Leaderboard, NotRun, Row, dependent},
    loader::Space,
};
use osee_core::{
    analysis::Observation,
    row::RowKey,
    run_dir::SupernetDir,
    store::{Store, StoreError},
};
use osee_model::estimator::{Direction, EstimatorKind};
use osee_report::number::thousands;
use serde_json::json;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

/// Combines what `store` holds with what `board` has judged. Without the space,
/// only the names of the architectures are known.
///
/// # Errors
/// The store cannot be read, or the space refuses an architecture.
pub fn from_run(
    store: &Store,
    board: &Leaderboard,
    space: Option<&Space<'_>>,
) -> Result<Material, MaterialError> {
    let judged = board.judged.clone().ok_or_else(|| match &board.truth {
        Some(_) => MaterialError::TooFewScored(board.scored.notice().trim_end().to_owned()),
        None => MaterialError::NoTruth,
    })?;
    let architectures: Vec<String> =
        judged.positions.iter().map(|&at| board.architectures[at].clone()).collect();
    let ids = store.newest()?;
    let mut rows = Vec::new();
    let mut not_run = board.scored.not_run.clone();
    let mut around: Option<Neighbourhood> = board.neighbourhood.as_ref().map(|all| Neighbourhood {
        architectures: all.positions.iter().map(|&at| board.architectures[at].clone()).collect(),
        neighbours: all.positions.len() - judged.positions.len(),
        truth: all.values.clone(),
        ..Neighbourhood::default()
    });
    for row in &board.rows {
        // A row without any score has no ranking, no bias and no best architecture.
        if judged.positions.iter().all(|&at| row.scores[at].is_nan()) {
            let reason = nothing(row);
            let key = row.key.clone();
            not_run.push(NotRun { key, scored: 0, missing: row.missing, reason });
            continue;
        }
        let RowKey { name, estimator, checkpoint_of, .. } = &row.key;
        let orient = |score: f64| estimator.direction.orient(score);
        let mut seeds: BTreeMap<u64, Vec<f64>> = BTreeMap::new();
        for score in store.scores(ids[name].0)? {
            let column = seeds.entry(score.seed);
            let column = column.or_insert_with(|| vec![f64::NAN; board.architectures.len()]);
            column[score.arch_index] = score.outcome.map_or(f64::NAN, orient);
        }
        let pick = |values: &[f64]| judged.positions.iter().map(|&at| values[at]).collect();
        let once = !estimator.sees_images();
        let seeds = seeds.iter().filter(|_| !once).map(|(seed, values)| (*seed, pick(values)));
        if let (Some(around), Some(all)) = (&mut around, &board.neighbourhood)
            && !row.key.is_meta()
        {
            let values = all.positions.iter().map(|&at| orient(row.scores[at])).collect();
            around.values.insert(name.clone(), values);
        }
        rows.push(JudgedRow {
            name: name.clone(),
            estimator: estimator.id.clone(),
            kind: Some(estimator.kind),
            settings: settings(&row.key),
            values: pick(&row.scores.iter().copied().map(orient).collect::<Vec<_>>()),
            missing: Vec::new(),
            seeds: seeds.collect(),
            missing_by_seed: Vec::new(),
            milliseconds: Some(row.ms_per_arch),
            lower_is_better: estimator.direction == Direction::LowerIsBetter,
            user_plugin: board.user_plugins.contains(&estimator.id),
            checkpoint: checkpoint_of.clone(),
        });
    }
    if rows.is_empty() {
        let reasons: Vec<String> =
            not_run.iter().map(|row| format!("{}: {}", row.key.name, row.reason)).collect();
        return Err(MaterialError::TooFewScored(reasons.join("\n")));
    }
    let given = store.study()?.space.settings;
    let of = |architectures: &[String]| -> Result<Option<Structure>, MaterialError> {
        space.map(|space| Structure::of(space, &given, architectures)).transpose()
    };
    let structure = of(&architectures)?;
    if let Some(around) = &mut around {
        around.structure = of(&around.architectures)?;
    }
    let truth = board.truth.as_ref().map(|truth| truth.column.clone()).unwrap_or_default();
    Ok(Material {
        name: board.name.clone(),
        basis: basis(board),
        notes: board
            .truth
            .iter()
            .flat_map(|it| &it.notes)
            .map(|it| format!("truth: {it}"))
            .chain(dependent(&board.rows))
            .collect(),
        truth_name: truth,
        without_truth: board.without_truth,
        progress: board.scored.progress(),
        not_run,
        trainings: None,
        structure,
        neighbourhood: around,
        evaluations: evaluations(store, board, &architectures)?,
        observed: observed(store, board)?,
        architectures,
        rows: ranked(rows, &judged.values),
        truth: judged.values,
        ..Material::default()
    })
}

/// The reason why a row has no score for any judged architecture.
fn nothing(row: &Row) -> String {
    let kinds = row.failures.iter().map(|(kind, count)| {
        let example = row.examples.get(kind).map_or("", String::as_str);
        format!("{count} x {kind}, such as: {example}")
    });
    format!("none of its scores is a number: {}", kinds.collect::<Vec<_>>().join("; "))
}

fn basis(board: &Leaderboard) -> Vec<(String, String)> {
    let seeds: Vec<String> = board.seeds.iter().map(u64::to_string).collect();
    let architectures = board.scored.progress().unwrap_or_else(|| counted(board));
    let mut basis = vec![
        ("Search space".to_owned(), board.space.clone()),
        ("Architectures".to_owned(), format!("{architectures} ({})", board.subset)),
        ("Seeds".to_owned(), seeds.join(", ")),
        ("Protocol".to_owned(), board.protocol.clone()),
        ("Data".to_owned(), board.data.clone()),
    ];
    if let Some(truth) = &board.truth {
        basis.push(("Truth".to_owned(), truth.heading()));
    }
    basis
}

/// Counts as text: "300", or "300, and 480 neighbours".
fn counted(board: &Leaderboard) -> String {
    let drawn = thousands(board.drawn);
    match board.architectures.len() - board.drawn {
        0 => drawn,
        neighbours => format!("{drawn}, and {} neighbours", thousands(neighbours)),
    }
}

/// The row's settings and, of a one-shot row, the epochs that it scores.
fn settings(key: &RowKey) -> String {
    let settings = key.estimator.settings.iter();
    let mut text: Vec<String> =
        settings.map(|(key, value)| format!("{key}={}", json!(value))).collect();
    if let Some(weights) = key.supernet() {
        text.push(format!("epochs={:?}", weights.epochs));
    }
    text.join(", ")
}

/// Observations that trainings left beside their checkpoints, by supernet and seed.
fn observed(store: &Store, board: &Leaderboard) -> Result<Vec<Observed>, MaterialError> {
    let mut found: Vec<Observed> = Vec::new();
    let mut known = BTreeSet::new();
    for key in one_shot(board) {
        let Some(weights) = key.supernet().filter(|it| known.insert(it.key.clone())) else {
            continue;
        };
        for &seed in &*board.seeds {
            let dir = store.dir().supernet(&key.estimator.id, &weights.key, seed);
            let epochs = observations(&dir)?;
            if !epochs.is_empty() {
                found.push(Observed { name: key.base().to_owned(), seed, epochs });
            }
        }
    }
    Ok(found)
}

/// Keys of the one-shot rows.
fn one_shot(board: &Leaderboard) -> impl Iterator<Item = &RowKey> {
    let keys = board.rows.iter().map(|row| &row.key);
    keys.filter(|key| key.estimator.kind == EstimatorKind::OneShot)
}

/// Observations in a supernet's folder, in order of epochs; empty if there is no
/// such folder.
fn observations(dir: &SupernetDir) -> Result<Vec<Observation>, MaterialError> {
    let read = |file: PathBuf| {
        let wrong = |reason: String| MaterialError::Observation { file: file.clone(), reason };
        let text = std::fs::read_to_string(&file).map_err(|error| wrong(error.to_string()))?;
        serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))
    };
    dir.observations().into_iter().map(read).collect()
}

/// Validation batches of the one-shot rows, once per supernet and set of epochs.
fn evaluations(
    store: &Store,
    board: &Leaderboard,
    architectures: &[String],
) -> Result<Vec<ByBatch>, StoreError> {
    let mut asked: BTreeMap<(String, Vec<u32>), String> = BTreeMap::new();
    for key in one_shot(board).filter(|key| key.checkpoint_of.is_none()) {
        if let Some(weights) = key.supernet() {
            let asked = asked.entry((weights.key.clone(), weights.epochs.clone()));
            asked.or_insert_with(|| key.name.clone());
        }
    }
    if asked.is_empty() {
        return Ok(Vec::new());
    }
    let mut found: BTreeMap<(String, u64), ByBatch> = BTreeMap::new();
    for (at, arch) in architectures.iter().enumerate() {
        for one in store.evaluations(arch)? {
            let Some(name) = asked.get(&(one.supernet, one.epochs)) else { continue };
            let columns = || vec![vec![f64::NAN; architectures.len()]; one.batches.len()];
            let by_batch = found.entry((name.clone(), one.seed)).or_insert_with(|| ByBatch {
                name: name.clone(),
                seed: one.seed,
                images: one.batches.first().map_or(0, |batch| batch.images),
                accuracy: columns(),
                loss: columns(),
            });
            let columns = by_batch.accuracy.iter_mut().zip(&mut by_batch.loss);
            for ((accuracy, loss), batch) in columns.zip(&one.batches) {
                (accuracy[at], loss[at]) = (batch.accuracy(), -batch.loss);
            }
        }
    }
    Ok(found.into_values().collect())
}

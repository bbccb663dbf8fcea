//! Meta estimators: computed from stored columns when those are complete.

use super::RunError;
use crate::{
    loader::Registry,
    worker::{Named, finite},
};
use osee_core::{
    estimator::EstimatorKind,
    settings::Settings,
    store::{Outcome, Record, Score, ScorerId, ScorerKey, Store},
};
use osee_sdk::abi::root::{Foreign, ForeignMeta};

/// Refuses a meta estimator whose experts are not among `named`.
pub fn check_experts(named: &[Named], registry: &Registry) -> Result<(), RunError> {
    for meta in named.iter().filter(|named| named.kind == EstimatorKind::Meta) {
        for expert in create(&meta.id, &meta.settings, registry)?.needs()? {
            let there = |it: &Named| it.name == expert && it.kind != EstimatorKind::Meta;
            if !named.iter().any(there) {
                return Err(RunError::MissingExpert { meta: meta.name.clone(), expert });
            }
        }
    }
    Ok(())
}

fn create(id: &str, settings: &Settings, registry: &Registry) -> Result<ForeignMeta, RunError> {
    let (plugin, _) = registry.estimator(id)?;
    match plugin.functions.create(id, settings)? {
        Foreign::Meta(meta) => Ok(meta),
        _ => Err(osee_sdk::Error::new(format!("`{id}` is no meta estimator")).into()),
    }
}

/// A study's rows in a store, and what it is of.
pub struct Population<'a> {
    /// In order.
    pub architectures: &'a [String],
    /// Rows that score architectures.
    pub experts: Vec<(ScorerId, ScorerKey)>,
    /// Rows that judge by those.
    pub meta: Vec<(ScorerId, ScorerKey)>,
    /// What their results are stored under.
    pub seed: u64,
    /// Where the rest was computed.
    pub device: &'a str,
}

/// Computes every meta estimator over the whole population, scores averaged
/// over seeds first, as the study does.
pub fn finish(
    population: &Population<'_>,
    registry: &Registry,
    store: &mut Store,
) -> Result<(), RunError> {
    let Population { architectures, experts: rows, meta, seed, device } = population;
    for (scorer, key) in meta {
        let settings = serde_json::from_str(&key.settings).map_err(|error| {
            osee_sdk::Error::new(format!("settings of `{}`: {error}", key.name))
        })?;
        let functions = create(&key.estimator, &settings, registry)?;
        let experts = functions.needs()?;
        let mut columns = Vec::new();
        let mut milliseconds = 0.0;
        for expert in &experts {
            let Some((id, key)) = rows.iter().find(|(_, key)| key.name == *expert) else {
                continue;
            };
            let scores = store.scores(*id)?;
            let cost: f64 = scores.iter().map(|score| score.milliseconds).sum();
            milliseconds += cost / scores.len().max(1) as f64;
            let means = seed_means(&scores, architectures.len());
            columns.push(means.into_iter().map(|mean| key.direction.orient(mean)).collect());
        }
        let population = osee_sdk::Population {
            architectures: architectures.to_vec(),
            estimators: experts,
            columns,
        };
        // What it cannot score, or answers wrongly, is its own row's failure.
        let outcomes: Vec<Outcome> = match functions.scores(&population) {
            Ok(scores) => scores.into_iter().map(|score| finite(Ok(score))).collect(),
            Err(error) => vec![Err(error.into()); architectures.len()],
        };
        let records: Vec<Record> = outcomes
            .into_iter()
            .enumerate()
            .map(|(arch, outcome)| Record {
                scorer: *scorer,
                arch,
                seed: *seed,
                outcome,
                milliseconds,
                device: (*device).to_owned(),
            })
            .collect();
        store.replace(*scorer, &records)?;
    }
    Ok(())
}

/// Per architecture the mean over the seeds that have a score; NaN if none.
pub fn seed_means(scores: &[Score], architectures: usize) -> Vec<f64> {
    let mut sums = vec![(0.0, 0u32); architectures];
    for score in scores {
        if let (Ok(value), Some((sum, count))) = (&score.outcome, sums.get_mut(score.arch)) {
            *sum += value;
            *count += 1;
        }
    }
    // Without any score that is 0 / 0.
    sums.into_iter().map(|(sum, count)| sum / f64::from(count)).collect()
}

//! Meta estimators: computed from stored columns when those are complete.

use super::{Plan, RunError};
use crate::{
    loader::Registry,
    worker::{Named, finite},
};
use osee_core::{
    estimator::EstimatorKind,
    store::{Record, Score, Store},
};
use osee_sdk::{
    Population,
    abi::root::{Foreign, ForeignMeta},
};
use std::collections::HashMap;

/// Refuses a meta estimator whose experts are not among `named`.
pub fn check_experts(named: &[Named], registry: &Registry) -> Result<(), RunError> {
    for meta in named.iter().filter(|named| named.kind == EstimatorKind::Meta) {
        for expert in create(meta, registry)?.needs()? {
            let there = |it: &Named| it.name == expert && it.kind != EstimatorKind::Meta;
            if !named.iter().any(there) {
                return Err(RunError::MissingExpert { meta: meta.name.clone(), expert });
            }
        }
    }
    Ok(())
}

fn create(named: &Named, registry: &Registry) -> Result<ForeignMeta, RunError> {
    let (plugin, _) = registry.estimator(&named.id)?;
    match plugin.functions.create(&named.id, &named.settings)? {
        Foreign::Meta(meta) => Ok(meta),
        _ => Err(osee_sdk::Error::new(format!("`{}` is no meta estimator", named.id)).into()),
    }
}

/// Computes every meta estimator over the whole population, scores averaged
/// over seeds first, as the study does.
pub fn finish(plan: &Plan, registry: &Registry, store: &mut Store) -> Result<(), RunError> {
    let scorers = plan.scorers(store)?;
    for (meta, scorer) in plan.meta.iter().zip(plan.meta_scorers(store)?) {
        let functions = create(meta, registry)?;
        let experts = functions.needs()?;
        let mut columns = Vec::new();
        let mut milliseconds = 0.0;
        for expert in &experts {
            let at = plan.setup.estimators.iter().position(|it| it.name == *expert);
            let Some(at) = at else { continue };
            let scores = store.scores(scorers[at])?;
            let cost: f64 = scores.iter().map(|score| score.milliseconds).sum();
            milliseconds += cost / scores.len().max(1) as f64;
            let direction = plan.setup.estimators[at].direction;
            let means = seed_means(&scores, plan.architectures.len());
            columns.push(means.into_iter().map(|mean| direction.orient(mean)).collect());
        }
        let population =
            Population { architectures: plan.architectures.clone(), estimators: experts, columns };
        let records: Vec<Record> = functions
            .scores(&population)?
            .into_iter()
            .enumerate()
            .map(|(arch, value)| Record {
                scorer,
                arch,
                seed: plan.seeds[0],
                outcome: finite(Ok(value)),
                milliseconds,
                device: plan.setup.device.clone(),
            })
            .collect();
        store.replace(scorer, &records)?;
    }
    Ok(())
}

/// Per architecture the mean over the seeds that have a score; NaN if none.
pub fn seed_means(scores: &[Score], architectures: usize) -> Vec<f64> {
    let mut sums: HashMap<usize, (f64, u32)> = HashMap::new();
    for score in scores {
        if let Ok(value) = score.outcome {
            let (sum, count) = sums.entry(score.arch).or_default();
            *sum += value;
            *count += 1;
        }
    }
    let mean = |arch: usize| match sums.get(&arch) {
        Some((sum, count)) => sum / f64::from(*count),
        None => f64::NAN,
    };
    (0..architectures).map(mean).collect()
}

//! Meta estimators: computed from stored columns when those are complete.

use super::{Isolation, RunError};
use crate::{
    loader::Registry,
    worker::{Limits, MetaSetup, Named, Worker, finite},
};
use osee_core::{
    estimator::{EstimatorKind, Failure, FailureKind},
    settings::Settings,
    store::{Outcome, Record, Score, ScorerId, ScorerKey, Store},
};
use osee_sdk::abi::root::{Foreign, ForeignMeta};
use std::path::Path;

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

/// Where meta estimators run, and with which limits.
pub struct Bench<'a> {
    /// In a worker each, or in the host.
    pub isolation: Isolation,
    /// Of a worker.
    pub limits: Limits,
    /// The run's directory, for what they print.
    pub dir: &'a Path,
}

/// Computes every meta estimator over the whole population, scores averaged
/// over seeds first, as the study does. One that fails has the failure for
/// every architecture.
pub fn finish(
    population: &Population<'_>,
    registry: &Registry,
    store: &mut Store,
    bench: &Bench<'_>,
) -> Result<(), RunError> {
    for (scorer, key) in &population.meta {
        let settings = serde_json::from_str(&key.settings).map_err(|error| {
            osee_sdk::Error::new(format!("settings of `{}`: {error}", key.name))
        })?;
        let (outcomes, milliseconds) = match Judge::new(key, settings, registry, bench)? {
            Ok((judge, experts)) => {
                let (columns, milliseconds) = columns(population, experts, store)?;
                let scores = judge.scores(columns)?;
                (outcomes(scores, population.architectures.len()), milliseconds)
            }
            Err(failure) => (vec![Err(failure); population.architectures.len()], 0.0),
        };
        let record = |(arch, outcome)| Record {
            scorer: *scorer,
            arch,
            seed: population.seed,
            outcome,
            milliseconds,
            device: population.device.to_owned(),
        };
        let records: Vec<Record> = outcomes.into_iter().enumerate().map(record).collect();
        store.replace(*scorer, &records)?;
    }
    Ok(())
}

/// A meta estimator, where it runs.
enum Judge {
    Here(ForeignMeta),
    Apart(Box<Worker>),
}

impl Judge {
    /// With the experts that it needs.
    fn new(
        key: &ScorerKey,
        settings: Settings,
        registry: &Registry,
        bench: &Bench<'_>,
    ) -> Result<Result<(Self, Vec<String>), Failure>, RunError> {
        if bench.isolation == Isolation::None {
            let meta = create(&key.estimator, &settings, registry)?;
            let needs = meta.needs()?;
            return Ok(Ok((Self::Here(meta), needs)));
        }
        let (plugins, id) = (registry.pinned(), key.estimator.clone());
        let log = bench.dir.join("worker-meta.log");
        let started = Worker::meta(MetaSetup { plugins, id, settings }, &log, bench.limits)?;
        Ok(started.map(|(worker, needs)| (Self::Apart(Box::new(worker)), needs)))
    }

    fn scores(
        self,
        population: osee_sdk::Population,
    ) -> Result<Result<Vec<f64>, Failure>, RunError> {
        match self {
            Self::Here(meta) => Ok(meta.scores(&population).map_err(Failure::from)),
            Self::Apart(worker) => Ok(worker.judge(population)?),
        }
    }
}

/// What an estimator with these experts judges by, and what that costs per
/// architecture, in milliseconds.
fn columns(
    population: &Population<'_>,
    experts: Vec<String>,
    store: &Store,
) -> Result<(osee_sdk::Population, f64), RunError> {
    let architectures = population.architectures;
    let mut columns = Vec::new();
    let mut milliseconds = 0.0;
    for expert in &experts {
        let Some((id, key)) = population.experts.iter().find(|(_, key)| key.name == *expert) else {
            continue;
        };
        let scores = store.scores(*id)?;
        let cost: f64 = scores.iter().map(|score| score.milliseconds).sum();
        milliseconds += cost / scores.len().max(1) as f64;
        let means = seed_means(&scores, architectures.len());
        columns.push(means.into_iter().map(|mean| key.direction.orient(mean)).collect());
    }
    let architectures = architectures.to_vec();
    let population = osee_sdk::Population { architectures, estimators: experts, columns };
    Ok((population, milliseconds))
}

/// One outcome per architecture, whatever the estimator gave.
fn outcomes(scores: Result<Vec<f64>, Failure>, architectures: usize) -> Vec<Outcome> {
    let failure = match scores {
        Ok(scores) if scores.len() == architectures => {
            return scores.into_iter().map(|score| finite(Ok(score))).collect();
        }
        Ok(scores) => {
            let what = format!("{} scores for {architectures} architectures", scores.len());
            Failure::new(FailureKind::Error, what)
        }
        Err(failure) => failure,
    };
    vec![Err(failure); architectures]
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

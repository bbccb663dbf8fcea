//! Meta estimators: computed from stored columns when those are complete.

use super::{Isolation, RunError};
use crate::{
    loader::Registry,
    stop::Stop,
    worker::{Limits, MetaSetup, Named, Worker, WorkerError, finite},
};
use osee_core::store::{Outcome, Record, Score, ScorerId, ScorerKey, Store, seed_means};
use osee_model::{
    estimator::{EstimatorKind, Failure, FailureKind},
    settings::Settings,
};
use osee_sdk::abi::{instance::Foreign, kinds::meta::ForeignMeta};
use std::path::Path;

/// Refuses a meta estimator whose experts are not among `named`, and meta
/// estimators that judge by one another in a circle.
pub fn check_experts(named: &[Named], registry: &Registry) -> Result<(), RunError> {
    let mut needs = Vec::new();
    for meta in named.iter().filter(|named| named.kind == EstimatorKind::Meta) {
        let experts = create(&meta.id, &meta.settings, registry)?.needs()?;
        if let Some(expert) = experts.iter().find(|it| named.iter().all(|row| row.name != **it)) {
            let expert = expert.clone();
            return Err(RunError::MissingExpert { meta: meta.name.clone(), expert });
        }
        needs.push((meta.name.clone(), experts));
    }
    order(&needs).map(drop)
}

/// Positions of meta estimators, given by name and experts, so that each comes
/// after its experts; else as they are.
fn order(needs: &[(String, Vec<String>)]) -> Result<Vec<usize>, RunError> {
    let mut order: Vec<usize> = Vec::with_capacity(needs.len());
    while order.len() < needs.len() {
        let left = |at: &usize| !order.contains(at);
        let waits =
            |expert: &String| (0..needs.len()).filter(left).any(|other| needs[other].0 == *expert);
        let ready = |at: &usize| !needs[*at].1.iter().any(waits);
        match (0..needs.len()).filter(left).find(ready) {
            Some(next) => order.push(next),
            None => return Err(RunError::Circle(circle(needs, &order))),
        }
    }
    Ok(order)
}

/// A circle among those that are not in `order`, each of which waits for
/// another.
fn circle(needs: &[(String, Vec<String>)], order: &[usize]) -> Vec<String> {
    let mut path: Vec<usize> = Vec::new();
    let mut next = (0..needs.len()).find(|at| !order.contains(at));
    while let Some(at) = next {
        if let Some(first) = path.iter().position(|it| *it == at) {
            path.drain(..first);
            break;
        }
        path.push(at);
        let waits = |other: &usize| needs[at].1.contains(&needs[*other].0);
        next = (0..needs.len()).filter(|other| !order.contains(other)).find(waits);
    }
    path.into_iter().map(|at| needs[at].0.clone()).collect()
}

/// A meta estimator as it was stored.
fn stored(key: &ScorerKey, registry: &Registry) -> Result<ForeignMeta, RunError> {
    let settings = serde_json::from_str(&key.settings)
        .map_err(|error| osee_sdk::Error::new(format!("settings of `{}`: {error}", key.name)))?;
    create(&key.estimator, &settings, registry)
}

/// Stored meta estimators in the order in which they can be computed.
fn in_order<'a>(
    meta: &'a [(ScorerId, ScorerKey)],
    registry: &Registry,
) -> Result<Vec<&'a (ScorerId, ScorerKey)>, RunError> {
    let needs =
        |(_, key): &(ScorerId, ScorerKey)| Ok((key.name.clone(), stored(key, registry)?.needs()?));
    let needs = meta.iter().map(needs).collect::<Result<Vec<_>, RunError>>()?;
    Ok(order(&needs)?.into_iter().map(|at| &meta[at]).collect())
}

fn create(id: &str, settings: &Settings, registry: &Registry) -> Result<ForeignMeta, RunError> {
    let (plugin, info) = registry.estimator(id)?;
    match plugin.functions.create(info.kind, id, settings)? {
        Foreign::Meta(meta) => Ok(meta),
        _ => Err(osee_sdk::Error::new(format!("`{id}` is no meta estimator")).into()),
    }
}

/// One of `meta` with an expert that is neither among them nor among `experts`.
pub fn without_expert(
    meta: &[(ScorerId, ScorerKey)],
    experts: &[(ScorerId, ScorerKey)],
    registry: &Registry,
) -> Result<Option<(String, String)>, RunError> {
    for (_, key) in meta {
        let there = |name: &String| meta.iter().chain(experts).any(|(_, it)| it.name == *name);
        let mut needs = stored(key, registry)?.needs()?.into_iter();
        if let Some(expert) = needs.find(|name| !there(name)) {
            return Ok(Some((key.name.clone(), expert)));
        }
    }
    Ok(None)
}

/// A study's rows in a store, and what it is of.
pub struct Population<'a> {
    /// In order, without neighbours: a vote depends on who is voted on.
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
    /// Ends them early.
    pub stop: &'a Stop,
}

/// Computes every meta estimator over the whole population, scores averaged
/// over seeds first, as the study does. One that fails has the failure for
/// every architecture. How many are left because the run was told to stop; they
/// are as they were.
pub fn finish(
    population: &Population<'_>,
    registry: &Registry,
    store: &mut Store,
    bench: &Bench<'_>,
) -> Result<usize, RunError> {
    let all = in_order(&population.meta, registry)?;
    for (done, (scorer, key)) in all.iter().enumerate() {
        if bench.stop.is_set() {
            return Ok(all.len() - done);
        }
        let settings = serde_json::from_str(&key.settings).map_err(|error| {
            osee_sdk::Error::new(format!("settings of `{}`: {error}", key.name))
        })?;
        let voted = vote(population, (key, settings), registry, store, bench);
        let (scores, milliseconds) = match voted {
            Err(RunError::Worker(WorkerError::Stopped)) => return Ok(all.len() - done),
            voted => voted?,
        };
        let outcomes: Vec<Outcome> = match scores {
            Ok(scores) => scores.into_iter().map(|score| finite(Ok(score))).collect(),
            Err(failure) => vec![Err(failure); population.architectures.len()],
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
    Ok(0)
}

/// The scores of one of them, one per architecture, and what they cost per
/// architecture, in milliseconds.
fn vote(
    population: &Population<'_>,
    (key, settings): (&ScorerKey, Settings),
    registry: &Registry,
    store: &Store,
    bench: &Bench<'_>,
) -> Result<(Result<Vec<f64>, Failure>, f64), RunError> {
    match Judge::new(key, settings, registry, bench)? {
        Ok((judge, experts)) => match columns(population, experts, store)? {
            Ok((columns, milliseconds)) => Ok((judge.scores(columns)?, milliseconds)),
            Err(failure) => Ok((Err(failure), 0.0)),
        },
        Err(failure) => Ok((Err(failure), 0.0)),
    }
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
        let setup = MetaSetup { plugins, id, settings };
        let log = bench.dir.join("worker-meta.log");
        let started = Worker::meta(setup, &log, bench.limits, bench.stop)?;
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
/// architecture, in milliseconds; a failure where an expert has no scores, for a
/// vote of the others would pass for one of all.
fn columns(
    population: &Population<'_>,
    experts: Vec<String>,
    store: &Store,
) -> Result<Result<(osee_sdk::Population, f64), Failure>, RunError> {
    let architectures = population.architectures;
    let mut columns = Vec::new();
    let mut milliseconds = 0.0;
    for expert in &experts {
        let Some((id, key)) =
            population.experts.iter().chain(&population.meta).find(|(_, key)| key.name == *expert)
        else {
            continue;
        };
        let scores = store.scores(*id)?;
        if let Some(failure) = without_scores(expert, &scores) {
            return Ok(Err(failure));
        }
        let cost: f64 = scores.iter().map(|score| score.milliseconds).sum();
        // What a vote costs is what its voters cost, with all their seeds.
        milliseconds += cost / architectures.len().max(1) as f64;
        let means = seed_means(&scores, architectures.len());
        columns.push(means.into_iter().map(|mean| key.direction.orient(mean)).collect());
    }
    let architectures = architectures.to_vec();
    let seed = population.seed;
    let population = osee_sdk::Population { architectures, estimators: experts, columns, seed };
    Ok(Ok((population, milliseconds)))
}

/// Why nobody can judge by an expert: its supernet was not trained, or none of its
/// scores could be had.
fn without_scores(expert: &str, scores: &[Score]) -> Option<Failure> {
    let mut failures = scores.iter().filter_map(|score| score.outcome.as_ref().err());
    let untrained = failures.clone().find(|failure| failure.kind == FailureKind::Untrained);
    let (kind, why) = match untrained {
        Some(untrained) => (FailureKind::Untrained, untrained),
        None if scores.iter().any(|score| score.outcome.is_ok()) => return None,
        None => (FailureKind::Error, failures.next()?),
    };
    let why = why.message.trim_start_matches("its expert ");
    Some(Failure::new(kind, format!("its expert `{expert}` has no scores: {why}")))
}

#[cfg(test)]
mod tests {
    use super::{RunError, order, without_scores};
    use osee_core::store::{Outcome, Score};
    use osee_model::estimator::{Failure, FailureKind};

    fn named(needs: &[(&str, &str)]) -> Result<String, String> {
        let split = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        let needs: Vec<_> =
            needs.iter().map(|(name, experts)| ((*name).to_owned(), split(experts))).collect();
        match order(&needs) {
            Ok(order) => Ok(order.into_iter().map(|at| needs[at].0.as_str()).collect()),
            Err(RunError::Circle(names)) => Err(names.join(" ")),
            Err(error) => panic!("{error}"),
        }
    }

    #[test]
    fn an_expert_without_any_score_is_named_and_one_with_some_is_not() {
        let scores = |outcomes: &[Outcome]| -> Vec<Score> {
            let score = |(arch, outcome): (usize, &Outcome)| Score {
                arch,
                seed: 0,
                outcome: outcome.clone(),
                milliseconds: 1.0,
            };
            outcomes.iter().enumerate().map(score).collect()
        };
        let failed = |kind| Err(Failure::new(kind, "the disk is full"));
        let why = |outcomes: &[Outcome]| without_scores("a", &scores(outcomes));
        let words = "its expert `a` has no scores: the disk is full";
        for kind in [FailureKind::Untrained, FailureKind::Crash] {
            let failure = why(&[failed(kind), failed(kind)]).unwrap();
            assert_eq!(failure.message, words);
            assert_eq!(failure.kind == FailureKind::Untrained, kind == FailureKind::Untrained);
        }
        // One seed of a supernet is no supernet.
        assert!(why(&[Ok(1.0), failed(FailureKind::Untrained)]).is_some());
        assert_eq!(why(&[Ok(1.0), failed(FailureKind::Crash)]), None);
        assert_eq!(why(&[]), None);
    }

    #[test]
    fn experts_come_first_and_a_circle_is_named_without_what_leads_to_it() {
        assert_eq!(named(&[]), Ok(String::new()));
        assert_eq!(named(&[("a", "x y"), ("b", "x")]), Ok("ab".to_owned()));
        assert_eq!(named(&[("a", "b c"), ("b", "c x"), ("c", "y")]), Ok("cba".to_owned()));
        assert_eq!(named(&[("a", "a")]), Err("a".to_owned()));
        assert_eq!(
            named(&[("d", "x"), ("a", "b"), ("b", "c"), ("c", "b d")]),
            Err("b c".to_owned())
        );
    }
}

//! Computes meta estimators from stored columns of scores, once those are complete.

use super::{Isolation, RunError};
use crate::{
    loader::Registry,
    plan::experts,
    stop::Stop,
    worker::{Limits, MetaSetup, Worker, WorkerError, finite},
};
use osee_core::{
    row::{EstimatorKey, RowKey},
    run_dir::RunDir,
    store::{Outcome, PopulationId, Record, RowId, Score, Store, StoreWriter, seed_means},
};
use osee_model::{
    device::DeviceName,
    estimator::{Failure, FailureKind},
};
use osee_sdk::abi::kinds::meta::ForeignMeta;

/// Finds an estimator of `meta` with an expert that is neither in `meta` nor in
/// `experts`. Returns the names of both.
pub fn without_expert(
    meta: &[(RowId, RowKey)],
    experts: &[(RowId, RowKey)],
    registry: &Registry,
) -> Result<Option<(String, String)>, RunError> {
    for (_, key) in meta {
        let there = |name: &String| meta.iter().chain(experts).any(|(_, it)| it.name == *name);
        let mut needs = experts::create(&key.estimator, registry)?.needs()?.into_iter();
        if let Some(expert) = needs.find(|name| !there(name)) {
            return Ok(Some((key.name.clone(), expert)));
        }
    }
    Ok(None)
}

/// The rows of a study in a store, and the architectures they score.
pub struct Population<'a> {
    /// In order, without neighbours, since a vote depends on the whole population.
    pub architectures: &'a [String],
    /// Rows that score architectures.
    pub experts: Vec<(RowId, RowKey)>,
    /// Rows of meta estimators.
    pub meta: Vec<(RowId, RowKey)>,
    /// The seed that their results are stored under.
    pub seed: u64,
    /// The device that the experts' scores were computed on.
    pub device: DeviceName,
}

/// Where meta estimators run, and under which limits.
pub struct Place<'a> {
    /// In a worker each, or in the host.
    pub isolation: Isolation,
    /// Limits of each worker.
    pub limits: Limits,
    /// The run's directory, for the log of what they print.
    pub dir: &'a RunDir,
    /// Ends them early when set.
    pub stop: &'a Stop,
}

/// Computes every meta estimator over the whole population, from scores averaged over
/// seeds, as in the paper. One that fails gets the failure for every architecture.
/// Returns how many are left, unchanged, because the run was told to stop.
pub fn finish(
    population: &Population<'_>,
    registry: &Registry,
    store: &mut StoreWriter,
    place: &Place<'_>,
) -> Result<usize, RunError> {
    let order = experts::in_order(population.meta.iter().map(|(_, key)| key), registry)?;
    let all: Vec<_> = order.into_iter().map(|at| &population.meta[at]).collect();
    for (done, (row, key)) in all.iter().enumerate() {
        if place.stop.is_set() {
            return Ok(all.len() - done);
        }
        let voted = match vote(population, key, registry, store, place) {
            Err(RunError::Worker(WorkerError::Stopped)) => return Ok(all.len() - done),
            voted => voted?,
        };
        let Voted { outcomes, milliseconds, population: id } = voted;
        let record = |(arch_index, outcome)| Record {
            row: *row,
            arch_index,
            seed: population.seed,
            outcome,
            milliseconds,
            device: population.device.to_string(),
        };
        let records: Vec<Record> = outcomes.into_iter().enumerate().map(record).collect();
        store.replace(*row, &records, id.as_ref())?;
    }
    Ok(0)
}

/// The results of one meta estimator.
struct Voted {
    /// One per architecture.
    outcomes: Vec<Outcome>,
    /// Of each architecture.
    milliseconds: f64,
    /// What the outcomes depend on; `None` if there was nothing to judge by.
    population: Option<PopulationId>,
}

/// Computes one meta estimator.
fn vote(
    population: &Population<'_>,
    key: &RowKey,
    registry: &Registry,
    store: &Store,
    place: &Place<'_>,
) -> Result<Voted, RunError> {
    let failed = |failure: Failure| vec![Err(failure); population.architectures.len()];
    let nothing =
        |failure| Ok(Voted { outcomes: failed(failure), milliseconds: 0.0, population: None });
    let (judge, experts) = match Judge::new(key, registry, place)? {
        Ok(made) => made,
        Err(failure) => return nothing(failure),
    };
    let (columns, milliseconds) = match columns(population, experts, store)? {
        Ok(columns) => columns,
        Err(failure) => return nothing(failure),
    };
    let without = without_score(&columns);
    let names = |at: usize| without[at].iter().map(String::as_str).collect();
    let id = PopulationId::of(columns.architectures.iter().map(String::as_str), names);
    let outcomes = match judge.scores(columns)? {
        Ok(scores) => scores.into_iter().zip(&without).map(outcome).collect(),
        Err(failure) => failed(failure),
    };
    Ok(Voted { outcomes, milliseconds, population: Some(id) })
}

/// For each architecture, the experts that have no score of it.
fn without_score(population: &osee_sdk::Population) -> Vec<Vec<String>> {
    let columns = || population.estimators.iter().zip(&population.columns);
    let of = |at: usize| {
        let without = columns().filter(|(_, column)| column[at].is_nan());
        without.map(|(name, _)| name.clone()).collect()
    };
    (0..population.architectures.len()).map(of).collect()
}

/// The outcome of a score, given the experts that have none of the architecture. NaN is
/// how a meta estimator says that its definition needs theirs.
fn outcome((score, without): (f64, &Vec<String>)) -> Outcome {
    match without.first() {
        Some(expert) if score.is_nan() => {
            let why = format!("its expert `{expert}` has no score of this architecture");
            Err(Failure::new(FailureKind::Undefined, why))
        }
        _ => finite(Ok(score)),
    }
}

/// A meta estimator, in the host or in its worker.
enum Judge {
    Here(ForeignMeta),
    Apart(Box<Worker>),
}

impl Judge {
    /// Instantiates it. Returns the names of its experts too.
    fn new(
        key: &RowKey,
        registry: &Registry,
        place: &Place<'_>,
    ) -> Result<Result<(Self, Vec<String>), Failure>, RunError> {
        if place.isolation == Isolation::None {
            let meta = experts::create(&key.estimator, registry)?;
            let needs = meta.needs()?;
            return Ok(Ok((Self::Here(meta), needs)));
        }
        let EstimatorKey { id, settings, .. } = key.estimator.clone();
        let setup = MetaSetup { plugins: registry.pinned(), id, settings };
        let log = place.dir.meta_log();
        let started = Worker::meta(setup, &log, place.limits, place.stop)?;
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

/// The columns of scores that `experts` have, and their milliseconds per architecture.
/// If an expert has no scores, this is a failure, since a vote of the others would pass
/// for a vote of all.
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
        // A vote costs what its voters cost, with all their seeds.
        milliseconds += cost / architectures.len().max(1) as f64;
        let means = seed_means(&scores, architectures.len());
        columns.push(means.into_iter().map(|mean| key.estimator.direction.orient(mean)).collect());
    }
    let architectures = architectures.to_vec();
    let seed = population.seed;
    let population = osee_sdk::Population { architectures, estimators: experts, columns, seed };
    Ok(Ok((population, milliseconds)))
}

/// The failure of an expert without usable scores: its supernet was not trained, or all
/// its scores failed. `None` if it has some.
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
    use super::{outcome, without_score, without_scores};
    use osee_core::store::{Outcome, Score};
    use osee_model::estimator::{Failure, FailureKind};
    use osee_sdk::Population;

    #[test]
    fn no_number_is_undefined_where_an_expert_has_none_and_a_fault_elsewhere() {
        let population = Population {
            architectures: ["x", "y", "z"].map(str::to_owned).to_vec(),
            estimators: ["a", "b"].map(str::to_owned).to_vec(),
            columns: vec![vec![1.0, f64::NAN, 3.0], vec![1.0, f64::NAN, f64::NAN]],
            seed: 0,
        };
        let without = without_score(&population);
        assert_eq!(without, [vec![], vec!["a".to_owned(), "b".to_owned()], vec!["b".to_owned()]]);
        let of = |score: f64, at: usize| outcome((score, &without[at]));
        let failed = |score, at| of(score, at).unwrap_err();
        assert_eq!(failed(f64::NAN, 0).kind, FailureKind::NotFinite);
        let undefined = "its expert `a` has no score of this architecture";
        assert_eq!(failed(f64::NAN, 1), Failure::new(FailureKind::Undefined, undefined));
        assert_eq!(failed(f64::NAN, 2).kind, FailureKind::Undefined);
        assert_eq!(failed(f64::INFINITY, 2).kind, FailureKind::NotFinite);
        // A rule by ranks has a number for what failed, too.
        assert_eq!([of(0.5, 0), of(0.25, 1)], [Ok(0.5), Ok(0.25)]);
    }

    #[test]
    fn an_expert_without_any_score_is_named_and_one_with_some_is_not() {
        let scores = |outcomes: &[Outcome]| -> Vec<Score> {
            let score = |(arch_index, outcome): (usize, &Outcome)| Score {
                arch_index,
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
        // A supernet with one of its seeds missing counts as missing.
        assert!(why(&[Ok(1.0), failed(FailureKind::Untrained)]).is_some());
        assert_eq!(why(&[Ok(1.0), failed(FailureKind::Crash)]), None);
        assert_eq!(why(&[]), None);
    }
}

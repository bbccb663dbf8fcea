//! The leaderboard as data.

use super::truth::{Judged, Truth};
use crate::runner::seed_means;
use osee_core::{
    criteria::{CriteriaError, CriteriaOptions, CriteriaReport, evaluate},
    estimator::{EstimatorKind, FailureKind},
    store::{Score, ScorerId, ScorerKey, Store, StoreError},
    truth::TableError,
};
use std::{
    collections::{BTreeMap, HashSet},
    path::PathBuf,
};

/// Why there is no leaderboard.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// The run.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The truth table.
    #[error(transparent)]
    Table(#[from] TableError),
    /// The criteria.
    #[error(transparent)]
    Criteria(#[from] CriteriaError),
    /// The search space.
    #[error(transparent)]
    Space(#[from] osee_sdk::Error),
    /// Nobody said what the columns are.
    #[error(
        "the truth's columns are not named, and the search space, which may know them, is not \
         loaded; name them, or give its plugin"
    )]
    NoColumns,
    /// The truth is about other architectures.
    #[error(
        "no architecture of the run is in column `{key}` of {}: the run has `{ours}`, the table `{theirs}`",
        file.display()
    )]
    NoMatch {
        /// The table.
        file: PathBuf,
        /// The key column.
        key: String,
        /// An architecture of the run.
        ours: String,
        /// A key of the table.
        theirs: String,
    },
}

/// One estimator's place.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// What was computed, and with what.
    pub key: ScorerKey,
    /// Mean score per architecture over seeds, as the estimator gives it;
    /// NaN where all seeds failed.
    pub scores: Vec<f64>,
    /// Criteria of the oriented means; `None` without truth.
    pub criteria: Option<CriteriaReport>,
    /// tau-b of every seed by itself.
    pub kd_seeds: Vec<Option<f64>>,
    /// Scores that failed, over architectures and seeds.
    pub failures: BTreeMap<FailureKind, usize>,
    /// The first failure of each kind, by architecture and seed.
    pub examples: BTreeMap<FailureKind, String>,
    /// Planned scores that are not there yet.
    pub missing: usize,
    /// Mean cost of one score by itself, milliseconds.
    pub ms_per_arch: f64,
}

/// All estimators of a run, best first.
#[derive(Debug, Clone, PartialEq)]
pub struct Leaderboard {
    /// The study's name.
    pub name: String,
    /// Space id.
    pub space: String,
    /// Preset of the protocol, batch and batches.
    pub protocol: String,
    /// Data of the images.
    pub data: String,
    /// Architectures of the run.
    pub architectures: Vec<String>,
    /// How many of them, the first, are judged; the rest are neighbours, for
    /// analyses by operation.
    pub drawn: usize,
    /// Architectures without truth; not judged.
    pub without_truth: usize,
    /// Initialisation seeds.
    pub seeds: Vec<u64>,
    /// The truth, if any.
    pub truth: Option<Truth>,
    /// Which of them have a truth, and it.
    pub judged: Option<Judged>,
    /// The same with neighbours, if there are some.
    pub neighbourhood: Option<Judged>,
    /// Ids of the estimators that the user brought; their rows are marked.
    pub brought: Vec<String>,
    /// Best tau-b first, undefined last.
    pub rows: Vec<Row>,
}

impl Leaderboard {
    /// Judges what `store` holds.
    ///
    /// # Errors
    /// When the store or the table cannot be read, or they have nothing in
    /// common.
    pub fn new(
        store: &Store,
        truth: Option<(Truth, Judged)>,
        options: &CriteriaOptions,
    ) -> Result<Self, ReportError> {
        let study = store.study()?;
        let architectures = store.plan()?;
        let drawn = study.architectures.drawn.map_or(architectures.len(), |it| it as usize);
        let (truth, all) = truth.unzip();
        let judged = all.as_ref().map(|all| only_first(all, drawn));
        let neighbourhood = all.filter(|_| drawn < architectures.len());
        let mut rows = Vec::new();
        // A plugin that was rebuilt, or a row with another recipe, is another
        // scorer; what the last run asked for counts.
        let newest: BTreeMap<String, (ScorerId, ScorerKey)> = store
            .scorers()?
            .into_iter()
            .map(|(scorer, key)| (key.name.clone(), (scorer, key)))
            .collect();
        for (scorer, key) in newest.into_values() {
            let scores = store.scores(scorer)?;
            if scores.is_empty() {
                continue;
            }
            let seeds = match key.kind {
                EstimatorKind::Baseline | EstimatorKind::Meta => 1,
                _ => study.seeds.len(),
            };
            let planned = match key.kind {
                EstimatorKind::Meta => drawn,
                _ => architectures.len() * seeds,
            };
            let architectures = architectures.len();
            rows.push(row(key, scores, architectures, planned, judged.as_ref(), options)?);
        }
        rows.sort_by(|a, b| {
            let kd =
                |row: &Row| row.criteria.as_ref().and_then(|c| c.kd).unwrap_or(f64::NEG_INFINITY);
            kd(b).total_cmp(&kd(a)).then_with(|| a.key.name.cmp(&b.key.name))
        });
        let first = rows.first().map(|row| row.key.clone());
        let protocol = study.protocol.resolve(None).ok();
        Ok(Self {
            name: study.name,
            space: study.space.id,
            protocol: protocol.map_or_else(String::new, |p| {
                format!("{}, {} x {} images", p.preset, p.batches, p.batch_size)
            }),
            data: first.map_or_else(String::new, |key| key.data),
            without_truth: judged.as_ref().map_or(0, |judged| drawn - judged.positions.len()),
            judged,
            neighbourhood,
            drawn,
            brought: Vec::new(),
            architectures,
            seeds: study.seeds,
            truth,
            rows,
        })
    }
}

/// The truth of the first `drawn` architectures alone.
fn only_first(all: &Judged, drawn: usize) -> Judged {
    let count = all.positions.partition_point(|&at| at < drawn);
    Judged { positions: all.positions[..count].to_vec(), values: all.values[..count].to_vec() }
}

fn row(
    key: ScorerKey,
    scores: Vec<Score>,
    architectures: usize,
    planned: usize,
    judged: Option<&Judged>,
    options: &CriteriaOptions,
) -> Result<Row, ReportError> {
    let (mut failures, mut examples) = (BTreeMap::new(), BTreeMap::new());
    for failure in scores.iter().filter_map(|score| score.outcome.as_ref().err()) {
        *failures.entry(failure.kind).or_default() += 1;
        examples.entry(failure.kind).or_insert_with(|| failure.message.clone());
    }
    let cost: f64 = scores.iter().map(|score| score.milliseconds).sum();
    let means = seed_means(&scores, architectures);
    let oriented = |means: &[f64], judged: &Judged| -> Vec<f64> {
        judged.positions.iter().map(|&at| key.direction.orient(means[at])).collect()
    };
    let criteria = judged
        .map(|judged| evaluate(&oriented(&means, judged), &judged.values, options))
        .transpose()?;
    let mut kd_seeds = Vec::new();
    if let Some(judged) = judged {
        let mut known: Vec<u64> = scores.iter().map(|score| score.seed).collect();
        let mut once = HashSet::new();
        known.retain(|seed| once.insert(*seed));
        for seed in known {
            let of_seed: Vec<Score> = scores.iter().filter(|s| s.seed == seed).cloned().collect();
            let means = seed_means(&of_seed, architectures);
            let oriented = oriented(&means, judged);
            kd_seeds.push(osee_core::criteria::kendall_tau_b(&oriented, &judged.values));
        }
    }
    Ok(Row {
        missing: planned.saturating_sub(scores.len()),
        ms_per_arch: cost / scores.len() as f64,
        scores: means,
        criteria,
        kd_seeds,
        failures,
        examples,
        key,
    })
}

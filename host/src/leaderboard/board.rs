//! The leaderboard of a run, as data.

use super::{LeaderboardError, number::population, scored::Scored};
use crate::truth::{Judged, Truth};
use osee_core::{
    criteria::{CriteriaOptions, CriteriaReport, MIN_ARCHITECTURES, evaluate},
    row::RowKey,
    store::{PopulationId, Score, Store, seed_means},
    study::{Architectures, Seeds},
};
use osee_model::estimator::FailureKind;
use std::collections::{BTreeMap, HashSet};

/// Scores and criteria of one row.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Everything that its scores depend on.
    pub key: RowKey,
    /// Mean score per architecture over seeds, not oriented; NaN if all seeds failed or
    /// the architecture is not judged.
    pub scores: Vec<f64>,
    /// Criteria of the oriented means; `None` without truth, or if too few
    /// architectures are scored.
    pub criteria: Option<CriteriaReport>,
    /// Kendall's tau-b of each seed alone; `None` if it is undefined.
    pub kd_seeds: Vec<Option<f64>>,
    /// The population that a meta estimator's scores depend on; `None` for other rows, and
    /// if the run did not keep it.
    pub population: Option<PopulationId>,
    /// Number of failed scores over the judged architectures and seeds, by kind.
    pub failures: BTreeMap<FailureKind, usize>,
    /// Message of the first failure of each kind, by architecture and seed.
    pub examples: BTreeMap<FailureKind, String>,
    /// Number of planned scores that are not there yet.
    pub missing: usize,
    /// Mean milliseconds of an architecture with all its seeds, if scored alone; over
    /// the judged scores.
    pub ms_per_arch: f64,
    /// Mean milliseconds of one score, if computed alone.
    pub ms_per_score: f64,
}

impl Row {
    /// Number of failed scores.
    pub fn failed(&self) -> usize {
        self.failures.values().sum()
    }
}

/// All rows of a run, best first.
#[derive(Debug, Clone, PartialEq)]
pub struct Leaderboard {
    /// Name of the study.
    pub name: String,
    /// Id of the search space.
    pub space: String,
    /// How its architectures are chosen, such as "one per isomorphism group, drawn by
    /// seed 0".
    pub subset: String,
    /// Preset of the protocol, batch size and number of batches.
    pub protocol: String,
    /// Data set of the images.
    pub data: String,
    /// Architectures of the run, neighbours last.
    pub architectures: Vec<String>,
    /// Number of architectures before the neighbours, which are not judged but serve
    /// analyses by operation.
    pub drawn: usize,
    /// The architectures that all rows have scored, and what is left to compute.
    pub scored: Scored,
    /// Number of scored architectures without truth, which are not judged.
    pub without_truth: usize,
    /// Initialisation seeds.
    pub seeds: Seeds,
    /// The truth, if any.
    pub truth: Option<Truth>,
    /// Truth of the scored architectures that have one; `None` if they are too few to
    /// rank.
    pub judged: Option<Judged>,
    /// The same including neighbours, if there are some.
    pub neighbourhood: Option<Judged>,
    /// Ids of the exports of user plugins; their rows are marked.
    pub user_plugins: Vec<String>,
    /// Best tau-b first, undefined last.
    pub rows: Vec<Row>,
}

impl Leaderboard {
    /// Judges what `store` holds.
    ///
    /// # Errors
    /// If the store or the table cannot be read, or they have no architecture in
    /// common.
    pub fn new(
        store: &Store,
        truth: Option<(Truth, Judged)>,
        options: &CriteriaOptions,
    ) -> Result<Self, LeaderboardError> {
        let study = store.study()?;
        let architectures = store.architectures()?;
        // A rebuilt plugin, or another recipe, makes another row; the row of the last
        // run counts.
        let (scored, found) = Scored::of(store)?;
        let (truth, all) = truth.unzip();
        let judged = all.clone().map(|all| all.among(&scored.mask(&scored.positions)));
        let neighbourhood = all
            .filter(|_| scored.neighbours > 0)
            .map(|all| all.among(&scored.mask(&scored.around)));
        let without_truth =
            judged.as_ref().map_or(0, |judged| scored.positions.len() - judged.positions.len());
        let judged = judged.filter(|judged| judged.positions.len() >= MIN_ARCHITECTURES);
        let mut rows = Vec::new();
        for (id, key) in found {
            let seeds = key.seeds(&study.seeds).len();
            let scores = store.scores(id)?;
            let row = row(key, scores, seeds, &scored, judged.as_ref(), options)?;
            rows.push(Row { population: store.population(id)?, ..row });
        }
        rows.sort_by(|a, b| {
            let kd =
                |row: &Row| row.criteria.as_ref().and_then(|c| c.kd).unwrap_or(f64::NEG_INFINITY);
            kd(b).total_cmp(&kd(a)).then_with(|| a.key.name.cmp(&b.key.name))
        });
        let judged_keys = rows.iter().map(|row| &row.key);
        let keys = judged_keys.chain(scored.not_run.iter().map(|row| &row.key));
        let images = keys.flat_map(|key| key.images.clone()).next();
        let data = images.unwrap_or_else(|| study.data.kind.clone());
        let protocol = study.protocol.resolve(None).ok();
        Ok(Self {
            subset: subset(&study.architectures),
            name: study.name,
            space: study.space.id,
            protocol: protocol.map_or_else(String::new, |p| {
                format!("{}, {} x {} images", p.preset, p.batches, p.batch_size)
            }),
            data,
            drawn: scored.of,
            scored,
            without_truth,
            judged,
            neighbourhood,
            user_plugins: Vec::new(),
            architectures,
            seeds: study.seeds,
            truth,
            rows,
        })
    }

    /// The architectures in words: "30 architectures and 142 neighbours".
    pub fn population(&self) -> String {
        population(self.drawn, self.architectures.len() - self.drawn)
    }
}

/// Says how architectures are chosen.
fn subset(of: &Architectures) -> String {
    let which = match (&of.file, of.judged) {
        (Some(_), _) => Some("those of a list"),
        (None, true) => Some("those with a truth"),
        (None, false) => None,
    };
    let unique = of.unique.then_some("one per isomorphism group");
    let drawn = match of.count() {
        Some(_) => Some(format!("drawn by seed {}", of.seed)),
        None if of.file.is_some() => None,
        None => Some("all".to_owned()),
    };
    let words = which.into_iter().chain(unique).map(str::to_owned).chain(drawn);
    words.collect::<Vec<_>>().join(", ")
}

/// Makes the row of `scores`, of which there should be `seeds` per architecture.
fn row(
    key: RowKey,
    mut scores: Vec<Score>,
    seeds: usize,
    scored: &Scored,
    judged: Option<&Judged>,
    options: &CriteriaOptions,
) -> Result<Row, LeaderboardError> {
    let architectures = scored.of + scored.neighbours;
    let wanted = if key.is_meta() { scored.of } else { architectures };
    let missing = (wanted * seeds).saturating_sub(scores.len());
    if scored.around.len() < architectures {
        let mask = scored.mask(&scored.around);
        scores.retain(|score| mask.get(score.arch_index) == Some(&true));
    }
    let (mut failures, mut examples) = (BTreeMap::new(), BTreeMap::new());
    for failure in scores.iter().filter_map(|score| score.outcome.as_ref().err()) {
        *failures.entry(failure.kind).or_default() += 1;
        examples.entry(failure.kind).or_insert_with(|| failure.message.clone());
    }
    // Neighbours are not judged, so they do not count towards the cost.
    let judged_scores = || scores.iter().filter(|score| score.arch_index < scored.of);
    let cost: f64 = judged_scores().map(|score| score.milliseconds).sum();
    let means = seed_means(&scores, architectures);
    let oriented = |means: &[f64], judged: &Judged| -> Vec<f64> {
        judged.positions.iter().map(|&at| key.estimator.direction.orient(means[at])).collect()
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
        missing,
        ms_per_arch: cost / scored.positions.len().max(1) as f64,
        ms_per_score: cost / judged_scores().count().max(1) as f64,
        scores: means,
        criteria,
        kd_seeds,
        population: None,
        failures,
        examples,
        key,
    })
}

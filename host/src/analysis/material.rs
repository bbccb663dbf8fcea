//! The input of all analyses: scores, truth and properties of the architectures,
//! from a run or from tables.
//!
//! Invariant: every column has one value per judged architecture; scores are
//! oriented so that higher is better, and are NaN where they failed.

use super::MaterialError;
use crate::leaderboard::NotRun;
use osee_core::{
    analysis::{Column, Observation},
    criteria::{Bootstrap, CriteriaOptions, CriteriaReport, NoInterval, evaluate, kendall_tau_b},
    row::Checkpoint,
};
use osee_model::{
    estimator::EstimatorKind,
    graph::{Sketch, SketchedCell},
    settings::{Settings, Value},
    space::{Counts, Mutation},
};
use osee_report::number::thousands;
use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap},
    sync::OnceLock,
};

/// Scores and truth of a run, or of tables from elsewhere.
#[derive(Debug, Default)]
pub struct Material {
    /// Name for the heading.
    pub name: String,
    /// Pairs of name and value that say what the results rest on.
    pub basis: Vec<(String, String)>,
    /// Description of the truth.
    pub truth_name: String,
    /// Names of the architectures with a truth.
    pub architectures: Vec<String>,
    /// Truth of each architecture.
    pub truth: Vec<f64>,
    /// Number of architectures left out because they have no truth.
    pub without_truth: usize,
    /// Progress of an unfinished run, as "77 of 200 scored".
    pub progress: Option<String>,
    /// Rows that are not judged because they are not computed yet.
    pub not_run: Vec<NotRun>,
    /// Further notes on the tables for a reader, a sentence each.
    pub notes: Vec<String>,
    /// Results of the single trainings behind each truth; `None` if the table has no
    /// such columns, an empty list for an architecture without any.
    pub trainings: Option<Vec<Vec<f64>>>,
    /// Rows by descending KD.
    pub rows: Vec<JudgedRow>,
    /// What the search space says of the architectures; `None` without a space.
    pub structure: Option<Structure>,
    /// Why a run's space is missing; `None` for tables, for which the user may name one.
    pub no_space: Option<String>,
    /// Judged architectures and their neighbours; `None` if the run scored no neighbours.
    pub neighbourhood: Option<Neighbourhood>,
    /// Scores of sub-networks on single validation batches.
    pub evaluations: Vec<ByBatch>,
    /// Supernets that were observed during training.
    pub observed: Vec<Observed>,
    /// KD with intervals; computed on first use, as resampling takes seconds.
    pub uncertain: OnceLock<Vec<Uncertain>>,
}

/// A row's KD with its uncertainty over the architectures.
#[derive(Debug, Clone, PartialEq)]
pub struct Uncertain {
    /// Kendall's tau-b; `None` where scores or truths are all equal.
    pub kd: Option<f64>,
    /// The 95% interval that a leaderboard shows, or why there is none.
    pub interval: Result<[f64; 2], NoInterval>,
}

/// Judged architectures and those of their mutations that have a truth. Mutation
/// pairs are found among all of them; no other analysis uses neighbours.
#[derive(Debug, Default)]
pub struct Neighbourhood {
    /// Names; the drawn architectures come first.
    pub architectures: Vec<String>,
    /// Number of neighbours among them.
    pub neighbours: usize,
    /// Truth of each architecture.
    pub truth: Vec<f64>,
    /// What the search space says of each architecture.
    pub structure: Option<Structure>,
    /// Oriented means over seeds, by row; rows that judge by other rows are left out.
    pub values: BTreeMap<String, Vec<f64>>,
}

/// A row, with its scores for the judged architectures.
#[derive(Debug, Clone, PartialEq)]
pub struct JudgedRow {
    /// Name of the row.
    pub name: String,
    /// Id of the estimator.
    pub estimator: String,
    /// Kind of the estimator; `None` where scores came from a table.
    pub kind: Option<EstimatorKind>,
    /// Settings as `key=value`, without the recipe of its supernet.
    pub settings: String,
    /// Oriented mean over the seeds that have a score.
    pub values: Vec<f64>,
    /// Positions of architectures without a score in the table, ascending: they were
    /// not measured, which is no failure. Empty for a run.
    pub missing: Vec<usize>,
    /// Seed and oriented scores of each seed.
    pub seeds: Vec<(u64, Vec<f64>)>,
    /// Missing positions by seed, in the order of `seeds`; empty where none are missing.
    pub missing_by_seed: Vec<Vec<usize>>,
    /// Mean cost of an architecture by this row alone, all seeds included, in
    /// milliseconds.
    pub milliseconds: Option<f64>,
    /// True if the estimator's own scores have the opposite sign.
    pub lower_is_better: bool,
    /// True if the estimator is in a user plugin.
    pub user_plugin: bool,
    /// The row that this is a checkpoint of, with the epoch.
    pub checkpoint: Option<Checkpoint>,
}

/// Scores, and the truth of the same architectures.
pub type Pairs<'a> = (Cow<'a, [f64]>, Cow<'a, [f64]>);

impl JudgedRow {
    /// Scores, NaN where they failed, and truth of the measured architectures: what
    /// the row is judged by.
    pub fn judged<'a>(&'a self, truth: &'a [f64]) -> Pairs<'a> {
        there(&self.values, &self.missing, truth)
    }

    /// Like [`Self::judged`], for the seed at this position of `seeds`.
    pub fn judged_by_seed<'a>(&'a self, at: usize, truth: &'a [f64]) -> Pairs<'a> {
        let seed = self.seed_column(at);
        there(seed.values, seed.missing, truth)
    }

    /// Scores of the seed at this position of `seeds`.
    pub fn seed_column(&self, at: usize) -> Column<'_> {
        let missing = self.missing_by_seed.get(at).map_or(&[][..], Vec::as_slice);
        Column::from((self.name.as_str(), self.seeds[at].1.as_slice())).without(missing)
    }

    /// The row's scores as a column, for functions that compare rows.
    pub fn column(&self) -> Column<'_> {
        Column::from((self.name.as_str(), self.values.as_slice())).without(&self.missing)
    }

    /// Number of architectures that were measured.
    pub fn measured(&self) -> usize {
        self.values.len() - self.missing.len()
    }
}

/// Both columns without the `missing` positions.
pub fn there<'a>(values: &'a [f64], missing: &[usize], truth: &'a [f64]) -> Pairs<'a> {
    if missing.is_empty() {
        return (Cow::Borrowed(values), Cow::Borrowed(truth));
    }
    let rows = Column::from(("", values)).without(missing).positions();
    let kept = |column: &[f64]| Cow::Owned(rows.iter().map(|&row| column[row]).collect());
    (kept(values), kept(truth))
}

/// Checkpoints of one row, in order of epochs.
pub type Checkpoints<'a> = Vec<(u32, &'a JudgedRow)>;

/// Sub-networks of one supernet, scored batch by batch.
#[derive(Debug, Clone, PartialEq)]
pub struct ByBatch {
    /// The first row that scores this supernet with these epochs.
    pub name: String,
    /// Seed of the supernet.
    pub seed: u64,
    /// Number of images in a batch.
    pub images: u32,
    /// Accuracy by batch, then architecture.
    pub accuracy: Vec<Vec<f64>>,
    /// Negated mean cross-entropy by batch, then architecture.
    pub loss: Vec<Vec<f64>>,
}

/// Observations of one supernet during training.
#[derive(Debug, Clone, PartialEq)]
pub struct Observed {
    /// Base name of the first row that uses this supernet.
    pub name: String,
    /// Seed of the supernet.
    pub seed: u64,
    /// Observations in order of epochs.
    pub epochs: Vec<Observation>,
}

/// Properties of architectures that follow from their graphs.
#[derive(Debug, Default)]
pub struct Structure {
    /// Trainable parameters, or the benchmark's own count if it has one for these
    /// networks; NaN where the architecture makes no network.
    pub params: Vec<f64>,
    /// Multiply-accumulates, or the benchmark's own count of FLOPs if it has one for
    /// these networks; NaN where the architecture makes no network.
    pub flops: Vec<f64>,
    /// Convolutions and poolings on the longest path; NaN without a path.
    pub depth: Vec<f64>,
    /// Receptive field in pixels; NaN without a path.
    pub receptive_field: Vec<f64>,
    /// Number of isomorphic architectures among the judged ones, itself included.
    pub group_size: Vec<f64>,
    /// Mutations of each architecture (one decision changed), as the space writes them.
    pub mutations: Vec<Vec<Mutation>>,
    /// Distinct cells of each architecture, at most two.
    pub sketches: Vec<Vec<Sketch>>,
}

/// Most cells of one architecture that are drawn.
const DRAWN: usize = 2;

impl Structure {
    /// Asks the space about every architecture, on all cores. `given` are the study's
    /// settings for its networks; at the defaults they are those of the space's
    /// benchmark.
    ///
    /// # Errors
    /// The space refuses an architecture, or does not have a setting.
    pub fn of(
        space: &crate::loader::Space<'_>,
        given: &BTreeMap<String, Value>,
        architectures: &[String],
    ) -> Result<Self, MaterialError> {
        let settings = &space.resolve(given)?;
        let usual = *settings == Settings::defaults(&space.info.settings);
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let share = architectures.len().div_ceil(cores).max(1);
        let parts: Vec<Result<Vec<One>, osee_sdk::Error>> = std::thread::scope(|scope| {
            let one = |arch: &String| One::of(space, arch, settings, usual);
            let parts: Vec<_> = architectures
                .chunks(share)
                .map(|part| scope.spawn(move || part.iter().map(one).collect()))
                .collect();
            parts.into_iter().map(|part| part.join().expect("a space does not panic")).collect()
        });
        let mut all = Self::default();
        let mut groups = Vec::with_capacity(architectures.len());
        for one in parts.into_iter().collect::<Result<Vec<_>, _>>()?.into_iter().flatten() {
            all.params.push(one.params);
            all.flops.push(one.flops);
            all.depth.push(one.depth);
            all.receptive_field.push(one.receptive_field);
            all.mutations.push(one.mutations);
            all.sketches.push(one.sketches);
            groups.push(one.canonical);
        }
        let mut sizes = HashMap::new();
        groups.iter().for_each(|group| *sizes.entry(group.as_str()).or_insert(0.0) += 1.0);
        all.group_size = groups.iter().map(|group| sizes[group.as_str()]).collect();
        Ok(all)
    }
}

struct One {
    params: f64,
    flops: f64,
    depth: f64,
    receptive_field: f64,
    canonical: String,
    mutations: Vec<Mutation>,
    sketches: Vec<Sketch>,
}

impl One {
    fn of(
        space: &crate::loader::Space<'_>,
        arch: &str,
        settings: &Settings,
        usual: bool,
    ) -> Result<Self, osee_sdk::Error> {
        // It has a failure in every row; the analyses still cover the other architectures.
        let Ok(graph) = space.functions.graph(arch, settings) else {
            return Ok(Self {
                params: f64::NAN,
                flops: f64::NAN,
                depth: f64::NAN,
                receptive_field: f64::NAN,
                canonical: space.functions.canonical(arch)?,
                mutations: space.functions.mutations(arch)?.into_iter().map(named).collect(),
                sketches: Vec::new(),
            });
        };
        let counts = match usual {
            true => space.functions.benchmark_counts(arch)?,
            false => Counts::default(),
        };
        let cost = graph.cost();
        let number = |value: Option<usize>| value.map_or(f64::NAN, |it| it as f64);
        Ok(Self {
            params: counts.params.unwrap_or(cost.params) as f64,
            flops: counts.flops.unwrap_or(cost.flops()) as f64,
            depth: number(graph.depth()),
            receptive_field: number(graph.receptive_field()),
            canonical: space.functions.canonical(arch)?,
            mutations: space.functions.mutations(arch)?.into_iter().map(named).collect(),
            sketches: drawn(graph.sketches()),
        })
    }
}

/// The cells that make up most of a network, without those between its stages.
fn drawn(cells: Vec<SketchedCell>) -> Vec<Sketch> {
    let most = cells.iter().map(|cell| cell.count).max().unwrap_or(0);
    let kept = cells.into_iter().filter(|cell| 4 * cell.count >= most);
    kept.take(DRAWN).map(|cell| cell.sketch).collect()
}

/// Adds to numeric values what they are, as in `input 0` or `depth 8`; names of
/// operations need nothing.
fn named(mutation: Mutation) -> Mutation {
    let numeric = |text: &str| text.parse::<f64>().is_ok();
    if !numeric(&mutation.from) && !numeric(&mutation.to) {
        return mutation;
    }
    // Decisions such as "depth of stage 1" or "normal node 2 edge 0 input".
    let what = match mutation.decision.split_once(" of ") {
        Some((what, _)) => what,
        None => mutation.decision.rsplit(' ').next().unwrap_or_default(),
    };
    let [from, to] = [&mutation.from, &mutation.to].map(|value| format!("{what} {value}"));
    Mutation::new(&mutation.arch, &mutation.decision, from, to)
}

impl Material {
    /// Reason and remedy: what is unknown without the search space, why there is none,
    /// and what to add.
    pub fn without_space(&self, what: &str) -> (String, &'static str) {
        match &self.no_space {
            Some(why) => (format!("{what} without their search space: {why}"), "--plugin FILE"),
            None => (format!("{what} without their search space"), "--space SPACE"),
        }
    }

    /// Rows that are not a checkpoint of another row, best first.
    pub fn final_rows(&self) -> impl Iterator<Item = &JudgedRow> {
        self.rows.iter().filter(|row| row.checkpoint.is_none())
    }

    /// All criteria of a row, without an interval, on the architectures that it was measured on;
    /// `None` if they are too few.
    pub fn criteria(&self, row: &JudgedRow) -> Option<CriteriaReport> {
        let options = CriteriaOptions {
            bootstrap: Bootstrap { resamples: 0, ..Bootstrap::default() },
            ..CriteriaOptions::default()
        };
        let (scores, truth) = row.judged(&self.truth);
        evaluate(&scores, &truth, &options).ok()
    }

    /// KD with its interval for each of [`Material::final_rows`], computed once, on
    /// all cores.
    pub fn uncertain(&self) -> &[Uncertain] {
        self.uncertain.get_or_init(|| {
            let rows: Vec<&JudgedRow> = self.final_rows().collect();
            let cores = std::thread::available_parallelism().map_or(1, usize::from);
            let share = rows.len().div_ceil(cores).max(1);
            let of = |row: &&JudgedRow| {
                let (scores, truth) = row.judged(&self.truth);
                Uncertain {
                    kd: kendall_tau_b(&scores, &truth),
                    interval: Bootstrap::default().tau_b(&scores, &truth),
                }
            };
            let of = |part: &[&JudgedRow]| part.iter().map(of).collect::<Vec<Uncertain>>();
            std::thread::scope(|scope| {
                let parts: Vec<_> =
                    rows.chunks(share).map(|part| scope.spawn(move || of(part))).collect();
                let parts = parts.into_iter();
                parts.flat_map(|part| part.join().expect("a criterion does not panic")).collect()
            })
        })
    }

    /// Checkpoints by base row, each in order of epochs.
    pub fn checkpoints(&self) -> Vec<(&str, Checkpoints<'_>)> {
        let mut found: BTreeMap<&str, Checkpoints<'_>> = BTreeMap::new();
        for row in &self.rows {
            if let Some(Checkpoint { row: base, epoch }) = &row.checkpoint {
                found.entry(base).or_default().push((*epoch, row));
            }
        }
        let mut found: Vec<_> = found.into_iter().collect();
        found.iter_mut().for_each(|(_, points)| points.sort_by_key(|(epoch, _)| *epoch));
        found
    }

    /// Seeds of all rows, ascending, without repetition.
    pub fn seeds(&self) -> Vec<u64> {
        let mut seeds: Vec<u64> =
            self.rows.iter().flat_map(|row| row.seeds.iter().map(|(seed, _)| *seed)).collect();
        seeds.sort_unstable();
        seeds.dedup();
        seeds
    }

    /// A summary such as "300 architectures, seeds 20 and 2020".
    pub fn rests_on(&self) -> String {
        let mut text = format!("{} architectures", thousands(self.architectures.len()));
        let seeds: Vec<String> = self.seeds().iter().map(u64::to_string).collect();
        match seeds.as_slice() {
            [] => {}
            [one] => text += &format!(", seed {one}"),
            [most @ .., last] => text += &format!(", seeds {} and {last}", most.join(", ")),
        }
        if let Some(progress) = &self.progress {
            text += &format!("; {progress}");
        }
        let gaps = self.rows.iter().filter(|row| !row.missing.is_empty()).count();
        if gaps > 0 {
            text += &format!(
                "; {gaps} of {} rows have scores of some of them only, and are judged by those",
                self.rows.len()
            );
        }
        text + &format!("; truth: {}", self.truth_name)
    }
}

/// Sorts rows by descending KD. If a row occurs only as checkpoints, a copy of the
/// last one stands for the row.
pub fn ranked(mut rows: Vec<JudgedRow>, truth: &[f64]) -> Vec<JudgedRow> {
    let mut last: BTreeMap<String, (u32, JudgedRow)> = BTreeMap::new();
    for row in &rows {
        if let Some(Checkpoint { row: base, epoch }) = &row.checkpoint
            && !rows.iter().any(|other| other.name == *base)
            && last.get(base).is_none_or(|(known, _)| known < epoch)
        {
            let own = JudgedRow { name: base.clone(), checkpoint: None, ..row.clone() };
            last.insert(base.clone(), (*epoch, own));
        }
    }
    rows.extend(last.into_values().map(|(_, row)| row));
    let kd = |row: &JudgedRow| {
        let (scores, truth) = row.judged(truth);
        kendall_tau_b(&scores, &truth).unwrap_or(f64::NEG_INFINITY)
    };
    let mut judged: Vec<(f64, JudgedRow)> = rows.into_iter().map(|row| (kd(&row), row)).collect();
    judged.sort_by(|(a, one), (b, other)| b.total_cmp(a).then_with(|| one.name.cmp(&other.name)));
    judged.into_iter().map(|(_, row)| row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_say_what_they_are() {
        let shown = |decision: &str, from: &str, to: &str| {
            let it = named(Mutation::new("", decision, from, to));
            format!("{} to {}", it.from, it.to)
        };
        assert_eq!(shown("depth of stage 1", "2", "4"), "depth 2 to depth 4");
        assert_eq!(shown("normal node 2 edge 0 input", "0", "1"), "input 0 to input 1");
        assert_eq!(shown("edge 1<-0", "none", "skip_connect"), "none to skip_connect");
    }
}

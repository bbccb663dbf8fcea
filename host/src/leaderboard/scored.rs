//! Decides which architectures of a run are judged.
//!
//! Invariant: the rows of a leaderboard are judged over the same architectures, those
//! that every one of them has scored with all its seeds. What is not computed yet is no
//! failure, and what is left of a run changes no figure.

use osee_core::{
    row::RowKey,
    store::{RowId, Store, StoreError},
};
use std::fmt::Write;

/// An incomplete row with fewer scored architectures is not judged, so that one that
/// has just begun does not narrow what the others are judged over.
pub const FEWEST: usize = 10;

/// A row that is not judged.
#[derive(Debug, Clone, PartialEq)]
pub struct NotRun {
    /// The row.
    pub key: RowKey,
    /// Number of architectures that it has scored with all seeds.
    pub scored: usize,
    /// Number of its scores that are not there.
    pub missing: usize,
    /// The reason why it is not judged.
    pub reason: String,
}

/// The part of a run that is judged.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Scored {
    /// Indices of the architectures that all judged rows have scored, ascending,
    /// without neighbours.
    pub positions: Vec<usize>,
    /// The same with the neighbours that all judged rows except meta estimators, which
    /// score no neighbours, have scored.
    pub around: Vec<usize>,
    /// Number of architectures of the run without neighbours, which come first.
    pub of: usize,
    /// Number of neighbours.
    pub neighbours: usize,
    /// Rows that are not judged, by name.
    pub not_run: Vec<NotRun>,
    /// True if something is left to compute.
    pub unfinished: bool,
}

/// A row with what the store has of it.
struct Found {
    id: RowId,
    key: RowKey,
    /// True for each architecture that is scored; a meta estimator has no neighbours.
    has: Vec<bool>,
    /// Number of scored architectures that are not neighbours.
    scored: usize,
    missing: usize,
    /// True if the study, as it was last run, asks for it.
    asked: bool,
    /// The reason why its supernet, or an expert's, was not trained, if so.
    untrained: Option<String>,
}

impl Found {
    fn is_complete(&self) -> bool {
        self.has.iter().all(|has| *has)
    }

    /// True if it will have more scores when the same command resumes.
    fn is_begun(&self) -> bool {
        self.asked && !self.is_complete()
    }

    /// The reason why it is not judged; `None` if it is. A meta estimator's scores are
    /// of the whole population, so they are out of date as long as others are
    /// `under_way`.
    fn reason(&self, under_way: bool) -> Option<String> {
        if self.key.is_meta() && (under_way || !self.is_complete()) {
            let what =
                "it combines the scores of other rows, and is computed when they are complete";
            return Some(what.to_owned());
        }
        if let Some(why) = &self.untrained {
            return Some(match self.key.is_meta() {
                true => why.clone(),
                false => format!("its supernet could not be trained: {why}"),
            });
        }
        if self.is_complete() || (self.asked && self.scored >= FEWEST) {
            return None;
        }
        Some(match self.asked {
            true => format!("fewer than {FEWEST} architectures are scored"),
            false => "the study does not ask for it, and its scores are incomplete".to_owned(),
        })
    }
}

impl Scored {
    /// Returns what is judged of `store`, and the judged rows by name.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn of(store: &Store) -> Result<(Self, Vec<(RowId, RowKey)>), StoreError> {
        let (of, neighbours) = store.drawn()?;
        let found = found(store, of, neighbours)?;
        let under_way = found.iter().any(|it| !it.key.is_meta() && it.is_begun());
        let unfinished = found.iter().any(Found::is_begun);
        let (mut not_run, mut rows) = (Vec::new(), Vec::new());
        let mut all = vec![true; of + neighbours];
        for one in found {
            match one.reason(under_way) {
                Some(reason) => {
                    let Found { key, scored, missing, .. } = one;
                    not_run.push(NotRun { key, scored, missing, reason });
                }
                None => {
                    all.iter_mut().zip(&one.has).for_each(|(all, has)| *all &= has);
                    rows.push((one.id, one.key));
                }
            }
        }
        let around: Vec<usize> = match rows.is_empty() {
            true => Vec::new(),
            false => (0..all.len()).filter(|&at| all[at]).collect(),
        };
        let positions = around[..around.partition_point(|&at| at < of)].to_vec();
        Ok((Self { positions, around, of, neighbours, not_run, unfinished }, rows))
    }

    /// "77 of 200 scored", neighbours counted apart; `None` if nothing is left to
    /// compute.
    pub fn progress(&self) -> Option<String> {
        let scored = self.positions.len();
        let neighbours = match self.neighbours {
            0 => String::new(),
            all => format!(", and {} of {all} neighbours", self.around.len() - scored),
        };
        self.unfinished.then(|| format!("{scored} of {} scored{neighbours}", self.of))
    }

    /// Describes what is not there yet, a line each; empty if all is there.
    pub fn notice(&self) -> String {
        let mut text = String::new();
        if let Some(progress) = self.progress() {
            text += &format!(
                "{progress}: only these architectures are judged, and the command that made the run resumes with the others\n"
            );
        }
        for NotRun { key, scored, reason, .. } in &self.not_run {
            // Writing to a string cannot fail.
            let _ =
                writeln!(text, "not run: {} ({scored} of {} scored): {reason}", key.name, self.of);
        }
        text
    }

    /// For each of the run's architectures, neighbours included, true if it is at one
    /// of `positions`.
    pub fn mask(&self, positions: &[usize]) -> Vec<bool> {
        let mut mask = vec![false; self.of + self.neighbours];
        positions.iter().for_each(|&at| mask[at] = true);
        mask
    }
}

/// Every row of the store, except those without results that the last study does not
/// ask for.
fn found(store: &Store, of: usize, neighbours: usize) -> Result<Vec<Found>, StoreError> {
    let study = store.study()?;
    let mut all = Vec::new();
    for (id, key) in store.newest()?.into_values() {
        let seeds = key.seeds(&study.seeds);
        let wanted = if key.is_meta() { of } else { of + neighbours };
        let (has, scores) = store.scored(id, seeds, wanted)?;
        let mut scored = has.iter().take(of).filter(|it| **it).count();
        let asked = study.asks_for(&key);
        if scores == 0 && !asked {
            continue;
        }
        let mut missing = (wanted * seeds.len()).saturating_sub(scores);
        let waits = key.is_meta() || key.supernet().is_some();
        let untrained = if waits { store.untrained(id)? } else { None };
        if untrained.is_some() {
            // Failures of an untrained supernet stand in for its scores.
            let done = store.done(id, seeds, wanted)?;
            let there =
                |arch| (0..seeds.len()).filter(|seed_index| done.has(arch, *seed_index)).count();
            scored = (0..of).filter(|arch| there(*arch) == seeds.len()).count();
            missing = wanted * seeds.len() - (0..wanted).map(there).sum::<usize>();
        }
        all.push(Found { id, key, has, scored, missing, asked, untrained });
    }
    Ok(all)
}

//! Which architectures of a run are judged.
//!
//! Invariant: the rows of a leaderboard are judged over the same architectures,
//! those that every one of them has scored with all its seeds. What is not
//! computed yet is no failure, and what is left of a run changes no figure.

use osee_core::{
    estimator::EstimatorKind,
    store::{ScorerId, ScorerKey, Store, StoreError, Untrained},
};
use std::fmt::Write;

/// A row with fewer scored architectures says nothing and is not judged, so
/// that one that has just begun does not narrow what the others are judged over.
pub const FEWEST: usize = 10;

/// A row that is not judged.
#[derive(Debug, Clone, PartialEq)]
pub struct NotRun {
    /// The row.
    pub key: ScorerKey,
    /// Architectures that it has scored with all seeds.
    pub scored: usize,
    /// Its scores that are not there.
    pub missing: usize,
    /// Why it is not judged.
    pub reason: String,
}

/// What of a run is judged.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Scored {
    /// Positions of the architectures that all judged rows have scored,
    /// ascending.
    pub positions: Vec<usize>,
    /// Architectures of the run.
    pub of: usize,
    /// Rows that are not judged, by name.
    pub not_run: Vec<NotRun>,
    /// Whether something is left to compute.
    pub unfinished: bool,
}

/// A row as the store has it.
struct Found {
    id: ScorerId,
    key: ScorerKey,
    has: Vec<bool>,
    scored: usize,
    missing: usize,
    /// Whether the study, as it was last run, asks for it.
    asked: bool,
    /// Why its supernet is not trained.
    untrained: Option<String>,
}

impl Found {
    fn is_complete(&self) -> bool {
        self.scored == self.has.len()
    }

    /// Whether it will have more scores when the same command goes on.
    fn is_begun(&self) -> bool {
        self.asked && !self.is_complete()
    }

    /// Why it is not judged; `None` if it is. A meta estimator's scores are of
    /// the whole population, so they are out of date as long as others are
    /// `under_way`.
    fn reason(&self, under_way: bool) -> Option<String> {
        if let Some(reason) = self.untrained.as_ref().filter(|_| !self.is_complete()) {
            return Some(format!("its supernet is not trained: {reason}"));
        }
        if self.key.kind == EstimatorKind::Meta && (under_way || !self.is_complete()) {
            let what = "it judges by the scores of others, and is computed when all are there";
            return Some(what.to_owned());
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
    /// What of `store`, which has a run `of` so many architectures, is judged,
    /// and the rows that are, by name.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn of(store: &Store, of: usize) -> Result<(Self, Vec<(ScorerId, ScorerKey)>), StoreError> {
        let found = found(store, of)?;
        let under_way = |it: &Found| it.is_begun() && it.untrained.is_none();
        let under_way = found.iter().any(|it| it.key.kind != EstimatorKind::Meta && under_way(it));
        let unfinished = found.iter().any(Found::is_begun);
        let (mut not_run, mut rows) = (Vec::new(), Vec::new());
        let mut all = vec![true; of];
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
        let positions = match rows.is_empty() {
            true => Vec::new(),
            false => (0..of).filter(|&at| all[at]).collect(),
        };
        Ok((Self { positions, of, not_run, unfinished }, rows))
    }

    /// "77 of 200 scored"; `None` if nothing is left to compute.
    pub fn progress(&self) -> Option<String> {
        self.unfinished.then(|| format!("{} of {} scored", self.positions.len(), self.of))
    }

    /// What is not there yet, a line each; empty if all is.
    pub fn notice(&self) -> String {
        let mut text = String::new();
        if let Some(progress) = self.progress() {
            text += &format!(
                "{progress}: only these architectures are judged, and the command that made the \
                 run goes on with the others\n"
            );
        }
        for NotRun { key, scored, reason, .. } in &self.not_run {
            // Writing to a string cannot fail.
            let _ =
                writeln!(text, "not run: {} ({scored} of {} scored): {reason}", key.name, self.of);
        }
        text
    }

    /// Which of the run's architectures are judged.
    pub fn mask(&self) -> Vec<bool> {
        let mut mask = vec![false; self.of];
        self.positions.iter().for_each(|&at| mask[at] = true);
        mask
    }
}

/// Every row of the store; one that an earlier study asked for, and of which
/// nothing is there, is none.
fn found(store: &Store, of: usize) -> Result<Vec<Found>, StoreError> {
    let (study, untrained) = (store.study()?, store.untrained()?);
    let mut all = Vec::new();
    for (id, key) in store.newest()?.into_values() {
        let seeds = key.seeds(&study.seeds);
        let (has, scores) = store.scored(id, seeds, of)?;
        let scored = has.iter().filter(|it| **it).count();
        let asked = study.asks_for(&key.name);
        if scores > 0 || asked {
            let missing = (of * seeds.len()).saturating_sub(scores);
            let untrained = reason(&key, &untrained);
            all.push(Found { id, key, has, scored, missing, asked, untrained });
        }
    }
    Ok(all)
}

fn reason(key: &ScorerKey, untrained: &[Untrained]) -> Option<String> {
    if untrained.is_empty() {
        return None;
    }
    let supernet = supernet(key)?;
    let failed = untrained.iter().filter(|it| it.supernet == supernet);
    let reasons: Vec<String> =
        failed.map(|it| format!("seed {}: {}", it.seed, it.reason)).collect();
    (!reasons.is_empty()).then(|| reasons.join("; "))
}

/// Key of the supernet that a row looks at.
pub fn supernet(key: &ScorerKey) -> Option<String> {
    let protocol: serde_json::Value = serde_json::from_str(&key.protocol).ok()?;
    Some(protocol.get("supernet")?.as_str()?.to_owned())
}

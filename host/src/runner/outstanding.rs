//! What is left to compute of a plan.
//!
//! Invariant: a million units take a few bytes each; what a worker is told about a unit
//! is made when its turn comes.

use super::{Failed, RunError};
use crate::{
    plan::{Plan, Row, Training, Unit},
    stop::Stop,
};
use osee_core::{
    shard::unit_name,
    store::{Done, Retry, Store},
};
use osee_model::estimator::EstimatorKind;
use std::collections::{BTreeSet, HashSet};

/// Units that have rows without a stored result.
#[derive(Debug)]
pub struct Outstanding<'a> {
    plan: &'a Plan,
    /// Stored results, by row.
    done: Vec<Done>,
    /// Pairs of row and seed index whose supernet could not be trained.
    untrained: HashSet<(usize, usize)>,
    /// Pairs of architecture index and seed index.
    units: Vec<(u32, u32)>,
}

impl<'a> Outstanding<'a> {
    /// Finds this run's units of `plan` whose results are missing in `store`, or are
    /// failures that `retry` selects.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn new(plan: &'a Plan, store: &Store, retry: &Retry) -> Result<Self, RunError> {
        let (seeds, count) = (&plan.seeds, plan.architectures.len());
        let known = store.rows()?;
        let done =
            plan.setup.rows.iter().map(|row| match known.iter().find(|(_, key)| *key == row.key) {
                Some((id, _)) => store.done_but(*id, seeds, count, retry),
                None => Ok(Done::none(count, seeds)),
            });
        Ok(Self::of(plan, done.collect::<Result<_, _>>()?))
    }

    /// As [`Self::new`], given what is done of each row.
    pub fn of(plan: &'a Plan, done: Vec<Done>) -> Self {
        let mut all = Self { plan, done, untrained: HashSet::new(), units: Vec::new() };
        let mut units = Vec::new();
        for (seed_index, seed) in plan.seeds.iter().enumerate() {
            for (arch, text) in plan.architectures.iter().enumerate() {
                let open = all.is_open(arch, seed_index);
                if open && (plan.shard.is_whole() || plan.shard.holds(&unit_name(text, *seed))) {
                    units.push((arch as u32, seed_index as u32));
                }
            }
        }
        all.units = units;
        all
    }

    /// Pairs of architecture index and seed index, in order of computation.
    pub fn units(&self) -> &[(u32, u32)] {
        &self.units
    }

    /// Number of outstanding units.
    pub fn len(&self) -> usize {
        self.units.len()
    }

    /// True if nothing is left.
    pub fn is_empty(&self) -> bool {
        self.units.is_empty()
    }

    /// Indices of the rows that still need a score for this unit and can be scored.
    pub fn open(&self, arch_index: usize, seed_index: usize) -> impl Iterator<Item = usize> {
        let rows = &self.plan.setup.rows;
        (0..rows.len()).filter(move |&row| {
            rows[row].has_seed(seed_index)
                && !self.done[row].has(arch_index, seed_index)
                && !self.untrained.contains(&(row, seed_index))
        })
    }

    /// True if a scored unit is still incomplete because weights for it are missing.
    pub fn waits(&self, unit: &Unit) -> bool {
        let seed_index = self.plan.seeds.index_of(unit.seed);
        self.untrained
            .iter()
            .any(|&(row, of)| Some(of) == seed_index && !self.done[row].has(unit.arch_index, of))
    }

    fn is_open(&self, arch: usize, seed_index: usize) -> bool {
        self.open(arch, seed_index).next().is_some()
    }

    /// The trainings that outstanding units depend on.
    pub fn trainings(&self) -> BTreeSet<Training> {
        let mut waiting = HashSet::new();
        for &(arch, seed_index) in &self.units {
            waiting.extend(
                self.open(arch as usize, seed_index as usize).map(|row| (row, seed_index as usize)),
            );
        }
        let trainings =
            waiting.into_iter().filter_map(|(row, seed)| self.plan.training_of(row, seed));
        trainings.collect()
    }

    /// Drops what depends on trainings that failed.
    pub fn drop_untrained(&mut self, failed: &[Failed]) {
        for row in 0..self.plan.setup.rows.len() {
            for seed_index in 0..self.plan.seeds.len() {
                let training = self.plan.training_of(row, seed_index);
                if training.is_some_and(|it| failed.iter().any(|failed| failed.training == it)) {
                    self.untrained.insert((row, seed_index));
                }
            }
        }
        let mut units = std::mem::take(&mut self.units);
        units.retain(|&(arch, seed_index)| self.is_open(arch as usize, seed_index as usize));
        self.units = units;
    }

    /// Returns a queue of all units that ends when `stop` is set.
    ///
    /// # Errors
    /// If the store cannot be opened.
    pub fn queue(&'a self, stop: &'a Stop) -> Result<Queue<'a>, RunError> {
        let one_shot = |row: &Row| row.kind() == EstimatorKind::OneShot;
        let reader = match self.plan.setup.rows.iter().any(one_shot) {
            true => Some(Store::open(&self.plan.dir)?),
            false => None,
        };
        Ok(Queue { all: self, next: 0, reader, stop })
    }
}

/// Hands out units in order.
#[derive(Debug)]
pub struct Queue<'a> {
    all: &'a Outstanding<'a>,
    next: usize,
    /// The store to look up evaluations of sub-networks in; `None` without one-shot
    /// rows.
    reader: Option<Store>,
    stop: &'a Stop,
}

impl Queue<'_> {
    /// Returns the next unit, or `None` at the end or after a stop.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn next(&mut self) -> Result<Option<Unit>, RunError> {
        if self.stop.is_set() {
            return Ok(None);
        }
        let Some(&(arch, seed_index)) = self.all.units.get(self.next) else { return Ok(None) };
        self.next += 1;
        self.unit(arch as usize, seed_index as usize).map(Some)
    }

    /// Ends the queue early.
    pub fn close(&mut self) {
        self.next = usize::MAX;
    }

    fn unit(&self, arch_index: usize, seed_index: usize) -> Result<Unit, RunError> {
        let plan = self.all.plan;
        let rows: Vec<usize> = self.all.open(arch_index, seed_index).collect();
        let one_shot = |row: &usize| plan.setup.rows[*row].kind() == EstimatorKind::OneShot;
        let mut unit = Unit {
            arch_index,
            arch: plan.architectures[arch_index].clone(),
            seed: plan.seeds[seed_index],
            rows,
            ..Unit::default()
        };
        let reader = self.reader.as_ref().filter(|_| unit.rows.iter().any(one_shot));
        if let Some(store) = reader {
            unit.group = plan.groups.get(&unit.arch).cloned().unwrap_or_default();
            let others = unit.group.iter().filter(|other| **other != unit.arch);
            for arch in std::iter::once(&unit.arch).chain(others) {
                unit.known.extend(store.evaluations(arch)?);
            }
        }
        Ok(unit)
    }
}

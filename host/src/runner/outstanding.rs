//! What of a plan is left to compute.
//!
//! Invariant: a million units are a few bytes each; what a worker is told of a
//! unit is made when it is its turn.

use super::{Failed, Job, Plan, RunError};
use crate::{stop::Stop, worker::Unit};
use osee_core::{
    shard::unit_name,
    store::{Done, Retry, Store},
};
use osee_model::estimator::EstimatorKind;
use std::{
    collections::{BTreeSet, HashSet},
    path::Path,
};

/// Units that have estimators without a stored result.
#[derive(Debug)]
pub struct Outstanding<'a> {
    plan: &'a Plan,
    /// By estimator.
    done: Vec<Done>,
    /// Estimators that have no weights to look at, with the seed's position.
    untrained: HashSet<(usize, usize)>,
    /// Positions of architecture and seed.
    units: Vec<(u32, u32)>,
}

impl<'a> Outstanding<'a> {
    /// What `store` has not of those units of `plan` that are this run's, or has
    /// as failures that are tried again.
    ///
    /// # Errors
    /// When the store fails.
    pub fn new(plan: &'a Plan, store: &Store, retry: &Retry) -> Result<Self, RunError> {
        let (seeds, count) = (&plan.seeds, plan.architectures.len());
        let done = plan.scorers(store)?.into_iter();
        let done = done.map(|id| store.done_but(id, seeds, count, retry));
        Ok(Self::of(plan, done.collect::<Result<_, _>>()?))
    }

    /// The same where `done` is there, by estimator.
    pub fn of(plan: &'a Plan, done: Vec<Done>) -> Self {
        let mut all = Self { plan, done, untrained: HashSet::new(), units: Vec::new() };
        let mut units = Vec::new();
        for (round, seed) in plan.seeds.iter().enumerate() {
            for (arch, text) in plan.architectures.iter().enumerate() {
                let open = all.is_open(arch, round);
                if open && (plan.shard.is_whole() || plan.shard.holds(&unit_name(text, *seed))) {
                    units.push((arch as u32, round as u32));
                }
            }
        }
        all.units = units;
        all
    }

    /// Positions of architecture and seed, in order.
    pub fn units(&self) -> &[(u32, u32)] {
        &self.units
    }

    /// How many units.
    pub fn len(&self) -> usize {
        self.units.len()
    }

    /// Whether all is done.
    pub fn is_empty(&self) -> bool {
        self.units.is_empty()
    }

    /// Estimators that are wanted and not there. Baselines do not depend on
    /// the seed, so they are scored with the first one only.
    pub fn open(&self, arch: usize, round: usize) -> impl Iterator<Item = usize> {
        let estimators = &self.plan.setup.estimators;
        (0..estimators.len()).filter(move |&i| {
            (round == 0 || estimators[i].kind != EstimatorKind::Baseline)
                && !self.done[i].has(arch, round)
                && !self.untrained.contains(&(i, round))
        })
    }

    /// Whether something of a unit that is scored is still left, for want of
    /// weights.
    pub fn waits(&self, unit: &Unit) -> bool {
        let round = self.plan.seeds.iter().position(|seed| *seed == unit.seed);
        self.untrained.iter().any(|&(i, of)| Some(of) == round && !self.done[i].has(unit.arch, of))
    }

    fn is_open(&self, arch: usize, round: usize) -> bool {
        self.open(arch, round).next().is_some()
    }

    /// The trainings that units wait for.
    pub fn jobs(&self) -> BTreeSet<Job> {
        let mut waiting = HashSet::new();
        for &(arch, round) in &self.units {
            waiting.extend(self.open(arch as usize, round as usize).map(|i| (i, round as usize)));
        }
        let jobs = waiting.into_iter().flat_map(|(i, round)| self.plan.jobs_of(i, round));
        jobs.collect()
    }

    /// Leaves out what needs weights that there are none of.
    pub fn drop_untrained(&mut self, failed: &[Failed]) {
        for i in 0..self.plan.setup.estimators.len() {
            for round in 0..self.plan.seeds.len() {
                let mut jobs = self.plan.jobs_of(i, round);
                if jobs.any(|job| failed.iter().any(|it| it.job == job)) {
                    self.untrained.insert((i, round));
                }
            }
        }
        let mut units = std::mem::take(&mut self.units);
        units.retain(|&(arch, round)| self.is_open(arch as usize, round as usize));
        self.units = units;
    }

    /// All of them in turn, until `stop` is set; the run's store is in `dir`.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn queue(&'a self, dir: &Path, stop: &'a Stop) -> Result<Queue<'a>, RunError> {
        let one_shot = |it: &crate::worker::Named| it.kind == EstimatorKind::OneShot;
        let reader = match self.plan.setup.estimators.iter().any(one_shot) {
            true => Some(Store::open(dir)?),
            false => None,
        };
        Ok(Queue { all: self, next: 0, reader, stop })
    }
}

/// Hands out units.
#[derive(Debug)]
pub struct Queue<'a> {
    all: &'a Outstanding<'a>,
    next: usize,
    /// For what is known of sub-networks.
    reader: Option<Store>,
    stop: &'a Stop,
}

impl Queue<'_> {
    /// The next unit.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn next(&mut self) -> Result<Option<Unit>, RunError> {
        if self.stop.is_set() {
            return Ok(None);
        }
        let Some(&(arch, round)) = self.all.units.get(self.next) else { return Ok(None) };
        self.next += 1;
        self.unit(arch as usize, round as usize).map(Some)
    }

    /// Hands out no more.
    pub fn close(&mut self) {
        self.next = usize::MAX;
    }

    fn unit(&self, arch: usize, round: usize) -> Result<Unit, RunError> {
        let plan = self.all.plan;
        let text = plan.architectures[arch].clone();
        let estimators: Vec<usize> = self.all.open(arch, round).collect();
        let one_shot = |&i: &usize| plan.setup.estimators[i].kind == EstimatorKind::OneShot;
        let mut unit = Unit { arch, text, seed: plan.seeds[round], estimators, ..Unit::default() };
        let reader = self.reader.as_ref().filter(|_| unit.estimators.iter().any(one_shot));
        if let Some(store) = reader {
            unit.group = plan.groups.get(&unit.text).cloned().unwrap_or_default();
            let mut archs = vec![unit.text.clone()];
            archs.extend(unit.group.iter().filter(|other| **other != unit.text).cloned());
            for arch in archs {
                unit.known.extend(store.evaluations(&arch)?);
            }
        }
        Ok(unit)
    }
}

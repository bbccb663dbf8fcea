//! What a plan would take, from what earlier runs took.

use super::{Outstanding, RunError, times::Earlier};
use crate::plan::{Plan, Row};
use osee_core::{
    shard::{Shard, unit_name},
    store::{Done, List, Progress, Retry, Store, UnitTimes},
};

/// A plan against the stores that there are.
#[derive(Debug)]
pub struct Forecast {
    /// By row of the plan's setup.
    pub rows: Vec<Cost>,
    /// Units of the study.
    pub progress: Progress,
    /// The same, shard by shard.
    pub shards: Vec<(Shard, Progress)>,
    /// Trainings of the study, and those that are left.
    pub trainings: [usize; 2],
    /// What units took.
    pub times: UnitTimes,
    /// Whether all of those units were of the plan's estimators, all of them.
    pub alike: bool,
}

/// One estimator.
#[derive(Debug)]
pub struct Cost {
    /// Its row.
    pub name: String,
    /// Mean milliseconds of one score by itself on one core; none where no run
    /// has one.
    pub milliseconds: Option<f64>,
    /// Scores of an architecture: one per seed that it depends on.
    pub seeds: usize,
    /// Scores that are left.
    pub outstanding: u64,
}

impl Forecast {
    /// Of `plan`, in `shards`; `stores` have some of its results, but for those
    /// failures that are tried again; `named` are runs of the same estimators,
    /// whose times go before those in `stores`.
    ///
    /// # Errors
    /// When a store cannot be read.
    pub fn new(
        plan: &Plan,
        shards: Shard,
        (stores, retry): (&[Store], &Retry),
        named: &[Store],
    ) -> Result<Self, RunError> {
        let outstanding = Outstanding::of(plan, known(plan, stores, retry)?);
        let earlier = Earlier::of(named, stores);
        let mut rows: Vec<Cost> = Vec::new();
        for Row { key, .. } in &plan.setup.rows {
            let milliseconds = earlier.mean(key)?;
            let seeds = key.seeds(&plan.seeds).len();
            rows.push(Cost { name: key.name.clone(), milliseconds, seeds, outstanding: 0 });
        }
        let mut by_shard: Vec<(Shard, Progress)> =
            shards.siblings().map(|shard| (shard, Progress::default())).collect();
        let mut progress = Progress::default();
        let mut open = outstanding.units().iter().peekable();
        for (seed_index, seed) in plan.seeds.iter().enumerate() {
            if !plan.setup.rows.iter().any(|row| row.has_seed(seed_index)) {
                continue;
            }
            for (at, arch) in plan.architectures.iter().enumerate() {
                let place = (at as u32, seed_index as u32);
                let left = open.next_if(|unit| **unit == place).is_some();
                let whose = shards.holder(&unit_name(arch, *seed));
                for one in [&mut progress, &mut by_shard[whose].1] {
                    one.units += 1;
                    one.outstanding += u64::from(left);
                }
                if left {
                    outstanding.open(at, seed_index).for_each(|i| rows[i].outstanding += 1);
                }
            }
        }
        let all = plan.trainings();
        let trainings = [all.len(), super::training::open(plan, &all).count()];
        let keys = plan.setup.rows.iter().map(|row| &row.key);
        let (times, alike) = earlier.times(keys)?;
        Ok(Self { rows, progress, shards: by_shard, trainings, times, alike })
    }

    /// Milliseconds of all that is left, on one core, by what units have taken
    /// against their estimators one by one; none where nothing is known.
    pub fn shared(&self) -> Option<f64> {
        let UnitTimes { milliseconds, alone, .. } = self.times;
        let share = Some(milliseconds / alone).filter(|share| share.is_finite());
        Some(self.milliseconds()? * share?)
    }

    /// Milliseconds of all that is left, on one core, by estimators that share
    /// nothing; none where one of them was never run.
    pub fn milliseconds(&self) -> Option<f64> {
        self.rows.iter().map(|row| Some(row.milliseconds? * row.outstanding as f64)).sum()
    }
}

/// What any of `stores` has of the plan.
fn known(plan: &Plan, stores: &[Store], retry: &Retry) -> Result<Vec<Done>, RunError> {
    let (count, seeds) = (plan.architectures.len(), &plan.seeds);
    let list = List::of(plan.architectures.iter().map(String::as_str));
    let rows = &plan.setup.rows;
    let mut known: Vec<Done> = rows.iter().map(|_| Done::none(count, seeds)).collect();
    for store in stores {
        let own = match store.list()? {
            Some(list) => list,
            None => store.listed()?,
        };
        if own != list {
            continue;
        }
        let newest = store.newest()?;
        for (Row { key, .. }, known) in rows.iter().zip(&mut known) {
            if let Some((id, _)) = newest.get(&key.name).filter(|(_, own)| own == key) {
                known.join(&store.done_but(*id, seeds, count, retry)?);
            }
        }
    }
    Ok(known)
}

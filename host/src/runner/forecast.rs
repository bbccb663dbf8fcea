//! What a plan would take, from what earlier runs took.

use super::{Outstanding, Plan, RunError, times::Earlier};
use osee_core::{
    shard::{Shard, unit_name},
    store::{Done, List, Progress, Retry, Store, UnitTimes},
};
use osee_model::estimator::EstimatorKind;

/// A plan against the stores that there are.
#[derive(Debug)]
pub struct Forecast {
    /// By estimator of the plan's setup.
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
        for key in plan.keys() {
            let milliseconds = earlier.mean(key)?;
            let seeds = key.seeds(&plan.seeds).len();
            rows.push(Cost { name: key.name.clone(), milliseconds, seeds, outstanding: 0 });
        }
        let mut by_shard: Vec<(Shard, Progress)> =
            shards.siblings().map(|shard| (shard, Progress::default())).collect();
        let mut progress = Progress::default();
        let mut open = outstanding.units().iter().peekable();
        for (round, seed) in plan.seeds.iter().enumerate() {
            let asked =
                |i: &usize| round == 0 || plan.setup.estimators[*i].kind != EstimatorKind::Baseline;
            if !(0..rows.len()).any(|i| asked(&i)) {
                continue;
            }
            for (at, arch) in plan.architectures.iter().enumerate() {
                let place = (at as u32, round as u32);
                let left = open.next_if(|unit| **unit == place).is_some();
                let whose = shards.holder(&unit_name(arch, *seed));
                for one in [&mut progress, &mut by_shard[whose].1] {
                    one.units += 1;
                    one.outstanding += u64::from(left);
                }
                if left {
                    outstanding.open(at, round).for_each(|i| rows[i].outstanding += 1);
                }
            }
        }
        let jobs = plan.all_jobs();
        let trainings = [jobs.len(), super::training::open(plan, &jobs).count()];
        let (times, alike) = earlier.times(plan.keys())?;
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
    let mut known: Vec<Done> = plan.keys().iter().map(|_| Done::none(count, seeds)).collect();
    for store in stores {
        let own = match store.list()? {
            Some(list) => list,
            None => store.listed()?,
        };
        if own != list {
            continue;
        }
        let newest = store.newest()?;
        for (key, known) in plan.keys().iter().zip(&mut known) {
            if let Some((id, _)) = newest.get(&key.name).filter(|(_, own)| own == key) {
                known.join(&store.done_but(*id, seeds, count, retry)?);
            }
        }
    }
    Ok(known)
}

//! Forecasts what a plan will cost from what earlier runs took.

use super::{
    Outstanding, RunError,
    times::{Earlier, Steps},
};
use crate::{
    one_shot::SupernetSpec,
    plan::{Plan, Row, Training},
};
use osee_core::{
    shard::{Shard, unit_name},
    store::{Curve, Done, List, Progress, Retry, Store, UnitTimes},
};
use std::collections::BTreeMap;

/// What is left of a plan, and its cost, given the stores that exist.
#[derive(Debug)]
pub struct Forecast {
    /// One for each row of the plan's setup.
    pub rows: Vec<Cost>,
    /// Units of the whole study.
    pub progress: Progress,
    /// Units of each shard.
    pub shards: Vec<(Shard, Progress)>,
    /// Number of trainings of the study, and of those that are left.
    pub trainings: [usize; 2],
    /// Milliseconds that the trainings that are left take one after the other; `None` if no run
    /// has trained in such steps.
    pub training: Option<f64>,
    /// Sums over the units of earlier runs.
    pub times: UnitTimes,
    /// True if the units in `times` had exactly the plan's estimators.
    pub alike: bool,
}

/// Cost of one row.
#[derive(Debug)]
pub struct Cost {
    /// Name of the row.
    pub name: String,
    /// Mean milliseconds of one score computed alone on one core; `None` if no run has
    /// one.
    pub milliseconds: Option<f64>,
    /// Scores per architecture: one per seed that the row depends on.
    pub seeds: usize,
    /// Number of scores that are left.
    pub outstanding: u64,
}

impl Forecast {
    /// Forecasts `plan` when split into `shards`. `stores` hold results of it, of which
    /// failures that `retry` selects count as missing. `named` are runs of the same
    /// estimators, whose times take precedence over those in `stores`.
    ///
    /// # Errors
    /// If a store cannot be read.
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
        let open: Vec<Training> = super::training::open(plan, &all).collect();
        let trainings = [all.len(), open.len()];
        let training = training_time(plan, &open, stores, &earlier)?;
        let keys = plan.setup.rows.iter().map(|row| &row.key);
        let (times, alike) = earlier.times(keys)?;
        Ok(Self { rows, progress, shards: by_shard, trainings, training, times, alike })
    }

    /// Milliseconds for all that is left, on one core, scaled by the ratio of what
    /// units have taken to the sum of their estimators; `None` if nothing is known.
    pub fn shared(&self) -> Option<f64> {
        let UnitTimes { milliseconds, alone, .. } = self.times;
        let share = Some(milliseconds / alone).filter(|share| share.is_finite());
        Some(self.milliseconds()? * share?)
    }

    /// Milliseconds for all that is left, on one core, if estimators shared nothing;
    /// `None` if one of them has never been run.
    pub fn milliseconds(&self) -> Option<f64> {
        self.rows.iter().map(|row| Some(row.milliseconds? * row.outstanding as f64)).sum()
    }
}

/// Milliseconds that `open` trainings take one after the other, without the epochs that `stores`
/// have; `None` if no run has trained in such steps.
fn training_time(
    plan: &Plan,
    open: &[Training],
    stores: &[Store],
    earlier: &Earlier<'_>,
) -> Result<Option<f64>, RunError> {
    let mut done: BTreeMap<(String, u64), u32> = BTreeMap::new();
    for store in stores {
        for Curve { supernet, seed, report } in store.curves()? {
            let epochs = done.entry((supernet, seed)).or_default();
            *epochs = report.epoch.max(*epochs);
        }
    }
    let mut images: BTreeMap<usize, usize> = BTreeMap::new();
    for &(supernet, seed) in open {
        let SupernetSpec { key, recipe, .. } = &plan.setup.supernets[supernet];
        let done = done.get(&(key.clone(), seed)).copied().unwrap_or(0);
        let epochs = recipe.epochs.saturating_sub(done) as usize;
        *images.entry(supernet).or_default() += recipe.steps() * recipe.batch_size * epochs;
    }
    // Runs are read once for all seeds of a supernet.
    let mut seconds = 0.0;
    for (supernet, images) in images {
        let SupernetSpec { recipe, space_settings, .. } = &plan.setup.supernets[supernet];
        let steps = Steps {
            space: &plan.setup.space,
            settings: space_settings,
            batch_size: recipe.batch_size,
            precision: recipe.precision,
            device: plan.setup.device.kind(),
        };
        let Some(rate) = earlier.images_per_second(&steps)? else { return Ok(None) };
        seconds += images as f64 / rate;
    }
    Ok(Some(seconds * 1e3))
}

/// For each row, what any of `stores` has of the plan.
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

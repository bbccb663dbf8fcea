//! Times measured by earlier runs.
//!
//! Invariant: a store counts once, whatever path names it, and so does a unit that
//! several stores have, such as shards and their merge.

use super::RunError;
use osee_core::{
    row::{Conditions, RowKey, SupernetWeights},
    store::{Curve, RowId, Store, UnitTimes},
};
use osee_model::{device::DeviceKind, recipe::Precision, settings::Settings};
use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    hash::{DefaultHasher, Hash, Hasher},
};

/// Distinct stores with times: those that the user named, then those of the run
/// directory. The second group is asked only for what the first does not know, so that
/// no figure depends on what happens to lie there.
pub struct Earlier<'a>([Vec<&'a Store>; 2]);

/// What the cost of a score depends on. The build of its plugin, the images and the length of a
/// training are left out.
type What = String;

impl<'a> Earlier<'a> {
    pub fn of(named: &'a [Store], own: &'a [Store]) -> Self {
        let mut seen = HashSet::new();
        Self([named, own].map(|stores| {
            let stores = stores.iter();
            let new = |store: &&Store| {
                let dir = store.dir().path();
                seen.insert(dir.canonicalize().unwrap_or_else(|_| dir.to_owned()))
            };
            stores.filter(new).collect()
        }))
    }

    /// Sums times over units, and tells if their estimators were exactly those of
    /// `keys`. If some units had exactly these, only they count.
    pub fn times<'k>(
        &self,
        keys: impl Iterator<Item = &'k RowKey>,
    ) -> Result<(UnitTimes, bool), RunError> {
        let own: BTreeSet<What> = keys.map(what).collect();
        for stores in &self.0 {
            let mut all: Vec<(BTreeSet<What>, Vec<&Store>)> = Vec::new();
            for store in stores {
                if store.unit_times()?.units == 0 {
                    continue;
                }
                let of = estimators(store)?;
                match all.iter_mut().find(|(known, _)| *known == of) {
                    Some((_, stores)) => stores.push(store),
                    None => all.push((of, vec![store])),
                }
            }
            if let Some((_, alike)) = all.iter().find(|(of, _)| *of == own) {
                return Ok((sum(alike)?, true));
            }
            if !all.is_empty() {
                let mut times = UnitTimes::default();
                for (_, stores) in all {
                    times.join(sum(&stores)?);
                }
                return Ok((times, false));
            }
        }
        Ok((UnitTimes::default(), false))
    }

    /// Mean milliseconds of a score of the same estimator with the same settings in the
    /// same space; `None` if no store has one.
    pub fn mean(&self, key: &RowKey) -> Result<Option<f64>, RunError> {
        let own = what(key);
        for stores in &self.0 {
            let mut found: Vec<(&Store, RowId)> = Vec::new();
            for store in stores {
                // If an estimator was rebuilt, its last row comes first.
                let its = store.rows()?.into_iter().rev().filter(|(_, key)| what(key) == own);
                found.extend(its.map(|(id, _)| (*store, id)));
            }
            let (sum, count) = cost(&found)?;
            if count > 0 {
                return Ok(Some(sum / count as f64));
            }
        }
        Ok(None)
    }
}

/// What the time of a training step depends on.
pub struct Steps<'a> {
    pub space: &'a str,
    pub settings: &'a Settings,
    pub batch_size: usize,
    pub precision: Precision,
    pub device: DeviceKind,
}

impl Steps<'_> {
    /// True if the supernet of a row was trained in such steps.
    fn are_of(&self, key: &RowKey) -> bool {
        let Some(SupernetWeights { recipe, .. }) = key.supernet() else { return false };
        (self.space, self.settings) == (key.space.id.as_str(), &key.space.settings)
            && (self.batch_size, self.precision) == (recipe.batch_size, recipe.precision)
            && self.device == key.device
    }
}

impl Earlier<'_> {
    /// Mean images per second of epochs that were trained in such steps; `None` if there are
    /// none.
    pub fn images_per_second(&self, steps: &Steps<'_>) -> Result<Option<f64>, RunError> {
        for stores in &self.0 {
            let (mut images, mut seconds, mut seen) = (0.0, 0.0, BTreeSet::new());
            for store in stores {
                let mut sizes: BTreeMap<String, f64> = BTreeMap::new();
                for (_, key) in store.rows()? {
                    if let Some(SupernetWeights { key: supernet, recipe, .. }) = key.supernet()
                        && steps.are_of(&key)
                    {
                        sizes.insert(supernet.clone(), (recipe.steps() * recipe.batch_size) as f64);
                    }
                }
                for Curve { supernet, seed, report } in store.curves()? {
                    let new = seen.insert((supernet.clone(), seed, report.epoch));
                    if let Some(size) = sizes.get(&supernet).filter(|_| new) {
                        images += size;
                        seconds += size / report.images_per_second;
                    }
                }
            }
            if images > 0.0 {
                return Ok(Some(images / seconds));
            }
        }
        Ok(None)
    }
}

/// The estimators of a store that score units: all but meta estimators.
fn estimators(store: &Store) -> Result<BTreeSet<What>, RunError> {
    let keys = store.newest()?.into_values().map(|(_, key)| key);
    Ok(keys.filter(|key| !key.is_meta()).map(|key| what(&key)).collect())
}

/// Sums the times of `stores`, whose units had the same estimators.
fn sum(stores: &[&Store]) -> Result<UnitTimes, RunError> {
    if let [one] = stores {
        return Ok(one.unit_times()?);
    }
    let (mut times, mut seen) = (UnitTimes::default(), HashSet::new());
    for store in stores {
        store.visit_units(|arch, seed, of| {
            if seen.insert(unit(arch, seed)) {
                times.join(of);
            }
        })?;
    }
    Ok(times)
}

/// Total milliseconds, and number, of the scores of one estimator.
fn cost(found: &[(&Store, RowId)]) -> Result<(f64, u64), RunError> {
    if let [(store, id)] = found {
        return Ok(store.cost(*id)?);
    }
    let (mut sum, mut seen) = (0.0, HashSet::new());
    for (store, id) in found {
        store.visit_costs(*id, |arch, seed, milliseconds| {
            if seen.insert(unit(arch, seed)) {
                sum += milliseconds;
            }
        })?;
    }
    Ok((sum, seen.len() as u64))
}

/// Hashes a unit to eight bytes: the names of a million units may take half a gigabyte,
/// and a collision costs a forecast one unit.
fn unit(arch: &str, seed: u64) -> u64 {
    let mut hasher = DefaultHasher::new();
    (arch, seed).hash(&mut hasher);
    hasher.finish()
}

fn what(key: &RowKey) -> What {
    let RowKey { estimator, space, conditions, device, .. } = key;
    let who = ((&estimator.id, &estimator.settings), (&space.id, &space.settings), device);
    let text = match conditions {
        // A sub-network is evaluated in the same time however long its supernet was trained.
        Conditions::Supernet(weights) if weights.protocol.is_none() => {
            let SupernetWeights { recipe, epochs, .. } = &**weights;
            let batches = (recipe.validation_images, recipe.validation_batch_size);
            serde_json::to_string(&(who, batches, recipe.precision, epochs.len()))
        }
        conditions => serde_json::to_string(&(who, conditions)),
    };
    text.expect("keys are plain data")
}

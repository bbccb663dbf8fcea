//! Merges the shards of a study, and computes what needs the whole of it.

use super::{Isolation, RunError, vote};
use crate::{loader::Registry, stop::Stop, worker::Limits};
use osee_core::{
    row::RowKey,
    run_dir::RunDir,
    shard::Shard,
    store::{Merged, Progress, RowId, Store, StoreError, StoreWriter},
};

/// A run directory that was to be merged.
#[derive(Debug)]
pub struct Part {
    /// The run directory.
    pub dir: RunDir,
    /// The shard it holds; `None` if it cannot be read.
    pub shard: Option<Shard>,
    /// Its progress, or the reason why nothing of it was taken.
    pub progress: Result<Option<Progress>, StoreError>,
}

/// The result of a merge.
#[derive(Debug)]
pub struct MergeReport {
    /// The run directories, in the given order.
    pub parts: Vec<Part>,
    /// Shards that none of them holds.
    pub absent: Vec<Shard>,
    /// Counts of results taken over.
    pub merged: Merged,
    /// Progress of the whole study.
    pub progress: Progress,
    /// Rows that need the whole population and were not computed, with the reason.
    pub left_out: Vec<(String, String)>,
}

impl MergeReport {
    /// True if nothing is missing.
    pub fn is_complete(&self) -> bool {
        self.progress.units > 0 && self.progress.outstanding == 0 && self.left_out.is_empty()
    }
}

/// Merges all results of `dirs` into the run directory `out`. A directory that cannot
/// be read is reported and left for the next merge. `registry` makes the plugins of
/// meta estimators available, given a store with the study.
///
/// # Errors
/// If nothing can be read, the parts do not belong together, or `out` cannot be
/// written; nothing is changed then.
pub fn merge<E: From<RunError>>(
    out: &RunDir,
    dirs: &[RunDir],
    registry: impl FnOnce(&Store) -> Result<Registry, E>,
) -> Result<MergeReport, E> {
    let (mut stores, mut parts) = (Vec::new(), Vec::new());
    for dir in dirs {
        let opened = Store::open(dir).and_then(|store| {
            store.check()?;
            Ok((store.study()?.shard, store.progress()?, store))
        });
        let dir = dir.clone();
        match opened {
            Ok((shard, progress, store)) => {
                stores.push(store);
                parts.push(Part { dir, shard: Some(shard), progress: Ok(progress) });
            }
            Err(error) => parts.push(Part { dir, shard: None, progress: Err(error) }),
        }
    }
    let Some(first) = stores.first() else {
        let error = parts.into_iter().find_map(|part| part.progress.err());
        let none = RunError::NoShards(out.path().to_owned());
        return Err(error.map_or(none, RunError::Store).into());
    };
    let together = || -> Result<_, RunError> {
        let mut study = first.study()?;
        study.shard = Shard::WHOLE;
        let mut store = StoreWriter::open(out, &study)?;
        let merged = store.merge(&stores)?;
        let progress = store.progress()?.unwrap_or_default();
        Ok((store, merged, progress))
    };
    let (mut store, merged, progress) = together()?;
    let left_out = match progress.outstanding {
        0 => judge(&mut store, registry)?,
        _ => Vec::new(),
    };
    let absent = absent(&parts);
    Ok(MergeReport { parts, absent, merged, progress, left_out })
}

fn absent(parts: &[Part]) -> Vec<Shard> {
    let there: Vec<Shard> = parts.iter().filter_map(|part| part.shard).collect();
    let siblings = there.first().into_iter().flat_map(|shard| shard.siblings());
    siblings.filter(|shard| !there.contains(shard)).collect()
}

/// Computes the meta estimators. Returns those that were left out because their plugins
/// are not the ones that the shards ran with, and the reasons.
fn judge<E: From<RunError>>(
    store: &mut StoreWriter,
    registry: impl FnOnce(&Store) -> Result<Registry, E>,
) -> Result<Vec<(String, String)>, E> {
    let newest = store.newest().map_err(RunError::from)?.into_values();
    let (meta, experts): (Vec<_>, Vec<_>) = newest.partition(|(_, key)| key.is_meta());
    match meta.is_empty() {
        true => Ok(Vec::new()),
        false => Ok(votes(store, &registry(store)?, (meta, experts))?),
    }
}

type Keyed = Vec<(RowId, RowKey)>;

/// Does what [`judge`] does, given the plugins.
fn votes(
    store: &mut StoreWriter,
    registry: &Registry,
    (meta, experts): (Keyed, Keyed),
) -> Result<Vec<(String, String)>, RunError> {
    let mut left_out = Vec::new();
    let same = meta.into_iter().filter(|(_, key)| match registry.estimator(&key.estimator.id) {
        Ok((plugin, _)) if plugin.sha256 == key.estimator.plugin_sha256 => true,
        Ok(_) => {
            let why = "its plugin here is not the one that the shards were run with";
            left_out.push((key.name.clone(), why.to_owned()));
            false
        }
        Err(error) => {
            left_out.push((key.name.clone(), error.to_string()));
            false
        }
    });
    let mut meta: Vec<_> = same.collect();
    while let Some((name, expert)) = vote::without_expert(&meta, &experts, registry)? {
        meta.retain(|(_, key)| key.name != name);
        left_out.push((name, format!("it judges by `{expert}`, which is not there")));
    }
    let (study, mut architectures) = (store.study()?, store.architectures()?);
    // A vote over a population does not see neighbours.
    architectures.truncate(store.drawn()?.0);
    let population = vote::Population {
        architectures: &architectures,
        experts,
        meta,
        seed: study.seeds.first(),
        device: study.device,
    };
    let dir = store.dir().clone();
    let (isolation, limits) = (Isolation::Process, Limits::default());
    // A merge that is told to stop ends at once, so nothing sets this.
    let place = vote::Place { isolation, limits, dir: &dir, stop: &Stop::default() };
    vote::finish(&population, registry, store, &place)?;
    Ok(left_out)
}

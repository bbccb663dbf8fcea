//! `osee-host space groups`: counts isomorphism groups.

use super::{CliError, listable};
use crate::loader::Space;
use std::{
    collections::HashMap,
    thread::{available_parallelism, scope},
    time::Instant,
};

/// Sizes of the isomorphism groups of the whole space, as text.
pub fn count(space: &Space<'_>) -> Result<String, CliError> {
    let start = Instant::now();
    let groups = groups(space, |_| true)?;
    let size: u64 = groups.values().sum();
    let mut sizes: Vec<u64> = groups.into_values().collect();
    sizes.sort_unstable_by(|a, b| b.cmp(a));
    let alone = sizes.iter().filter(|size| **size == 1).count();
    let largest: Vec<String> = sizes.iter().take(6).map(u64::to_string).collect();
    Ok(format!(
        "{}: {size} architectures in {} isomorphism groups, {alone} of one architecture; the \
         largest have {}\n{:.1} s\n",
        space.info.id,
        sizes.len(),
        largest.join(", "),
        start.elapsed().as_secs_f64()
    ))
}

/// Counts, by canonical form, the architectures of the whole space that are `wanted`;
/// uses all cores.
pub fn groups(
    space: &Space<'_>,
    wanted: impl Fn(&str) -> bool + Sync,
) -> Result<HashMap<String, u64>, CliError> {
    let size = listable(space)?;
    let workers = available_parallelism().map_or(1, usize::from) as u64;
    let part = |worker: u64| -> Result<HashMap<String, u64>, osee_sdk::Error> {
        let mut groups: HashMap<String, u64> = HashMap::new();
        for index in (worker..size).step_by(workers as usize) {
            let arch = space.functions.architecture(index)?;
            if wanted(&arch) {
                *groups.entry(space.functions.canonical(&arch)?).or_default() += 1;
            }
        }
        Ok(groups)
    };
    let part = &part;
    let parts = scope(|threads| {
        let running: Vec<_> =
            (0..workers).map(|worker| threads.spawn(move || part(worker))).collect();
        let failed = |_| Err(osee_sdk::Error::new("a counting thread panicked"));
        running.into_iter().map(|it| it.join().unwrap_or_else(failed)).collect::<Vec<_>>()
    });
    let mut groups: HashMap<String, u64> = HashMap::new();
    for part in parts {
        for (canonical, count) in part? {
            *groups.entry(canonical).or_default() += count;
        }
    }
    Ok(groups)
}

//! The network of an architecture, as far as it can see the images at hand.
//! One that makes none, or none for these images, is a failure of its own.

use osee_engine::data::{DataError, Facts};
use osee_model::{estimator::Failure, graph::Graph, settings::Settings};
use osee_sdk::{
    Error, Result,
    abi::{graph::LentGraph, kinds::space::ForeignSpace},
};
use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Arc, Mutex, PoisonError},
};

/// The network of `arch`, which `fits` the images.
///
/// # Errors
/// Why there is none.
pub fn network(
    space: &ForeignSpace,
    (arch, settings): (&str, &Settings),
    fits: impl FnOnce(&Graph) -> std::result::Result<(), DataError>,
) -> Result<Graph> {
    let graph = lent_network(space, arch, settings)?;
    fits(&graph).map_err(|error| Error::new(misfit(arch, &error)))?;
    Ok(graph.into_graph())
}

/// The network of `arch`, to be lent to estimators.
///
/// # Errors
/// Why there is none.
pub fn lent_network(space: &ForeignSpace, arch: &str, settings: &Settings) -> Result<LentGraph> {
    space.lent_graph(arch, settings).map_err(|error| {
        let failure = Failure::from(error);
        let message = format!("`{arch}` makes no network: {}", failure.message);
        Error::from(Failure { message, ..failure })
    })
}

/// That a network cannot see the images.
pub fn misfit(arch: &str, error: &DataError) -> String {
    format!("the network of `{arch}` does not fit the images: {error}")
}

/// Tells whether architectures make networks that fit the images of `facts`. Each
/// is asked once, and of `most` of them; whatever comes after is taken for one
/// that does.
pub fn suitable(
    space: Arc<ForeignSpace>,
    settings: Settings,
    facts: Facts,
    most: usize,
) -> impl Fn(&str) -> bool + Send + Sync + 'static {
    // By hash, for there may be millions.
    let known: Mutex<HashMap<u64, bool>> = Mutex::new(HashMap::new());
    move |arch| {
        let mut hasher = DefaultHasher::new();
        arch.hash(&mut hasher);
        let hash = hasher.finish();
        let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
        match known.get(&hash) {
            Some(suits) => *suits,
            None if known.len() >= most => true,
            None => {
                let suits = network(&space, (arch, &settings), |graph| facts.fits(graph)).is_ok();
                known.insert(hash, suits);
                suits
            }
        }
    }
}

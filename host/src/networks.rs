//! Makes the network of an architecture, and checks that the images fit it. An
//! architecture without such a network fails alone.

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

/// Makes the network of `arch`, which `fits` accepts.
///
/// # Errors
/// If the architecture makes no network, or the images do not fit it.
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

/// The message that a network cannot take the images.
pub fn misfit(arch: &str, error: &DataError) -> String {
    format!("the network of `{arch}` does not fit the images: {error}")
}

/// Returns a function that tells if an architecture makes a network that fits the
/// images of `facts`. Each is checked once, and at most `most` of them; all later ones
/// are taken to fit.
pub fn suitable(
    space: Arc<ForeignSpace>,
    settings: Settings,
    facts: Facts,
    most: usize,
) -> impl Fn(&str) -> bool + Send + Sync + 'static {
    // By hash, since there may be millions.
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

//! Chooses the architectures of a study, the same for the same study, space and table.

use super::{PlanError, list};
use crate::{
    loader::Space,
    truth::{TruthError, TruthTable},
};
use osee_core::study::Architectures;
use osee_engine::data::DataError;
use osee_model::{
    graph::Graph,
    seed::{order, stream},
    settings::Settings,
};
use sha2::{Digest, Sha256};
use std::collections::HashSet;

/// Largest number of architectures that are listed.
pub const LISTABLE: u64 = 20_000_000;

/// Consecutive draws without a new architecture after which drawing stops: a space may
/// have far fewer architectures, or isomorphism groups, than numbers.
const FRUITLESS: u64 = 1_000_000;

/// Limit on the neighbours of all architectures together.
const MOST_NEIGHBOURS: usize = 1_000_000;

/// The architectures of a study.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// The architectures that the study asks for, then their neighbours.
    pub list: Vec<String>,
    /// Length of the part of `list` that is not neighbours.
    pub drawn: usize,
}

/// Returns the architectures in the order of the study, followed by their neighbours. A
/// larger draw begins with the smaller one, and keeps the neighbours of its
/// architectures. `judged` is the truth table to draw from.
pub fn choose(
    wanted: &Architectures,
    space: &Space<'_>,
    judged: Option<&TruthTable>,
) -> Result<Choice, PlanError> {
    let mut list = drawn(wanted, space, judged)?;
    let drawn = list.len();
    if wanted.neighbours > 0 {
        list.extend(neighbours(wanted, space, judged, &list)?);
    }
    Ok(Choice { list, drawn })
}

/// Every mutation of the chosen architectures that is not itself in `drawn`, once each,
/// whatever it is isomorphic to. If a truth table is given, only mutations that it has.
fn neighbours(
    wanted: &Architectures,
    space: &Space<'_>,
    judged: Option<&TruthTable>,
    drawn: &[String],
) -> Result<Vec<String>, PlanError> {
    let there = drawn.len();
    let count = usize::try_from(wanted.neighbours).ok().filter(|count| *count <= there);
    let count = count.ok_or(PlanError::TooManyNeighbours { wanted: wanted.neighbours, there })?;
    // A draw is in random order already; a list or a whole space is not.
    let random = wanted.count.is_some() && wanted.file.is_none();
    let mut stream = stream(wanted.seed, &["neighbours", &space.info.id]);
    let picked: Vec<usize> = match random {
        true => (0..count).collect(),
        false => order(&mut stream, there as u64).take(count).map(|at| at as usize).collect(),
    };
    let mut known: HashSet<String> = drawn.iter().cloned().collect();
    let mut list = Vec::new();
    for at in picked {
        for mutation in space.functions.mutations(&drawn[at])? {
            if known.insert(mutation.arch.clone()) {
                list.push(mutation.arch);
            }
        }
        if list.len() > MOST_NEIGHBOURS {
            return Err(PlanError::TooLargeNeighbourhood(wanted.neighbours, MOST_NEIGHBOURS));
        }
    }
    let Some(table) = judged else { return Ok(list) };
    match table.judge(&list, Some(space)) {
        Ok(judged) => Ok(judged.positions.into_iter().map(|at| list[at].clone()).collect()),
        Err(TruthError::Space(error)) => Err(error.into()),
        // The table has none of them, or too few for any pair.
        Err(_) => Ok(Vec::new()),
    }
}

/// The architectures that the study asks for, without neighbours.
fn drawn(
    wanted: &Architectures,
    space: &Space<'_>,
    judged: Option<&TruthTable>,
) -> Result<Vec<String>, PlanError> {
    let mut chosen =
        Chosen { space, unique: wanted.unique, seen: HashSet::new(), list: Vec::new() };
    if let Some(file) = &wanted.file {
        let mut given = Vec::new();
        list::read(file, space, |arch| {
            given.push(arch);
            Ok(())
        })?;
        if wanted.judged {
            let known = judged.ok_or(PlanError::NoTruth)?.find(&given, Some(space));
            let mut known = known?.into_iter();
            given.retain(|_| known.next().flatten().is_some());
        }
        given.into_iter().try_for_each(|arch| chosen.take(arch))?;
        return chosen.finish();
    }
    let listed: Option<Vec<&str>> = match wanted.judged {
        true => Some(judged.ok_or(PlanError::NoTruth)?.rows().map(|(arch, _)| arch).collect()),
        false => None,
    };
    let known = listed.as_ref().map(|list| list.len() as u64);
    let size = known.or(space.info.size);
    let size = size.ok_or_else(|| PlanError::NotEnumerable(space.info.id.clone()))?;
    let at = |index: u64| match &listed {
        Some(list) => Ok(list[index as usize].to_owned()),
        None => space.functions.architecture(index),
    };
    let Some(count) = wanted.count else {
        if size > LISTABLE {
            return Err(PlanError::TooLarge(space.info.id.clone(), size));
        }
        for index in 0..size {
            chosen.take(at(index)?)?;
        }
        return chosen.finish();
    };
    if count.min(size) > LISTABLE {
        return Err(PlanError::TooLongList { wanted: count, most: LISTABLE });
    }
    let mut stream = stream(wanted.seed, &["architectures", &space.info.id]);
    let mut fruitless = 0;
    for index in order(&mut stream, size) {
        if chosen.list.len() as u64 == count || fruitless == FRUITLESS {
            break;
        }
        let before = chosen.list.len();
        chosen.take(at(index)?)?;
        fruitless = if chosen.list.len() > before { 0 } else { fruitless + 1 };
    }
    if (chosen.list.len() as u64) < count && fruitless == FRUITLESS {
        let (space, found) = (space.info.id.clone(), chosen.list.len());
        return Err(PlanError::Fruitless { space, found, draws: FRUITLESS });
    }
    if (chosen.list.len() as u64) < count {
        let there = chosen.list.len();
        return Err(PlanError::TooMany { wanted: count, there, unique: wanted.unique });
    }
    chosen.finish()
}

/// Number of architectures tried before a study is said to make no network.
const TRIED: usize = 1_000;

/// Returns a network of the study that `fits` the images. An architecture that makes
/// none does not fail the study, wherever it is in the list.
///
/// # Errors
/// If none of the first [`TRIED`] architectures makes one.
pub fn any_network(
    space: &Space<'_>,
    architectures: &[String],
    settings: &Settings,
    fits: impl Fn(&Graph) -> Result<(), DataError>,
) -> Result<Graph, PlanError> {
    let (mut misfit, mut refused) = (None, None);
    for arch in architectures.iter().take(TRIED) {
        match space.functions.graph(arch, settings) {
            Ok(graph) => match fits(&graph) {
                Ok(()) => return Ok(graph),
                Err(error) => drop(misfit.get_or_insert(error)),
            },
            Err(error) => drop(refused.get_or_insert((arch, error))),
        }
    }
    if let Some(error) = misfit {
        return Err(error.into());
    }
    let tried = architectures.len().min(TRIED);
    let (first, error) =
        refused.map(|(arch, error)| (arch.clone(), error)).ok_or(PlanError::NoArchitectures)?;
    Err(PlanError::NoNetwork { first, tried, error })
}

struct Chosen<'a> {
    space: &'a Space<'a>,
    unique: bool,
    /// Truncated hashes of identities: the full text of a million would take half of
    /// the memory.
    seen: HashSet<[u8; 16]>,
    list: Vec<String>,
}

impl Chosen<'_> {
    /// Adds `arch` unless an equal or, with `unique`, an isomorphic one is there.
    fn take(&mut self, arch: String) -> Result<(), PlanError> {
        let hash = match self.unique {
            true => Sha256::digest(self.space.functions.canonical(&arch)?),
            false => Sha256::digest(&arch),
        };
        let identity = hash.first_chunk().expect("a SHA-256 has 32 bytes");
        if self.seen.insert(*identity) {
            self.list.push(arch);
        }
        Ok(())
    }

    fn finish(self) -> Result<Vec<String>, PlanError> {
        if self.list.is_empty() { Err(PlanError::NoArchitectures) } else { Ok(self.list) }
    }
}

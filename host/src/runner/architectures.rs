//! Which architectures of a space a study looks at.

use super::RunError;
use crate::{loader::Space, report::TruthTable};
use osee_core::{
    seed::{order, stream},
    study::Architectures,
};
use sha2::{Digest, Sha256};
use std::collections::HashSet;

/// More architectures than these are not listed.
pub const LISTABLE: u64 = 20_000_000;

/// Draws in a row that bring nothing new, after which no more are made: a space
/// may have far fewer architectures, or isomorphism groups, than numbers.
const FRUITLESS: u64 = 1_000_000;

/// The architectures, in the order of the study. A draw of more is the draw
/// of fewer and some on top. `judged` are those that a truth table has.
pub fn choose(
    wanted: &Architectures,
    space: &Space<'_>,
    judged: Option<&TruthTable>,
) -> Result<Vec<String>, RunError> {
    let mut chosen =
        Chosen { space, unique: wanted.unique, seen: HashSet::new(), list: Vec::new() };
    if let Some(file) = &wanted.file {
        let text = std::fs::read_to_string(file)
            .map_err(|source| RunError::ArchitectureFile { path: file.clone(), source })?;
        let lines = text.lines().map(str::trim).enumerate();
        for (line, text) in lines.filter(|(_, text)| !text.is_empty() && !text.starts_with('#')) {
            let arch = space.functions.parse(text).map_err(|error| RunError::Architecture {
                place: format!("{} line {}: ", file.display(), line + 1),
                error,
            })?;
            chosen.take(arch)?;
        }
        return chosen.finish();
    }
    let listed: Option<Vec<&str>> = match wanted.judged {
        true => Some(judged.ok_or(RunError::NoTruth)?.rows().map(|(arch, _)| arch).collect()),
        false => None,
    };
    let known = listed.as_ref().map(|list| list.len() as u64);
    let size = known.or(space.info.size);
    let size = size.ok_or_else(|| RunError::NotEnumerable(space.info.id.clone()))?;
    let at = |index: u64| match &listed {
        Some(list) => Ok(list[index as usize].to_owned()),
        None => space.functions.architecture(index),
    };
    let Some(count) = wanted.count else {
        if size > LISTABLE {
            return Err(RunError::TooLarge(space.info.id.clone(), size));
        }
        for index in 0..size {
            chosen.take(at(index)?)?;
        }
        return chosen.finish();
    };
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
        return Err(RunError::Fruitless { space, found, draws: FRUITLESS });
    }
    if (chosen.list.len() as u64) < count {
        let there = chosen.list.len();
        return Err(RunError::TooMany { wanted: count, there, unique: wanted.unique });
    }
    chosen.finish()
}

struct Chosen<'a> {
    space: &'a Space<'a>,
    unique: bool,
    /// Hashes of identities: a million of those would be half of the memory.
    seen: HashSet<[u8; 16]>,
    list: Vec<String>,
}

impl Chosen<'_> {
    /// Takes `arch` unless its like is there.
    fn take(&mut self, arch: String) -> Result<(), RunError> {
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

    fn finish(self) -> Result<Vec<String>, RunError> {
        if self.list.is_empty() { Err(RunError::NoArchitectures) } else { Ok(self.list) }
    }
}

//! Which architectures of a space a study looks at.

use super::RunError;
use crate::loader::Space;
use osee_core::{
    seed::{below, stream},
    study::Architectures,
};
use std::collections::HashSet;

/// The architectures, in the order of the study. A draw of more is the draw
/// of fewer and some on top.
pub fn choose(wanted: &Architectures, space: &Space<'_>) -> Result<Vec<String>, RunError> {
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
    let size = space.info.size.ok_or_else(|| RunError::NotEnumerable(space.info.id.clone()))?;
    let Some(count) = wanted.count else {
        for index in 0..size {
            chosen.take(space.functions.architecture(index)?)?;
        }
        return chosen.finish();
    };
    let mut stream = stream(wanted.seed, &["architectures", &space.info.id]);
    let mut order: Vec<u64> = (0..size).collect();
    for i in 0..order.len() {
        if chosen.list.len() as u64 == count {
            break;
        }
        let j = i + below(&mut stream, order.len() - i);
        order.swap(i, j);
        chosen.take(space.functions.architecture(order[i])?)?;
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
    seen: HashSet<String>,
    list: Vec<String>,
}

impl Chosen<'_> {
    /// Takes `arch` unless its like is there.
    fn take(&mut self, arch: String) -> Result<(), RunError> {
        let identity = match self.unique {
            true => self.space.functions.canonical(&arch)?,
            false => arch.clone(),
        };
        if self.seen.insert(identity) {
            self.list.push(arch);
        }
        Ok(())
    }

    fn finish(self) -> Result<Vec<String>, RunError> {
        if self.list.is_empty() { Err(RunError::NoArchitectures) } else { Ok(self.list) }
    }
}

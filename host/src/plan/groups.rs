//! Isomorphism groups of a plan's architectures.

use super::{PlanError, architectures::LISTABLE};
use crate::loader::Space;
use std::collections::HashMap;

/// Maps each of `architectures` to the members of its isomorphism group. Errors name
/// `row`, which asks for the groups.
pub fn groups(
    space: &Space<'_>,
    architectures: &[String],
    row: &str,
) -> Result<HashMap<String, Vec<String>>, PlanError> {
    let listable = space.info.size.filter(|size| *size <= LISTABLE);
    let size = listable.ok_or_else(|| PlanError::NoGroups {
        row: row.to_owned(),
        space: space.info.id.clone(),
        size: space.info.size,
    })?;
    let mut all: HashMap<String, Vec<String>> = HashMap::new();
    for index in 0..size {
        let arch = space.functions.architecture(index)?;
        all.entry(space.functions.canonical(&arch)?).or_default().push(arch);
    }
    let mut groups = HashMap::new();
    for arch in architectures {
        let group = all.get(&space.functions.canonical(arch)?).cloned();
        groups.insert(arch.clone(), group.unwrap_or_else(|| vec![arch.clone()]));
    }
    match groups.values().any(|group| group.len() > 1) {
        true => Ok(groups),
        false => Err(PlanError::LoneGroups(row.to_owned())),
    }
}

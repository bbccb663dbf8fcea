//! The seeds of a study.
//!
//! Invariant: there is at least one seed, and none is repeated.

use super::StudyError;
use serde::{Deserialize, Serialize};
use std::{collections::HashSet, fmt, ops::Deref};

/// Seeds in the order in which they were given.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<u64>", into = "Vec<u64>")]
pub struct Seeds(Vec<u64>);

impl Seeds {
    /// A single seed.
    pub fn one(seed: u64) -> Self {
        Self(vec![seed])
    }

    /// The first seed, which is used for everything that is computed only once.
    pub fn first(&self) -> u64 {
        self.0[0]
    }

    /// Seed index of `seed`; `None` if it is not among the seeds.
    pub fn index_of(&self, seed: u64) -> Option<usize> {
        self.0.iter().position(|it| *it == seed)
    }
}

impl fmt::Debug for Seeds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Deref for Seeds {
    type Target = [u64];

    fn deref(&self) -> &[u64] {
        &self.0
    }
}

impl TryFrom<Vec<u64>> for Seeds {
    type Error = StudyError;

    fn try_from(seeds: Vec<u64>) -> Result<Self, StudyError> {
        if seeds.is_empty() {
            return Err(StudyError::Invalid("a study needs at least one seed".to_owned()));
        }
        let mut seen = HashSet::new();
        match seeds.iter().find(|seed| !seen.insert(**seed)) {
            Some(twice) => Err(StudyError::Invalid(format!("seed {twice} is given twice"))),
            None => Ok(Self(seeds)),
        }
    }
}

impl From<Seeds> for Vec<u64> {
    fn from(seeds: Seeds) -> Self {
        seeds.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_are_some_and_different() {
        let wrong = |seeds: Vec<u64>| Seeds::try_from(seeds).unwrap_err().to_string();
        assert_eq!(wrong(vec![]), "a study needs at least one seed");
        assert_eq!(wrong(vec![3, 1, 3]), "seed 3 is given twice");
        let seeds = Seeds::try_from(vec![7, 0]).unwrap();
        assert_eq!((seeds.first(), seeds.index_of(0), seeds.index_of(1)), (7, Some(1), None));
    }
}

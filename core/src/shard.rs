//! Shards: which of several processes computes a unit of work.
//!
//! Invariant: the shard of a unit depends only on the unit's name and the number of shards, so
//! every machine finds the same partition without asking the others.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::{fmt, num::NonZeroU32, str::FromStr};

/// One of several shares of the units, written `K/N` with K from 1 to N.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Shard {
    number: u32,
    count: NonZeroU32,
}

/// The text that is not a shard.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a shard; write K/N with K from 1 to N, such as 2/5")]
pub struct ShardError(String);

/// Name of a unit: one architecture, as its space spells it, and one seed.
pub fn unit_name(arch: &str, seed: u64) -> String {
    format!("{arch} {seed}")
}

impl Shard {
    /// The shard that has all units, `1/1`.
    pub const WHOLE: Self = Self { number: 1, count: NonZeroU32::MIN };

    /// Shard `number`, from 1, of `count`.
    ///
    /// # Errors
    /// If `number` is not from 1 to `count`.
    pub fn new(number: u32, count: u32) -> Result<Self, ShardError> {
        match NonZeroU32::new(count) {
            Some(count) if (1..=count.get()).contains(&number) => Ok(Self { number, count }),
            _ => Err(ShardError(format!("{number}/{count}"))),
        }
    }

    /// Number of this shard, from 1.
    pub fn number(self) -> u32 {
        self.number
    }

    /// Number of all shards, this one included.
    pub fn count(self) -> u32 {
        self.count.get()
    }

    /// True if this shard has all units.
    pub fn is_whole(&self) -> bool {
        *self == Self::WHOLE
    }

    /// All shards of the same partition, this one included.
    pub fn siblings(self) -> impl Iterator<Item = Self> {
        (1..=self.count()).map(move |number| Self { number, count: self.count })
    }

    /// Name of the shard's run directory, `shard-K-of-N`.
    pub fn folder(self) -> String {
        format!("shard-{}-of-{}", self.number, self.count)
    }

    /// The shard whose run directory has this name; `None` if it is not such a name.
    pub fn of_folder(name: &str) -> Option<Self> {
        let (number, count) = name.strip_prefix("shard-")?.split_once("-of-")?;
        Self::new(number.parse().ok()?, count.parse().ok()?).ok()
    }

    /// True if the unit called `name` belongs to this shard. Each unit belongs to exactly one.
    pub fn holds(self, name: &str) -> bool {
        self == Self::WHOLE || self.holder(name) == self.number as usize - 1
    }

    /// Position among [`Self::siblings`], from 0, of the shard that has the unit called `name`.
    pub fn holder(self, name: &str) -> usize {
        let hash = Sha256::digest(name.as_bytes());
        let first = hash.first_chunk().expect("a SHA-256 has 32 bytes");
        (u64::from_le_bytes(*first) % u64::from(self.count())) as usize
    }
}

impl Default for Shard {
    fn default() -> Self {
        Self::WHOLE
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.number, self.count)
    }
}

impl FromStr for Shard {
    type Err = ShardError;

    fn from_str(text: &str) -> Result<Self, ShardError> {
        let wrong = || ShardError(text.to_owned());
        let (number, count) = text.split_once('/').ok_or_else(wrong)?;
        let parse = |part: &str| part.trim().parse().map_err(|_| wrong());
        Self::new(parse(number)?, parse(count)?).map_err(|_| wrong())
    }
}

impl TryFrom<String> for Shard {
    type Error = ShardError;

    fn try_from(text: String) -> Result<Self, ShardError> {
        text.parse()
    }
}

impl From<Shard> for String {
    fn from(shard: Shard) -> Self {
        shard.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_unit_is_one_shards_and_shards_are_about_equal() {
        let shards: Vec<Shard> = (1..=5).map(|k| Shard::new(k, 5).unwrap()).collect();
        let mut sizes = [0; 5];
        for unit in 0..5000 {
            let name = format!("unit {unit}");
            let holders: Vec<usize> = (0..5).filter(|&k| shards[k].holds(&name)).collect();
            assert_eq!(holders.len(), 1);
            sizes[holders[0]] += 1;
        }
        // The mean is a thousand; the standard deviation is 28.
        assert!(sizes.iter().all(|size| (880..1120).contains(size)), "{sizes:?}");
        assert!(Shard::WHOLE.holds("anything"));
    }

    #[test]
    fn the_partition_is_the_same_everywhere_and_for_ever() {
        let held: Vec<u32> =
            (1..=3).filter(|&k| Shard::new(k, 3).unwrap().holds("|avg_pool_3x3~0| 20")).collect();
        assert_eq!(held, [1]);
    }

    #[test]
    fn a_folder_says_whose_it_is() {
        let shard = Shard::new(2, 5).unwrap();
        assert_eq!(Shard::of_folder(&shard.folder()), Some(shard));
        for other in ["shard-6-of-5", "shard-1", "supernets", "shard-a-of-b"] {
            assert_eq!(Shard::of_folder(other), None, "{other}");
        }
    }

    #[test]
    fn what_is_no_shard_is_refused() {
        assert_eq!("2/5".parse::<Shard>().unwrap().to_string(), "2/5");
        for wrong in ["", "3", "0/3", "4/3", "1/0", "a/3", "1/3/5", "-1/3"] {
            let error = wrong.parse::<Shard>().unwrap_err().to_string();
            assert!(error.starts_with(&format!("`{wrong}` is not a shard")), "{error}");
        }
    }
}

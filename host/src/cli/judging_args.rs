//! Flags of every command that judges scores by a table.

use clap::ValueEnum;
use osee_core::{criteria::Compat, truth::Duplicates};

/// Which row of a table counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DuplicatesArg {
    /// An error.
    Error,
    /// The first row counts.
    First,
    /// The last row counts.
    Last,
    /// Their mean counts.
    Mean,
}

impl From<DuplicatesArg> for Duplicates {
    fn from(arg: DuplicatesArg) -> Self {
        match arg {
            DuplicatesArg::Error => Self::Error,
            DuplicatesArg::First => Self::First,
            DuplicatesArg::Last => Self::Last,
            DuplicatesArg::Mean => Self::Mean,
        }
    }
}

/// Which tie rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum CompatArg {
    /// Every number is its mean over all ways to break ties.
    Osee,
    /// As the study's published tables: by a reversed sort of the rows.
    Awnas,
}

impl From<CompatArg> for Compat {
    fn from(arg: CompatArg) -> Self {
        match arg {
            CompatArg::Osee => Self::Osee,
            CompatArg::Awnas => Self::Awnas,
        }
    }
}

//! What was computed: a run directory with the resolved study and an SQLite
//! file of scores.
//!
//! Invariants: a unit of work (one architecture and seed) is stored whole or
//! not at all, before the next one starts; no stored score is computed or
//! written again, a failure only where it is tried again; a directory that is
//! no run of this study is left alone.

mod architectures;
mod error;
mod files;
mod json;
mod limit;
mod merge;
mod old;
mod progress;
mod reader;
mod record;
mod retry;
mod schema;
mod superseded;
#[cfg(test)]
pub(crate) mod tests;
mod training;
mod unit;
mod writer;

pub use architectures::List;
pub use error::StoreError;
pub use merge::{MergeError, Merged};
pub use progress::{Done, Progress};
pub use reader::Store;
pub use record::{Outcome, Record, RowId, Score, seed_means};
pub use retry::Retry;
pub use superseded::Superseded;
pub use training::{Curve, EpochReport, Evaluated};
pub use unit::UnitTimes;
pub use writer::StoreWriter;

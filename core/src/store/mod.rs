//! The store of a run: a directory with the resolved study and an SQLite file of scores.
//!
//! Invariants: a unit of work (one architecture with one seed) is stored whole or not at all,
//! before the next one starts; a stored score is never computed or written again, and a failure
//! only if it is tried again; a directory that is not a run of this study is left alone.

mod architectures;
mod error;
mod files;
mod json;
mod limit;
mod merge;
mod old;
mod population;
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
pub use population::PopulationId;
pub use progress::{Done, Progress};
pub use reader::Store;
pub use record::{Outcome, Record, RowId, Score, seed_means};
pub use retry::Retry;
pub use superseded::Superseded;
pub use training::{Curve, EpochReport, Evaluated};
pub use unit::UnitTimes;
pub use writer::StoreWriter;

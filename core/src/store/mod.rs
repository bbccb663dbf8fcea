//! What was computed: a run directory with the resolved study and an SQLite
//! file of scores.
//!
//! Invariants: a unit of work (one architecture and seed) is stored whole or
//! not at all, before the next one starts; no stored score is computed or
//! written again, a failure only where it is tried again; a directory that is
//! no run of this study is left alone.

mod error;
mod files;
mod json;
mod limit;
mod list;
mod merge;
mod progress;
mod record;
mod results;
mod retry;
mod schema;
mod training;
mod unit;

pub use error::StoreError;
pub use list::List;
pub use merge::{MergeError, Merged};
pub use progress::{Done, Progress};
pub use record::{Outcome, Record, Score, ScorerId, ScorerKey, seed_means};
pub use results::{JOBS, Store};
pub use retry::Retry;
pub use training::{Curve, EpochReport, Evaluated};
pub use unit::UnitTimes;

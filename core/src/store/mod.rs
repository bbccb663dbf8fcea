//! What was computed: a run directory with the resolved study and an SQLite
//! file of scores.
//!
//! Invariants: a unit of work (one architecture and seed) is stored whole or
//! not at all, before the next one starts; nothing stored is computed or
//! written again; a directory that is no run of this study is left alone.

mod error;
mod files;
mod list;
mod merge;
mod progress;
mod record;
mod results;
mod schema;
mod training;

pub use error::StoreError;
pub use files::write_whole;
pub use list::List;
pub use merge::{MergeError, Merged};
pub use progress::{Done, Progress};
pub use record::{Outcome, Record, Score, ScorerId, ScorerKey};
pub use results::{JOBS, Store};
pub use training::{Curve, Untrained};

//! What happens while a command works, and who shows it.
//!
//! Invariant: work tells events and prints nothing; what is shown changes nothing of
//! the work.

mod json;
mod terminal;

pub use json::JsonLines;
pub use terminal::Terminal;

use osee_core::store::EpochReport;
use serde::Serialize;
use std::fmt;

/// Something that happened.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event<'a> {
    /// Stored scores of a row are not used any more, and computed anew.
    Superseded {
        /// Name of the row.
        row: &'a str,
        /// How many scores.
        scores: u64,
        /// Why.
        reason: &'a str,
    },
    /// A supernet is going to be trained.
    TrainingBegins {
        /// Name of the row that trains it.
        supernet: &'a str,
        /// Its seed.
        seed: u64,
        /// Steps of the whole training.
        steps: u64,
    },
    /// It has done some of its steps.
    TrainingStep {
        /// Name of the row that trains it.
        supernet: &'a str,
        /// Its seed.
        seed: u64,
        /// Steps since it began, however often it was resumed.
        done: u64,
    },
    /// It has done an epoch.
    TrainingEpoch {
        /// Name of the row that trains it.
        supernet: &'a str,
        /// Its seed.
        seed: u64,
        /// What the epoch came to.
        #[serde(flatten)]
        report: &'a EpochReport,
    },
    /// It is trained.
    TrainingEnds {
        /// Name of the row that trains it.
        supernet: &'a str,
        /// Its seed.
        seed: u64,
    },
    /// Units are going to be scored.
    ScoringBegins {
        /// Those that are left.
        outstanding: u64,
        /// All units of the study.
        units: u64,
    },
    /// A unit is stored.
    UnitScored {
        /// The architecture.
        architecture: &'a str,
        /// Its seed.
        seed: u64,
        /// Rows that failed.
        failed: usize,
        /// Milliseconds for all rows together.
        milliseconds: f64,
    },
    /// Single networks are going to be trained, for a benchmark.
    BuildingBegins {
        /// Architectures that are left.
        outstanding: u64,
    },
    /// An architecture is trained with all seeds.
    ArchitectureTrained {
        /// The architecture.
        architecture: &'a str,
    },
    /// A file is going to be downloaded.
    DownloadBegins {
        /// Name of the data set.
        data_set: &'a str,
        /// Name of the file.
        file: &'a str,
        /// Its size.
        bytes: u64,
        /// Where it comes from.
        source: &'a str,
    },
    /// So many bytes of it are there.
    DownloadStep {
        /// Bytes from its beginning.
        bytes: u64,
    },
    /// What began last, scoring, all trainings, a build or a download, is over.
    Over,
}

/// Who is told.
pub trait Reporter: fmt::Debug + Send + Sync {
    /// Takes note of an event.
    fn tell(&self, event: Event<'_>);
}

/// Nobody.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Reporter for Silent {
    fn tell(&self, _: Event<'_>) {}
}

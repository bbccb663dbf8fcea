//! Events of a command's work, and the reporters that show them.
//!
//! Invariant: work reports events and prints nothing; what is shown does not affect the
//! work.

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
    /// Stored scores of a row are no longer used, and are computed again.
    Superseded {
        /// Name of the row.
        row: &'a str,
        /// Number of scores.
        scores: u64,
        /// The reason.
        reason: &'a str,
    },
    /// A training begins or resumes.
    TrainingBegins {
        /// Name of the row that trains it.
        supernet: &'a str,
        /// Seed of the training.
        seed: u64,
        /// Number of steps of the whole training.
        steps: u64,
    },
    /// Some steps of a training are done.
    TrainingStep {
        /// Name of the row that trains it.
        supernet: &'a str,
        /// Seed of the training.
        seed: u64,
        /// Number of steps since the training began, however often it was resumed.
        done: u64,
    },
    /// An epoch of a training is done.
    TrainingEpoch {
        /// Name of the row that trains it.
        supernet: &'a str,
        /// Seed of the training.
        seed: u64,
        /// Loss, accuracy and speed of the epoch.
        #[serde(flatten)]
        report: &'a EpochReport,
    },
    /// A training is complete.
    TrainingEnds {
        /// Name of the row that trains it.
        supernet: &'a str,
        /// Seed of the training.
        seed: u64,
    },
    /// Scoring begins.
    ScoringBegins {
        /// Number of units that are left.
        outstanding: u64,
        /// Number of all units of the study.
        units: u64,
    },
    /// A unit is stored.
    UnitScored {
        /// The architecture in its space's notation.
        architecture: &'a str,
        /// Seed of the unit.
        seed: u64,
        /// Number of rows that failed.
        failed: usize,
        /// Milliseconds for all rows together.
        milliseconds: f64,
    },
    /// Networks are about to be trained alone, for a benchmark.
    BuildingBegins {
        /// Number of architectures that are left.
        outstanding: u64,
    },
    /// An architecture is trained with all seeds.
    ArchitectureTrained {
        /// The architecture in its space's notation.
        architecture: &'a str,
    },
    /// A download begins.
    DownloadBegins {
        /// Name of the data set.
        data_set: &'a str,
        /// Name of the file.
        file: &'a str,
        /// Size of the file in bytes.
        bytes: u64,
        /// Where it comes from.
        source: &'a str,
    },
    /// A part of the file has arrived.
    DownloadStep {
        /// Number of bytes that have arrived.
        bytes: u64,
    },
    /// What began last (scoring, all trainings, a build or a download) is over.
    Over,
}

/// Receives the events of a command.
pub trait Reporter: fmt::Debug + Send + Sync {
    /// Takes note of an event.
    fn tell(&self, event: Event<'_>);
}

/// Ignores all events.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Reporter for Silent {
    fn tell(&self, _: Event<'_>) {}
}

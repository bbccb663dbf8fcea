//! What an estimator is, apart from how it computes.

use crate::settings::{SettingSpec, Settings};
use serde::{Deserialize, Serialize};
use std::{fmt, time::Duration};

/// What an estimator looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum EstimatorKind {
    /// An untrained network and a few batches (ZSE).
    ZeroShot,
    /// A trained supernet's sub-networks (OSE).
    OneShot,
    /// Other estimators' scores.
    Meta,
    /// The graph alone.
    Baseline,
}

impl fmt::Display for EstimatorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ZeroShot => "zero-shot",
            Self::OneShot => "one-shot",
            Self::Meta => "meta",
            Self::Baseline => "baseline",
        })
    }
}

/// Which end of the scores is promised to be good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// A high score predicts a good architecture.
    #[default]
    HigherIsBetter,
    /// A low score predicts a good architecture; negated before it is judged.
    LowerIsBetter,
}

impl Direction {
    /// The score in the sense "higher is better".
    pub fn orient(self, score: f64) -> f64 {
        match self {
            Self::HigherIsBetter => score,
            Self::LowerIsBetter => -score,
        }
    }
}

/// What an estimator declares of itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
#[must_use]
pub struct EstimatorInfo {
    /// Name in study files and leaderboards, such as `grad_norm`.
    pub id: String,
    /// Version of the definition; a new one makes old results stale.
    pub version: String,
    /// What it looks at. The trait that a plugin exports decides, see
    /// [`of_kind`](Self::of_kind); zero-shot until then.
    pub kind: EstimatorKind,
    /// Which end is good.
    pub direction: Direction,
    /// One line.
    pub summary: String,
    /// The paper or code that defines it.
    pub citation: String,
    /// Settings with their defaults.
    pub settings: Vec<SettingSpec>,
}

impl EstimatorInfo {
    /// An estimator whose high scores are good, without settings.
    pub fn new(id: &str, version: &str) -> Self {
        Self {
            id: id.to_owned(),
            version: version.to_owned(),
            kind: EstimatorKind::ZeroShot,
            direction: Direction::HigherIsBetter,
            summary: String::new(),
            citation: String::new(),
            settings: Vec::new(),
        }
    }

    /// With a one-line description.
    pub fn summary(self, summary: &str) -> Self {
        Self { summary: summary.to_owned(), ..self }
    }

    /// With the paper or code that defines it.
    pub fn citation(self, citation: &str) -> Self {
        Self { citation: citation.to_owned(), ..self }
    }

    /// With another direction.
    pub fn direction(self, direction: Direction) -> Self {
        Self { direction, ..self }
    }

    /// With one more setting.
    pub fn setting(self, spec: SettingSpec) -> Self {
        self.settings([spec])
    }

    /// With more settings.
    pub fn settings(mut self, specs: impl IntoIterator<Item = SettingSpec>) -> Self {
        self.settings.extend(specs);
        self
    }

    /// The same of a kind, which exporting it sets.
    pub fn of_kind(self, kind: EstimatorKind) -> Self {
        Self { kind, ..self }
    }

    /// Its settings, all with their defaults.
    pub fn defaults(&self) -> Settings {
        Settings::defaults(&self.settings)
    }
}

/// Why there is no score. Part of the stored results, so names are stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum FailureKind {
    /// The definition gives no number for this network, as the estimator
    /// itself says: nothing went wrong.
    Undefined,
    /// The estimator returned NaN or infinity as its score.
    NotFinite,
    /// The estimator or the engine returned an error.
    Error,
    /// The plugin panicked.
    Panic,
    /// The worker process died.
    Crash,
    /// The time limit passed.
    Timeout,
    /// The supernet that the score would come of could not be trained. It counts
    /// as outstanding: the next run tries again.
    Untrained,
}

impl FailureKind {
    /// All there are.
    pub const ALL: [Self; 6] =
        [Self::Undefined, Self::NotFinite, Self::Error, Self::Panic, Self::Crash, Self::Timeout];
}

impl fmt::Display for FailureKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Undefined => "undefined",
            Self::NotFinite => "not-finite",
            Self::Error => "error",
            Self::Panic => "panic",
            Self::Crash => "crash",
            Self::Timeout => "timeout",
            Self::Untrained => "untrained",
        })
    }
}

/// What a score may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Limit {
    /// Time of one score.
    Time(Duration),
    /// Resident memory of a worker, bytes.
    Memory(u64),
}

/// A score that could not be had, as stored and shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The type of failure.
    pub kind: FailureKind,
    /// What happened, as a lower-case fragment.
    pub message: String,
    /// The limit that was passed, if one was: under a wider one there may be a
    /// score.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<Limit>,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            FailureKind::Error => f.write_str(&self.message),
            kind => write!(f, "{kind}: {}", self.message),
        }
    }
}

impl std::error::Error for Failure {}

impl Failure {
    /// A failure of this kind.
    pub fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), limit: None }
    }

    /// The same by a limit.
    #[must_use]
    pub fn by(self, limit: Option<Limit>) -> Self {
        Self { limit, ..self }
    }
}

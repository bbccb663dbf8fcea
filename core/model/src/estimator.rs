//! What an estimator declares about itself, and how a score can fail.

use crate::settings::{SettingSpec, Settings};
use serde::{Deserialize, Serialize};
use std::{fmt, time::Duration};

/// What an estimator scores.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum EstimatorKind {
    /// An untrained network, with a few batches of images (ZSE).
    ZeroShot,
    /// Sub-networks of a trained supernet (OSE).
    OneShot,
    /// The scores of other estimators.
    Meta,
    /// The graph alone, without weights or images.
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

/// Which end of the scores predicts good architectures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// A high score predicts a good architecture.
    #[default]
    HigherIsBetter,
    /// A low score predicts a good architecture; scores are negated before they are judged.
    LowerIsBetter,
}

impl Direction {
    /// The score with its sign changed where needed, so that higher is better.
    pub fn orient(self, score: f64) -> f64 {
        match self {
            Self::HigherIsBetter => score,
            Self::LowerIsBetter => -score,
        }
    }
}

/// The bundled estimators that a study can name together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Group {
    /// Those of the paper, which a study has unless it says otherwise.
    Classic,
    /// Later ones that take about two passes forward and backward, or less.
    Fast,
    /// Later ones that take more: a backward pass for each image or class, or many repeats.
    Slow,
}

impl Group {
    /// All groups, with their names in studies.
    pub const NAMED: [(&str, Self); 3] =
        [("classic", Self::Classic), ("fast", Self::Fast), ("slow", Self::Slow)];

    /// The group with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::NAMED.into_iter().find(|(known, _)| *known == name).map(|(_, group)| group)
    }
}

/// What an estimator declares about itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
#[must_use]
pub struct EstimatorInfo {
    /// Name in study files and leaderboards, such as `grad_norm`.
    pub id: String,
    /// Version of the definition; a new one makes old results stale.
    pub version: String,
    /// What the estimator scores. Exporting the estimator sets it, see [`of_kind`](Self::of_kind);
    /// until then it is zero-shot.
    pub kind: EstimatorKind,
    /// Which end of the scores is good.
    pub direction: Direction,
    /// Description in one line.
    pub summary: String,
    /// The paper or code that defines the estimator.
    pub citation: String,
    /// Declared settings with their defaults.
    pub settings: Vec<SettingSpec>,
    /// The group that it belongs to; `None` outside osee's own libraries.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<Group>,
}

impl EstimatorInfo {
    /// An estimator without settings whose high scores are good.
    pub fn new(id: &str, version: &str) -> Self {
        Self {
            id: id.to_owned(),
            version: version.to_owned(),
            kind: EstimatorKind::ZeroShot,
            direction: Direction::HigherIsBetter,
            summary: String::new(),
            citation: String::new(),
            settings: Vec::new(),
            group: None,
        }
    }

    /// Puts the estimator into a group, by whose name studies can ask for it.
    pub fn group(self, group: Group) -> Self {
        Self { group: Some(group), ..self }
    }

    /// Sets the one-line description.
    pub fn summary(self, summary: &str) -> Self {
        Self { summary: summary.to_owned(), ..self }
    }

    /// Names the paper or code that defines the estimator.
    pub fn citation(self, citation: &str) -> Self {
        Self { citation: citation.to_owned(), ..self }
    }

    /// Sets which end of the scores is good.
    pub fn direction(self, direction: Direction) -> Self {
        Self { direction, ..self }
    }

    /// Adds a setting.
    pub fn setting(self, spec: SettingSpec) -> Self {
        self.settings([spec])
    }

    /// Adds several settings.
    pub fn settings(mut self, specs: impl IntoIterator<Item = SettingSpec>) -> Self {
        self.settings.extend(specs);
        self
    }

    /// Sets the kind; exporting the estimator calls this.
    pub fn of_kind(self, kind: EstimatorKind) -> Self {
        Self { kind, ..self }
    }

    /// The declared settings, all with their defaults.
    pub fn defaults(&self) -> Settings {
        Settings::defaults(&self.settings)
    }
}

/// Why there is no score. The names are stored with results and must stay the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum FailureKind {
    /// The definition gives no number for this network, and the estimator says so. Nothing went
    /// wrong.
    Undefined,
    /// The estimator returned NaN or infinity as its score.
    NotFinite,
    /// The estimator or the engine returned an error.
    Error,
    /// The plugin panicked.
    Panic,
    /// The worker process died.
    Crash,
    /// The score took longer than the time limit.
    Timeout,
    /// The device failed at the estimator's work, in a fresh worker, too: it ran out of memory, or
    /// a kernel did what is not allowed.
    Device,
    /// The supernet whose weights would be scored could not be trained. The score counts as
    /// outstanding, and the next run tries again.
    Untrained,
}

impl FailureKind {
    /// Every kind except [`Untrained`](Self::Untrained).
    pub const ALL: [Self; 7] = [
        Self::Undefined,
        Self::NotFinite,
        Self::Error,
        Self::Panic,
        Self::Crash,
        Self::Timeout,
        Self::Device,
    ];
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
            Self::Device => "device",
            Self::Untrained => "untrained",
        })
    }
}

/// A limit on the time or memory of a score.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Limit {
    /// Time for one score.
    Time(Duration),
    /// Resident memory of a worker in bytes.
    Memory(u64),
}

/// Why a score is missing, as stored and shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The kind of failure.
    pub kind: FailureKind,
    /// What happened, as a phrase that starts in lower case.
    pub message: String,
    /// The limit that was exceeded, if any; under a wider limit there may be a score.
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
    /// A failure of this kind that no limit caused.
    pub fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), limit: None }
    }

    /// Sets the limit that caused the failure.
    #[must_use]
    pub fn by(self, limit: Option<Limit>) -> Self {
        Self { limit, ..self }
    }
}

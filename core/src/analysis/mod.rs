//! How and why an estimator errs: the paper's analyses of bias (sections 5.1 and 5.2), variance and
//! stability (5.3) and validation data (4.1), and what the paper lacks: significance, noise of the
//! truth, and cost against quality.
//!
//! Invariants: functions are pure. Scores are oriented so that higher is better; a failed score is
//! NaN and ranks last; truth is finite. What is undefined is `None`, never 0. Equal values share
//! the mean of their ranks, and the order of the architectures changes nothing. Columns that may
//! have gaps ([`Column`]) are compared on the architectures that both have.

mod agreement;
mod architecture;
mod beside_count;
mod column;
mod complexity;
mod cost;
mod distribution;
mod ensemble;
mod exchange;
mod forgetting;
mod gradient_similarity;
mod levels;
mod noise;
mod observation;
mod operation;
mod ranking;
mod significance;
mod stability;
mod trend;

pub use agreement::{Agreement, agreement};
pub use architecture::{Extremes, Placed, extremes};
pub use beside_count::{BesideCount, beside_count};
pub use column::Column;
pub use complexity::{ComplexityGroup, EqualGroups, complexity_groups, equal_groups};
pub use cost::{CostPoint, ParetoPoint, pareto};
pub use distribution::{Bins, Distribution, Histogram};
pub use ensemble::{mean_ranks, mean_scores};
pub use exchange::{EXCHANGED_UP_TO, smallest_exchange_p_value};
pub use forgetting::{EpochAccuracies, EpochForgetting, forgetting};
pub use gradient_similarity::{LayerGradients, LayerSimilarity, gradient_similarity};
pub use levels::{BatchPoint, Level, LevelReport, batch_study, levels};
pub use noise::{Ceiling, NoiseReport, SeedPair, SplitCheck, noise_ceiling};
pub use observation::Observation;
pub use operation::{
    FoundPairs, MutationPair, OpBiasReport, OpChange, op_bias, pairs_in_set, within_group,
};
pub use ranking::{RankingDifferences, ranking_differences};
pub use significance::{Comparison, EstimatorTau, SignificanceReport, significance};
pub use stability::{
    CHECKPOINT_RATIOS, Checkpoint, Stability, StabilityStep, stability, stability_steps,
};
pub use trend::{TrendPoint, trend};

/// Why an analysis cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AnalysisError {
    /// Columns differ in length.
    #[error("{found} values of {what} for {wanted} architectures; give one per architecture")]
    Length {
        /// Name of the column.
        what: String,
        /// Number of values that it has.
        found: usize,
        /// Number of values that it should have.
        wanted: usize,
    },
    /// A number that must be finite is not.
    #[error("the {what} of row {row} is not finite; leave the row out of every column")]
    NotFinite {
        /// Name of the column.
        what: String,
        /// Row of the number, from 0.
        row: usize,
    },
    /// There are too few of something.
    #[error("{what}: at least {wanted} needed, there are {found}")]
    TooFew {
        /// What there are too few of.
        what: &'static str,
        /// The number that is needed.
        wanted: usize,
        /// The number that there are.
        found: usize,
    },
    /// A mutation pair refers to an architecture that does not exist.
    #[error("pair {pair} names architecture {index}, but there are only {architectures}")]
    Pair {
        /// Position of the pair, from 0.
        pair: usize,
        /// The invalid position of an architecture, from 0.
        index: usize,
        /// Number of architectures.
        architectures: usize,
    },
}

use AnalysisError::{Length, NotFinite, TooFew};

fn same_length(what: &str, found: usize, wanted: usize) -> Result<(), AnalysisError> {
    if found == wanted {
        return Ok(());
    }
    Err(Length { what: what.to_owned(), found, wanted })
}

fn all_finite(what: &str, values: &[f64]) -> Result<(), AnalysisError> {
    match values.iter().position(|value| !value.is_finite()) {
        Some(row) => Err(NotFinite { what: what.to_owned(), row }),
        None => Ok(()),
    }
}

fn at_least(what: &'static str, found: usize, wanted: usize) -> Result<(), AnalysisError> {
    if found >= wanted { Ok(()) } else { Err(TooFew { what, wanted, found }) }
}

/// Checks that a score column and its truth have the same length, and that the truth is finite.
fn judged(scores: &[f64], truths: &[f64]) -> Result<(), AnalysisError> {
    same_length("scores", scores.len(), truths.len())?;
    all_finite("truth", truths)
}

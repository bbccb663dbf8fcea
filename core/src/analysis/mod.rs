//! How and why an estimator errs: the study's analyses of bias (section 5.1
//! and 5.2), variance and stability (5.3) and validation data (4.1), and what
//! it lacks: significance, noise of the truth, cost against quality.
//!
//! Invariants: pure functions of their arguments; scores are oriented so that
//! higher is better, a failed score is NaN and ranks last; truth is finite;
//! what is undefined is `None`, never 0; equal values share the mean of their
//! ranks, and the order of the architectures changes nothing. Where columns may
//! have gaps ([`Column`]), two of them are compared on what both have.

mod agreement;
mod architecture;
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

/// Why there is nothing to analyse.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AnalysisError {
    /// Columns of different length.
    #[error("{found} values of {what} for {wanted} architectures; give one per architecture")]
    Length {
        /// The column.
        what: String,
        /// Its length.
        found: usize,
        /// The length it should have.
        wanted: usize,
    },
    /// Something that must be known is not.
    #[error("the {what} of row {row} is not finite; leave the row out of every column")]
    NotFinite {
        /// The column.
        what: String,
        /// The row, from 0.
        row: usize,
    },
    /// Too little of something.
    #[error("{what}: at least {wanted} needed, there are {found}")]
    TooFew {
        /// Of what.
        what: &'static str,
        /// How many there must be.
        wanted: usize,
        /// How many there are.
        found: usize,
    },
    /// A pair outside the set.
    #[error("pair {pair} names architecture {index}, but there are only {architectures}")]
    Pair {
        /// The pair, from 0.
        pair: usize,
        /// What it names, from 0.
        index: usize,
        /// Architectures there are.
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

/// A score column and its truth: same length, truth finite.
fn judged(scores: &[f64], truths: &[f64]) -> Result<(), AnalysisError> {
    same_length("scores", scores.len(), truths.len())?;
    all_finite("truth", truths)
}

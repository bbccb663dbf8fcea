//! How good is a ranking? Scores against ground truth, by the criteria of the
//! study (NeurIPS 2021, section 3), with a stated rule for ties and failures.
//!
//! Invariants: scores are oriented so that higher is better; a failed score
//! is NaN, ranks below every other and is counted; truth is finite; every
//! criterion costs O(M log M).

pub(crate) mod bootstrap;
pub(crate) mod correlation;
pub(crate) mod rank;
mod report;
pub(crate) mod top_k;

pub use bootstrap::{Bootstrap, Paired, paired_comparison};
pub use correlation::{kendall_tau_a, kendall_tau_b, pearson, spearman};
pub use rank::average as average_ranks;
pub use report::{
    Compat, CriteriaError, CriteriaOptions, CriteriaReport, MIN_ARCHITECTURES, evaluate,
};
pub use top_k::TieAware;

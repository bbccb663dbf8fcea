//! Scores against ground truth, by the criteria of the paper (section 3), with a stated rule for
//! ties and failures.
//!
//! Invariants: scores are oriented so that higher is better; a failed score is NaN, ranks below
//! every other and is counted; truth is finite; every criterion costs O(M log M); nothing depends
//! on the order of the rows, to the bit, except what [`Compat::Awnas`] asks for.

pub(crate) mod bootstrap;
pub(crate) mod correlation;
mod independence;
mod inside;
mod interval;
pub(crate) mod jackknife;
mod ndcg;
pub(crate) mod rank;
mod report;
pub(crate) mod top_k;

pub use bootstrap::{Bootstrap, INTERVAL_FROM};
pub use correlation::{kendall_tau_a, kendall_tau_b, pearson, spearman};
pub use independence::{kendall_p_value, smallest_kendall_p_value};
pub use interval::NoInterval;
pub use rank::average as average_ranks;
pub use report::{CriteriaError, CriteriaOptions, CriteriaReport, MIN_ARCHITECTURES, evaluate};
pub use top_k::{Compat, TieAware};

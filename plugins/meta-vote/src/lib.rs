//! Estimators that make one score of other estimators' scores: [`Vote`] by pairwise
//! majorities, [`Combine`] by a rule of rank aggregation, and published combinations.
//!
//! Such a score depends on the population, the set of architectures that are scored
//! together: another population gives the same architecture another score.

mod combine;
mod experts;
mod majority;
mod presets;
mod rules;
mod vote;

pub use combine::Combine;
pub use presets::{AzNas, FreeRea, TeNas, VkdnwAgg};
pub use rules::Rule;
pub use vote::Vote;

osee_sdk::export! { meta: Vote, Combine, AzNas, TeNas, FreeRea, VkdnwAgg }

//! What happens inside a supernet while it trains.

use super::absent;
use crate::{
    analysis::Material,
    report::html::{Absent, Section},
};

/// Forgetting and gradient similarity need a look at the supernet after every
/// step, which a run does not take.
pub fn section(_: &Material) -> Result<Section, Absent> {
    let reason = "trainings do not yet record accuracies after single steps, nor gradients";
    Err(absent("Forgetting, and similarity of gradients", reason, ""))
}

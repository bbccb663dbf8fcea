//! Baselines that every estimator has to beat: numbers that need no weights and no images.

mod cells;
mod counts;
mod entropy;
mod size;
mod skips;

pub use counts::{Conv3x3Count, ConvCount, ConvDepth};
pub use entropy::Entropy;
pub use size::{Flops, Params, Relu};
pub use skips::{SkipCount, SkipDistance};

osee_sdk::export! {
    baseline: Params, Flops, Relu, ConvCount, Conv3x3Count, ConvDepth, SkipCount, SkipDistance,
        Entropy
}

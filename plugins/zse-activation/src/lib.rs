//! Zero-shot estimators of how well a network tells the images of a
//! batch apart: by its input gradients, by which ReLUs fire, or by what flows through ReLUs.

mod input_gradient;
mod relu_gradient;
mod relu_pattern;

pub use input_gradient::{EpeNas, JacobCov};
pub use relu_gradient::{EzNas, WrCor};
pub use relu_pattern::{LinearRegions, ReluLogdet, Swap, SwapReg};

osee_sdk::export! {
    zero_shot: JacobCov, ReluLogdet, EpeNas, Swap, SwapReg, LinearRegions, WrCor, EzNas
}

//! Zero-shot estimators on the gradients of single images: the neural tangent kernel, and the
//! Fisher information of a few parameters.

mod kernel;
mod vkdnw;

pub use kernel::{HnasTrace, NtkCond};
pub use vkdnw::{Vkdnw, VkdnwDim, VkdnwPaper};

osee_sdk::export! { baseline: VkdnwDim; zero_shot: NtkCond, HnasTrace, Vkdnw, VkdnwPaper }

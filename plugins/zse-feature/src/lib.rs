//! Zero-shot estimators on the features that flow from cell to cell, or out of each layer.

mod az_nas;
mod meco;
mod zen;

pub use az_nas::{AzExpressivity, AzProgressivity, AzTrainability};
pub use meco::{MecoConv, MecoLeaf, MecoOpt};
pub use zen::Zen;

osee_sdk::export! {
    zero_shot: Zen, AzExpressivity, AzProgressivity, AzTrainability, MecoConv, MecoLeaf, MecoOpt
}

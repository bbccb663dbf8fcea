//! NAS-Bench-201 (Dong & Yang, ICLR 2020; NATS-Bench TSS): cells of four nodes
//! whose six edges carry one of five operations each.

mod arch;
mod network;

pub use arch::{Arch, EdgeOp};

use osee_sdk::prelude::*;

osee_sdk::export! { space: Nb201 }

/// The search space of NAS-Bench-201.
pub struct Nb201;

impl SearchSpace for Nb201 {
    type Arch = Arch;

    fn info() -> SpaceInfo {
        SpaceInfo::new("nb201", "1")
            .summary("NAS-Bench-201: 15,625 cells of 6 edges with 5 operations")
            .citation("Dong & Yang, NAS-Bench-201, ICLR 2020")
            .example(
                "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+\
                 |skip_connect~0|nor_conv_1x1~1|nor_conv_3x3~2|",
            )
            .size(Arch::COUNT)
            .settings(network::settings())
            .truth(
                TruthColumns::new("arch_str", "c10_test_hp200_v10")
                    .params("params_c10")
                    .flops("flops_c10")
                    .on("cifar100", "c100_test_hp200")
                    .on("imagenet16-120", "in16_test_hp200"),
            )
    }

    fn new() -> Self {
        Self
    }

    /// The index is written in base 5, one digit per edge in notation order, the first edge
    /// the most significant, operations in [`EdgeOp::ALL`]'s order. This is osee's own
    /// numbering, not the benchmark's shuffled index.
    fn architecture(&self, index: u64) -> Result<Arch> {
        Arch::from_index(index).ok_or_else(|| {
            Error::new(format!("nb201 has architectures 0 to {}, not {index}", Arch::COUNT - 1))
        })
    }

    fn canonical(&self, arch: &Arch) -> String {
        arch.canonical()
    }

    fn mutations(&self, arch: &Arch) -> Vec<Mutation> {
        arch.mutations()
    }

    /// Requires a convolution between input and output, as the paper's training does.
    fn trainable(&self, arch: &Arch) -> bool {
        arch.has_live_convolution()
    }

    fn graph(&self, arch: &Arch, settings: &Settings) -> Result<Graph> {
        network::build(arch, settings)
    }
}

//! The DARTS space (Liu et al., ICLR 2019) as NAS-Bench-301 (Zela et al.,
//! ICLR 2022) and the paper use it: a normal and a reduction cell of four
//! nodes with two inputs each.

mod arch;
mod network;

pub use arch::{Arch, CellKind, EdgeOp};

use osee_sdk::prelude::*;

osee_sdk::export! { space: Nb301 }

/// The search space of NAS-Bench-301.
pub struct Nb301;

impl SearchSpace for Nb301 {
    type Arch = Arch;

    fn info() -> SpaceInfo {
        SpaceInfo::new("nb301", "1")
            .summary("DARTS: a normal and a reduction cell, 10^18 architectures")
            .citation("Liu et al., DARTS, ICLR 2019; Zela et al., NAS-Bench-301, ICLR 2022")
            .example(arch::EXAMPLE)
            .size(Arch::COUNT)
            .settings(network::settings())
            .truth(TruthColumns::new("genotype", "surrogate_acc").params("params").flops("flops"))
    }

    fn new() -> Self {
        Self
    }

    /// The index is made of two cells of 1,037,664,180 each; the normal cell is the more
    /// significant, and within a cell the first node's inputs and operations.
    fn architecture(&self, index: u64) -> Result<Arch> {
        Arch::from_index(index).ok_or_else(|| {
            Error::new(format!("nb301 has architectures 0 to {}, not {index}", Arch::COUNT - 1))
        })
    }

    /// The genotype with each node's inputs in order: the notation can write
    /// them either way round.
    fn canonical(&self, arch: &Arch) -> String {
        arch.sorted().to_string()
    }

    fn mutations(&self, arch: &Arch) -> Vec<Mutation> {
        arch.mutations()
    }

    /// The paper's table has the parameters of the 36-channel network with affine
    /// normalisation, and the multiply-accumulates of the 16-channel one,
    /// counting in_height * in_width / stride^2 outputs per layer. That differs from the
    /// real number of outputs for the second branch of a factorised
    /// reduction, whose input has an odd side.
    fn benchmark_counts(&self, arch: &Arch) -> Result<Counts> {
        let settings = Self::info().defaults();
        let small = self.graph(arch, &settings)?;
        let params = self.graph(arch, &settings.with("channels", 36))?.cost().params;
        Ok(Counts::default().params(params).flops(network::macs_by_input(&small)))
    }

    fn graph(&self, arch: &Arch, settings: &Settings) -> Result<Graph> {
        network::build(arch, settings)
    }
}

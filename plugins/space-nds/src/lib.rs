//! Two network design spaces (NDS; Radosavovic et al., ICCV 2019): stages of
//! residual blocks with a choice of depth, width, bottleneck and groups.

mod arch;
mod network;

pub use arch::{Arch, Family, ResNeXtA, ResNet};

use osee_sdk::prelude::*;
use std::marker::PhantomData;

osee_sdk::export! { space: Nds<ResNet>, Nds<ResNeXtA> }

/// A family of residual networks as a search space.
pub struct Nds<F>(PhantomData<F>);

impl<F: Family> SearchSpace for Nds<F> {
    type Arch = Arch<F>;

    fn info() -> SpaceInfo {
        SpaceInfo::new(F::ID, "1")
            .summary(F::SUMMARY)
            .citation(
                "Radosavovic et al., On Network Design Spaces for Visual Recognition, ICCV 2019",
            )
            .example(F::EXAMPLE)
            .size(Arch::<F>::count())
            .settings(network::settings())
            .truth(TruthColumns::new(&F::key(), "test_acc").params("params").flops("flops"))
    }

    fn new() -> Self {
        Self(PhantomData)
    }

    /// The first stage's depth is the most significant digit of the index, then the other
    /// depths, widths, bottleneck multipliers and groups.
    fn architecture(&self, index: u64) -> Result<Arch<F>> {
        Arch::from_index(index).ok_or_else(|| {
            Error::new(format!(
                "{} has architectures 0 to {}, not {index}",
                F::ID,
                Arch::<F>::count() - 1
            ))
        })
    }

    /// The architecture as written: different options always make different networks.
    fn canonical(&self, arch: &Arch<F>) -> String {
        arch.to_string()
    }

    fn mutations(&self, arch: &Arch<F>) -> Vec<Mutation> {
        arch.mutations()
    }

    /// FLOPs as NDS counts them: multiply-accumulates of convolutions and of
    /// the classifier, the classifier's biases, and 5 for every output of a batch
    /// normalisation.
    fn benchmark_counts(&self, arch: &Arch<F>) -> Result<Counts> {
        let cost = self.graph(arch, &Self::info().defaults())?.cost();
        Ok(Counts::default().params(cost.params).flops(cost.flops() + 5 * cost.norm_elements))
    }

    fn graph(&self, arch: &Arch<F>, settings: &Settings) -> Result<Graph> {
        network::build::<F>(arch, settings)
    }
}

//! NAS-Bench-101 (Ying et al., ICML 2019): cells of up to seven vertices and
//! nine edges; and sub-space 3 of NAS-Bench-1shot1 (Zela et al., ICLR 2020),
//! the cells whose weights a supernet can share.

mod cell;
mod hash;
mod layers;
mod network;
mod one_shot;
mod sub_space;

pub use cell::{Cell, VertexOp};
pub use sub_space::SubSpaceCell;

use osee_sdk::prelude::*;

osee_sdk::export! { space: Nb101, Nb101SubSpace3 }

/// The space of all NAS-Bench-101 cells.
pub struct Nb101;

/// Sub-space 3 of NAS-Bench-1shot1.
pub struct Nb101SubSpace3;

/// Trainable parameters of the standalone network, as the benchmark counts them. The
/// benchmark has no FLOPs.
fn counts(cell: &Cell) -> Result<Counts> {
    let defaults = Settings::defaults(&network::settings());
    Ok(Counts::default().params(network::build(cell, &defaults)?.cost().params))
}

impl SearchSpace for Nb101 {
    type Arch = Cell;

    fn info() -> SpaceInfo {
        SpaceInfo::new("nb101", "1")
            .summary("NAS-Bench-101: 423,624 cells of up to 7 vertices and 9 edges")
            .citation("Ying et al., NAS-Bench-101, ICML 2019")
            .example(cell::EXAMPLE)
            .settings(network::settings())
            .truth(
                TruthColumns::new("{adjacency_rows};{interior_ops}", "val_acc_108ep")
                    .params("trainable_parameters"),
            )
    }

    fn new() -> Self {
        Self
    }

    fn architecture(&self, _: u64) -> Result<Cell> {
        Err(Error::new("the cells of nb101 have no numbers; those of nb101-1shot1 have"))
    }

    /// The benchmark's own hash of the cell, without vertices that lead nowhere.
    fn canonical(&self, arch: &Cell) -> String {
        hash::canonical(arch)
    }

    fn mutations(&self, arch: &Cell) -> Vec<Mutation> {
        arch.mutations()
    }

    fn benchmark_counts(&self, arch: &Cell) -> Result<Counts> {
        counts(arch)
    }

    fn graph(&self, arch: &Cell, settings: &Settings) -> Result<Graph> {
        network::build(arch, settings)
    }
}

impl SearchSpace for Nb101SubSpace3 {
    type Arch = SubSpaceCell;

    fn info() -> SpaceInfo {
        let summary = "NAS-Bench-1shot1 sub-space 3: cells of 5 vertices with 1, 1, 1, 2, 2 \
                       inputs, 2 outputs";
        SpaceInfo::new("nb101-1shot1", "1")
            .summary(summary)
            .citation("Zela et al., NAS-Bench-1Shot1, ICLR 2020")
            .example(sub_space::EXAMPLE)
            .size(SubSpaceCell::COUNT)
            .settings(network::settings())
            // The table's FLOPs are those of the paper's supernet, see the docs.
            .truth(
                TruthColumns::new("{adjacency_rows};{ops}", "val_acc")
                    .params("nb101_trainable_parameters"),
            )
    }

    fn new() -> Self {
        Self
    }

    /// In the index, the inputs of each vertex come first, with the first vertex the
    /// most significant, then the operations.
    fn architecture(&self, index: u64) -> Result<SubSpaceCell> {
        SubSpaceCell::from_index(index).ok_or_else(|| {
            let last = SubSpaceCell::COUNT - 1;
            Error::new(format!("nb101-1shot1 has architectures 0 to {last}, not {index}"))
        })
    }

    fn canonical(&self, arch: &SubSpaceCell) -> String {
        hash::canonical(arch.cell())
    }

    fn mutations(&self, arch: &SubSpaceCell) -> Vec<Mutation> {
        arch.mutations()
    }

    fn benchmark_counts(&self, arch: &SubSpaceCell) -> Result<Counts> {
        counts(arch.cell())
    }

    fn graph(&self, arch: &SubSpaceCell, settings: &Settings) -> Result<Graph> {
        network::build(arch.cell(), settings)
    }
}

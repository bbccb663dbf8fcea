//! The macro network: stem, cells, classifier; without the auxiliary head.

use crate::arch::{Arch, CellKind, EdgeOp, INPUTS};
use osee_sdk::prelude::*;

/// The settings of a network.
pub fn settings() -> [SettingSpec; 8] {
    let layers = "cells; those at 1/3 and 2/3 are reduction cells";
    let affine = "whether batch normalisation inside the cells has scale and shift";
    let pool_norm = "whether pooling is followed by batch normalisation";
    [
        // Each branch of a factorised reduction makes half of them.
        SettingSpec::new("channels", 16, "channels of the first cells").at_least(2).multiple_of(2),
        SettingSpec::new("layers", 8, layers).at_least(1),
        SettingSpec::new("stem_multiplier", 3, "channels of the stem over `channels`").at_least(1),
        SettingSpec::new("classes", 10, "outputs of the classifier").at_least(1),
        SettingSpec::new("image_size", 32, "side of the input images, pixels").at_least(8),
        SettingSpec::new("affine", true, affine).in_supernet(false),
        SettingSpec::new("pool_norm", false, pool_norm).in_supernet(true),
        SettingSpec::new("dropout", 0.0, "share dropped before the classifier").in_range(0.0..1.0),
    ]
}

/// Cells at a third and at two thirds of the depth reduce.
fn kind(layer: usize, layers: usize) -> CellKind {
    match layer == layers / 3 || layer == 2 * layers / 3 {
        true => CellKind::Reduce,
        false => CellKind::Normal,
    }
}

/// Builds the network of `arch`.
pub fn build(arch: &Arch, settings: &Settings) -> Result<Graph> {
    let (affine, pool_norm) = (settings.get("affine")?, settings.get("pool_norm")?);
    let layers = settings.get("layers")?;
    let mut channels: usize = settings.get("channels")?;
    let mut g = GraphBuilder::new(Shape::square(3, settings.get("image_size")?));
    let of_stem: usize = settings.get("stem_multiplier")?;
    let x = g.conv("stem.conv", g.input(), ConvSpec::same(channels * of_stem, 3));
    let x = g.batch_norm("stem.bn", x, true);
    // The outputs of the last two cells.
    let mut last = [x, x];
    let mut after_reduction = false;
    for layer in 0..layers {
        let kind = kind(layer, layers);
        if kind == CellKind::Reduce {
            channels *= 2;
        }
        let name = format!("cells.{layer}");
        let cell = Cell { name: &name, kind, channels, affine, pool_norm };
        let out = g.cell(&name, |g| cell.build(g, arch, last, after_reduction));
        last = [last[1], out];
        after_reduction = kind == CellKind::Reduce;
    }
    let mut x = g.global_avg_pool(last[1]);
    let probability = settings.get("dropout")?;
    if probability > 0.0 {
        x = g.op(Op::Dropout { probability }, &[x]);
    }
    let logits = g.linear("classifier", x, settings.get("classes")?);
    Ok(g.finish(logits)?)
}

struct Cell<'a> {
    /// The name of the cell, such as `cells.0`.
    name: &'a str,
    kind: CellKind,
    channels: usize,
    affine: bool,
    pool_norm: bool,
}

impl Cell<'_> {
    fn build(
        &self,
        g: &mut GraphBuilder,
        arch: &Arch,
        inputs: [NodeId; INPUTS],
        after_reduction: bool,
    ) -> NodeId {
        let preprocess = [0, 1].map(|i| format!("{}.preprocess{i}", self.name));
        let mut values = vec![
            match after_reduction {
                true => self.factorised_reduction(g, &preprocess[0], inputs[0]),
                false => self.relu_conv_norm(g, &preprocess[0], inputs[0]),
            },
            self.relu_conv_norm(g, &preprocess[1], inputs[1]),
        ];
        for (i, edges) in arch.cell(self.kind).iter().enumerate() {
            let node = i + INPUTS;
            let terms = edges.map(|(op, from)| {
                let name = format!("{}.edges.{node}_{from}.{}", self.name, op.name());
                let halves = self.kind == CellKind::Reduce && from < INPUTS;
                self.edge(g, &name, values[from], op, if halves { 2 } else { 1 })
            });
            values.push(g.add(&terms));
        }
        g.concat(&values[INPUTS..])
    }

    fn edge(
        &self,
        g: &mut GraphBuilder,
        name: &str,
        x: NodeId,
        op: EdgeOp,
        stride: usize,
    ) -> NodeId {
        let pool = |kind| Pool { kind, kernel: 3, stride, padding: 1, ceil_mode: false };
        let mut pooled = |kind| {
            let x = g.pool(x, pool(kind));
            match self.pool_norm {
                true => g.batch_norm(&format!("{name}.bn"), x, false),
                false => x,
            }
        };
        match op {
            EdgeOp::MaxPool => pooled(PoolKind::Max),
            EdgeOp::AvgPool => pooled(PoolKind::Average { count_include_pad: false }),
            EdgeOp::Skip if stride == 1 => g.op(Op::Identity, &[x]),
            EdgeOp::Skip => self.factorised_reduction(g, name, x),
            EdgeOp::SepConv3x3 => self.separable_twice(g, name, x, 3, stride),
            EdgeOp::SepConv5x5 => self.separable_twice(g, name, x, 5, stride),
            EdgeOp::DilConv3x3 => {
                self.separable(g, name, x, ConvSpec::same(0, 3).dilation(2), stride)
            }
            EdgeOp::DilConv5x5 => {
                self.separable(g, name, x, ConvSpec::same(0, 5).dilation(2), stride)
            }
        }
    }

    fn separable_twice(
        &self,
        g: &mut GraphBuilder,
        name: &str,
        x: NodeId,
        kernel: usize,
        stride: usize,
    ) -> NodeId {
        let spec = ConvSpec::same(0, kernel);
        let x = self.separable(g, &format!("{name}.0"), x, spec, stride);
        self.separable(g, &format!("{name}.1"), x, spec, 1)
    }

    /// ReLU, depthwise convolution, 1x1 convolution and batch normalisation.
    fn separable(
        &self,
        g: &mut GraphBuilder,
        name: &str,
        x: NodeId,
        depthwise: ConvSpec,
        stride: usize,
    ) -> NodeId {
        let channels = self.channels;
        let x = g.relu(x);
        let spec = ConvSpec { out: channels, ..depthwise }.groups(channels).stride(stride);
        let x = g.conv(&format!("{name}.depthwise"), x, spec);
        let x = g.conv(&format!("{name}.pointwise"), x, ConvSpec::same(channels, 1));
        g.batch_norm(&format!("{name}.bn"), x, self.affine)
    }

    fn relu_conv_norm(&self, g: &mut GraphBuilder, name: &str, x: NodeId) -> NodeId {
        let x = g.relu(x);
        let x = g.conv(&format!("{name}.conv"), x, ConvSpec::same(self.channels, 1));
        g.batch_norm(&format!("{name}.bn"), x, self.affine)
    }

    /// Two 1x1 convolutions with stride 2, the second shifted by one pixel.
    fn factorised_reduction(&self, g: &mut GraphBuilder, name: &str, x: NodeId) -> NodeId {
        let half = ConvSpec::same(self.channels / 2, 1).stride(2);
        let x = g.relu(x);
        let even = g.conv(&format!("{name}.conv_1"), x, half);
        let shifted = g.op(Op::Crop { offset: 1 }, &[x]);
        let odd = g.conv(&format!("{name}.conv_2"), shifted, half);
        let x = g.concat(&[even, odd]);
        g.batch_norm(&format!("{name}.bn"), x, self.affine)
    }
}

/// Multiply-accumulates, counting in_height * in_width / stride^2 outputs per
/// convolution.
pub fn macs_by_input(graph: &Graph) -> u64 {
    let mut macs = 0;
    for (_, node) in graph.iter() {
        match node.op {
            Op::Conv2d { weight, stride, .. } => {
                let pixels = graph.node(node.inputs[0]).shape.pixels() as u64;
                let weights = graph.parameter(weight).numel() as u64;
                macs += weights * pixels / (stride * stride) as u64;
            }
            Op::Linear { weight, .. } => macs += graph.parameter(weight).numel() as u64,
            _ => {}
        }
    }
    macs
}

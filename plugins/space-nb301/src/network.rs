//! The macro network: stem, cells, classifier; without the auxiliary head.

use crate::arch::{Arch, CellKind, EdgeOp, INPUTS};
use osee_sdk::prelude::*;

/// Settings of the network, checked.
pub struct Shape {
    channels: usize,
    layers: usize,
    stem_multiplier: usize,
    classes: usize,
    image_size: usize,
    affine: bool,
    pool_norm: bool,
    dropout: f64,
}

impl Shape {
    /// From the declared settings.
    pub fn read(settings: &Settings) -> Result<Self> {
        let positive = |key: &str, least: usize| match settings.usize(key) {
            Some(value) if value >= least => Ok(value),
            _ => Err(Error::new(format!("setting `{key}` of nb301 must be at least {least}"))),
        };
        let dropout = settings.float("dropout").unwrap_or(0.0);
        if !(0.0..1.0).contains(&dropout) {
            return Err(Error::new("setting `dropout` of nb301 must be at least 0 and below 1"));
        }
        let channels = positive("channels", 1)?;
        if !channels.is_multiple_of(2) {
            // A factorised reduction makes half of them twice.
            return Err(Error::new("setting `channels` of nb301 must be even"));
        }
        Ok(Self {
            channels,
            layers: positive("layers", 1)?,
            stem_multiplier: positive("stem_multiplier", 1)?,
            classes: positive("classes", 1)?,
            image_size: positive("image_size", 8)?,
            affine: settings.bool("affine").unwrap_or(true),
            pool_norm: settings.bool("pool_norm").unwrap_or(false),
            dropout,
        })
    }

    /// The cells that reduce: at a third and at two thirds of the depth.
    fn kind(&self, layer: usize) -> CellKind {
        match layer == self.layers / 3 || layer == 2 * self.layers / 3 {
            true => CellKind::Reduce,
            false => CellKind::Normal,
        }
    }
}

/// The network of `arch`.
pub fn build(arch: &Arch, shape: &Shape) -> Result<Graph> {
    let mut g = GraphBuilder::new(osee_sdk::model::graph::Shape::square(3, shape.image_size));
    let stem = ConvSpec::same(shape.channels * shape.stem_multiplier, 3);
    let x = g.conv("stem.conv", g.input(), stem);
    let x = g.batch_norm("stem.bn", x, true);
    // The last two cells' outputs.
    let mut last = [x, x];
    let mut channels = shape.channels;
    let mut after_reduction = false;
    for layer in 0..shape.layers {
        let kind = shape.kind(layer);
        if kind == CellKind::Reduce {
            channels *= 2;
        }
        let name = format!("cells.{layer}");
        let cell = Cell { name: &name, kind, channels, shape };
        let out = g.cell(&name, |g| cell.build(g, arch, last, after_reduction));
        last = [last[1], out];
        after_reduction = kind == CellKind::Reduce;
    }
    let mut x = g.global_avg_pool(last[1]);
    if shape.dropout > 0.0 {
        x = g.op(Op::Dropout { probability: shape.dropout }, &[x]);
    }
    let logits = g.linear("classifier", x, shape.classes);
    Ok(g.finish(logits)?)
}

struct Cell<'a> {
    /// Such as `cells.0`.
    name: &'a str,
    kind: CellKind,
    channels: usize,
    shape: &'a Shape,
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
            match self.shape.pool_norm {
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

    /// ReLU, depthwise convolution, 1x1 convolution, batch normalisation.
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
        g.batch_norm(&format!("{name}.bn"), x, self.shape.affine)
    }

    fn relu_conv_norm(&self, g: &mut GraphBuilder, name: &str, x: NodeId) -> NodeId {
        let x = g.relu(x);
        let x = g.conv(&format!("{name}.conv"), x, ConvSpec::same(self.channels, 1));
        g.batch_norm(&format!("{name}.bn"), x, self.shape.affine)
    }

    /// Two 1x1 convolutions with stride 2, the second one pixel further on.
    fn factorised_reduction(&self, g: &mut GraphBuilder, name: &str, x: NodeId) -> NodeId {
        let half = ConvSpec::same(self.channels / 2, 1).stride(2);
        let x = g.relu(x);
        let even = g.conv(&format!("{name}.conv_1"), x, half);
        let shifted = g.op(Op::Crop { offset: 1 }, &[x]);
        let odd = g.conv(&format!("{name}.conv_2"), shifted, half);
        let x = g.concat(&[even, odd]);
        g.batch_norm(&format!("{name}.bn"), x, self.shape.affine)
    }
}

/// Multiply-accumulates where a convolution is taken to have
/// in_height * in_width / stride^2 outputs.
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

//! The macro network: stem, three stages of residual blocks, classifier.

use crate::arch::{Arch, Family, Stage};
use osee_sdk::prelude::*;

/// Which part of the weights of the widest and deepest network a network uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sharing {
    /// None: its weights are its own.
    None,
    /// The first channels.
    Ordinal,
    /// The channels with the largest L1 norm.
    L1,
}

const SHARINGS: [(&str, Sharing); 3] =
    [("none", Sharing::None), ("ordinal", Sharing::Ordinal), ("l1", Sharing::L1)];

/// The settings of a network.
pub fn settings() -> [SettingSpec; 7] {
    let affine = "whether batch normalisation has scale and shift";
    let sharing = "which channels of the widest network's weights are used: the first, or those \
                   with the largest L1 norm";
    [
        SettingSpec::new("stem_width", 16, "channels of the stem").at_least(1),
        SettingSpec::new("width_scale", 1.0, "factor on all widths but the stem's")
            .above(0.0)
            .at_most(8.0),
        SettingSpec::new("classes", 10, "outputs of the classifier").at_least(1),
        SettingSpec::new("image_size", 32, "side of the input images, pixels").at_least(4),
        SettingSpec::new("affine", true, affine),
        SettingSpec::new("dropout", 0.0, "share dropped before the classifier").in_range(0.0..1.0),
        SettingSpec::new("sharing", "none", sharing)
            .one_of(SHARINGS.map(|(word, _)| word))
            .in_supernet("ordinal"),
    ]
}

/// What all blocks of a network have in common.
struct Style {
    scale: f64,
    affine: bool,
    sharing: Sharing,
}

impl Style {
    fn width(&self, width: usize) -> usize {
        ((width as f64 * self.scale).round() as usize).max(1)
    }

    /// Width of a bottleneck, `round(w * multiplier)` as in NDS, raised to a multiple of
    /// its groups, as scaled widths need.
    fn bottleneck(&self, width: usize, multiplier: f64, groups: usize) -> usize {
        let width = (self.width(width) as f64 * multiplier).round() as usize;
        width.max(1).next_multiple_of(groups)
    }

    /// `count` output channels of the convolution `of`, which has
    /// `widest` in a supernet.
    fn channels(&self, of: &str, widest: usize, count: usize) -> Shared {
        match self.sharing {
            Sharing::None => Shared::whole(count),
            Sharing::Ordinal => Shared::first(widest, count),
            Sharing::L1 => Shared {
                stored: widest,
                used: Select::LargestL1 { of: format!("{of}.weight"), count },
            },
        }
    }
}

/// What layers pass on: a node, and which channels of the widest network it
/// holds.
#[derive(Clone)]
struct Stream {
    node: NodeId,
    channels: Shared,
}

/// Builds the network of `arch`.
pub fn build<F: Family>(arch: &Arch<F>, settings: &Settings) -> Result<Graph> {
    let style = &Style {
        scale: settings.get("width_scale")?,
        affine: settings.get("affine")?,
        sharing: settings.choice("sharing", &SHARINGS)?,
    };
    let stem = settings.get("stem_width")?;
    let mut g = GraphBuilder::new(Shape::square(3, settings.get("image_size")?));
    let x = g.conv("stem.conv", g.input(), ConvSpec::same(stem, 3));
    let x = g.batch_norm("stem.bn", x, style.affine);
    let mut x = Stream { node: g.relu(x), channels: Shared::whole(stem) };
    for (i, stage) in arch.stages().into_iter().enumerate() {
        let prefix = format!("stage{}", i + 1);
        for block in 0..stage.depth {
            let name = format!("{prefix}.block{block}");
            let stride = if block == 0 && i > 0 { 2 } else { 1 };
            let block = Block { style, stage, name: &name, first: block == 0, stride };
            // All blocks of a stage pass on the channels that its first block chooses.
            let out = if block.first { block.outputs::<F>() } else { x.channels.clone() };
            let node = g.cell(&name, |g| block.build::<F>(g, &x, &out));
            x = Stream { node, channels: out };
        }
    }
    let mut features = g.global_avg_pool(x.node);
    let probability = settings.get("dropout")?;
    if probability > 0.0 {
        features = g.op(Op::Dropout { probability }, &[features]);
    }
    let classes = settings.get("classes")?;
    let logits = g.shared_linear("classifier", features, classes, &x.channels);
    Ok(g.finish(logits)?)
}

/// A residual block.
struct Block<'a> {
    style: &'a Style,
    stage: Stage,
    /// The name of the block, such as `stage1.block0`.
    name: &'a str,
    /// True for the first block of its stage, which chooses the channels.
    first: bool,
    stride: usize,
}

impl Block<'_> {
    /// The channels that the block's stage passes on.
    fn outputs<F: Family>(&self) -> Shared {
        let widest = self.style.width(F::WIDTHS[F::WIDTHS.len() - 1]);
        self.style.channels(
            &format!("{}.projection", self.name),
            widest,
            self.style.width(self.stage.width),
        )
    }

    fn build<F: Family>(&self, g: &mut GraphBuilder, x: &Stream, out: &Shared) -> NodeId {
        let changes = self.stride != 1 || x.channels.used.count() != out.used.count();
        // A supernet's first block must fit every width of the stage before it.
        let shares = self.style.sharing != Sharing::None;
        let short = match self.first && (changes || shares) {
            true => {
                self.conv_norm(g, "projection", x, out, ConvSpec::same(0, 1).stride(self.stride))
                    .node
            }
            false => x.node,
        };
        let widest = F::WIDTHS[F::WIDTHS.len() - 1];
        let inner =
            |widest, count| self.style.channels(&format!("{}.conv1", self.name), widest, count);
        let down = ConvSpec::same(0, 3).stride(self.stride);
        let main = match self.stage.bottleneck {
            None => {
                let width = self.style.width(self.stage.width);
                let inner = inner(self.style.width(widest), width);
                let h = self.conv_norm_relu(g, "conv1", x, &inner, down);
                self.conv_norm(g, "conv2", &h, out, ConvSpec::same(0, 3))
            }
            Some((multiplier, groups)) => {
                let width = self.style.bottleneck(self.stage.width, multiplier, groups);
                let most = F::GROUPS.iter().copied().max().unwrap_or(1);
                let widest = self.style.bottleneck(widest, 1.0, most);
                let h =
                    self.conv_norm_relu(g, "conv1", x, &inner(widest, width), ConvSpec::same(0, 1));
                let name = format!("{}.conv2", self.name);
                let middle = self.style.channels(&name, widest, width);
                let h = self.conv_norm_relu(g, "conv2", &h, &middle, down.groups(groups));
                self.conv_norm(g, "conv3", &h, out, ConvSpec::same(0, 1))
            }
        };
        let sum = g.add(&[short, main.node]);
        g.relu(sum)
    }

    /// A convolution and batch normalisation; the channels come from `out`, not from `spec`.
    fn conv_norm(
        &self,
        g: &mut GraphBuilder,
        layer: &str,
        x: &Stream,
        out: &Shared,
        spec: ConvSpec,
    ) -> Stream {
        let name = format!("{}.{layer}", self.name);
        let spec = ConvSpec { out: out.used.count(), ..spec };
        let node = match self.style.sharing {
            Sharing::None => g.conv(&name, x.node, spec),
            _ => g.shared_conv(&name, x.node, spec, [out, &x.channels]),
        };
        let node = g.shared_norm(&format!("{name}.bn"), node, self.style.affine, out);
        Stream { node, channels: out.clone() }
    }

    fn conv_norm_relu(
        &self,
        g: &mut GraphBuilder,
        layer: &str,
        x: &Stream,
        out: &Shared,
        spec: ConvSpec,
    ) -> Stream {
        let x = self.conv_norm(g, layer, x, out, spec);
        Stream { node: g.relu(x.node), channels: x.channels }
    }
}

//! A search space: turns an architecture into a graph.

use osee_sdk::prelude::*;
use std::{fmt, str::FromStr};

osee_sdk::export! { space: {{project-name | upper_camel_case}} }

/// Kernel sizes of three convolutions in a row, written `3-1-5`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kernels([usize; 3]);

const KERNELS: [usize; 3] = [1, 3, 5];

impl FromStr for Kernels {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        // Refuse every part that is not a kernel size: skipping it would give another network.
        let known = |part| KERNELS.into_iter().find(|size| size.to_string() == part);
        let sizes: Option<Vec<usize>> = text.split('-').map(known).collect();
        match sizes.map(<[usize; 3]>::try_from) {
            Some(Ok(sizes)) => Ok(Self(sizes)),
            _ => Err(Error::new(format!("`{text}` is not three of 1, 3, 5, as in 3-1-5"))),
        }
    }
}

impl fmt::Display for Kernels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self([a, b, c]) = self;
        write!(f, "{a}-{b}-{c}")
    }
}

pub struct {{project-name | upper_camel_case}};

impl SearchSpace for {{project-name | upper_camel_case}} {
    type Arch = Kernels;

    fn info() -> SpaceInfo {
        SpaceInfo::new("{{crate_name}}", "1")
            .summary("kernel sizes of three convolutions")
            .citation("this work")
            .example("3-1-5")
            .size(27)
            .setting(SettingSpec::new("channels", 16, "channels of a convolution").at_least(1))
            .truth(TruthColumns::new("arch", "accuracy"))
    }

    fn new() -> Self {
        Self
    }

    fn architecture(&self, index: u64) -> Result<Kernels> {
        if index >= 27 {
            return Err(Error::new(format!("there are architectures 0 to 26, not {index}")));
        }
        let index = index as usize;
        Ok(Kernels([index / 9, index / 3 % 3, index % 3].map(|i| KERNELS[i])))
    }

    fn canonical(&self, arch: &Kernels) -> String {
        arch.to_string()
    }

    fn mutations(&self, arch: &Kernels) -> Vec<Mutation> {
        let mut mutations = Vec::new();
        for (position, &from) in arch.0.iter().enumerate() {
            for to in KERNELS.into_iter().filter(|to| *to != from) {
                let mut changed = *arch;
                changed.0[position] = to;
                mutations.push(Mutation::new(changed, format!("kernel {position}"), from, to));
            }
        }
        mutations
    }

    fn graph(&self, arch: &Kernels, settings: &Settings) -> Result<Graph> {
        let channels = settings.get("channels")?;
        let mut g = GraphBuilder::new(Shape::square(3, 32));
        let mut x = g.input();
        for (layer, &kernel) in arch.0.iter().enumerate() {
            x = g.conv(&format!("conv{layer}.k{kernel}"), x, ConvSpec::same(channels, kernel));
            x = g.batch_norm(&format!("norm{layer}"), x, true);
            x = g.relu(x);
        }
        let x = g.global_avg_pool(x);
        let x = g.linear("classifier", x, 10);
        Ok(g.finish(x)?)
    }
}

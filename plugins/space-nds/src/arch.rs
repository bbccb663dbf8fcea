//! An architecture: per stage a depth and a width, and in ResNeXt-A a bottleneck
//! multiplier and a number of groups.

use osee_sdk::model::notation::{self, Literal, Misread, Reader};
use osee_sdk::prelude::*;
use std::{fmt, marker::PhantomData, str::FromStr};

/// Number of stages of a network.
pub const STAGES: usize = 3;

/// A family of networks, given by the options of each stage.
pub trait Family: Send + Sync + 'static {
    /// Id of the search space.
    const ID: &'static str;
    /// Summary of the search space, one line.
    const SUMMARY: &'static str;
    /// An example of an architecture in the notation.
    const EXAMPLE: &'static str;
    /// Options for the number of blocks of a stage.
    const DEPTHS: &'static [usize];
    /// Options for the number of channels of a stage.
    const WIDTHS: &'static [usize];
    /// Options for the ratio of a bottleneck's width to its block's; empty if blocks have
    /// no bottleneck.
    const MULTIPLIERS: &'static [f64];
    /// Options for the number of groups of the bottleneck's convolution; empty if there is none.
    const GROUPS: &'static [usize];

    /// The notation as a template over the columns of a truth table.
    fn key() -> String {
        let list = |column: &str| {
            let stages: Vec<String> = (0..STAGES).map(|i| format!("{{{column}_{i}}}")).collect();
            stages.join(", ")
        };
        let mut key = format!("ds=[{}] ws=[{}]", list("depths"), list("widths"));
        if !Self::MULTIPLIERS.is_empty() {
            key += &format!(" bot_muls=[{}] num_gs=[{}]", list("bot_muls"), list("num_groups"));
        }
        key
    }
}

/// ResNet: basic blocks of two 3x3 convolutions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResNet;

impl Family for ResNet {
    const ID: &'static str = "nds-resnet";
    const SUMMARY: &'static str = "NDS ResNet: depth and width of three stages of basic blocks";
    const EXAMPLE: &'static str = "ds=[12, 12, 16] ws=[24, 32, 40]";
    const DEPTHS: &'static [usize] = &[1, 2, 3, 4, 6, 8, 12, 16, 24];
    const WIDTHS: &'static [usize] = &[16, 24, 32, 40, 48, 64, 80, 96, 128, 160, 192, 256];
    const MULTIPLIERS: &'static [f64] = &[];
    const GROUPS: &'static [usize] = &[];
}

/// ResNeXt-A: bottleneck blocks with grouped 3x3 convolutions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResNeXtA;

impl Family for ResNeXtA {
    const ID: &'static str = "nds-resnext-a";
    const SUMMARY: &'static str =
        "NDS ResNeXt-A: depth, width, bottleneck and groups of three stages";
    const EXAMPLE: &'static str =
        "ds=[16, 1, 4] ws=[64, 128, 16] bot_muls=[0.25, 0.25, 0.25] num_gs=[2, 1, 2]";
    const DEPTHS: &'static [usize] = &[1, 2, 4, 8, 16];
    const WIDTHS: &'static [usize] = &[16, 32, 64, 128, 256];
    const MULTIPLIERS: &'static [f64] = &[0.25, 0.5, 1.0];
    const GROUPS: &'static [usize] = &[1, 2, 4];
}

/// One decision that is made per stage.
struct Decision {
    /// Its key in the notation.
    key: &'static str,
    /// Its name in the literature.
    name: &'static str,
    options: Vec<String>,
}

fn decisions<F: Family>() -> Vec<Decision> {
    let texts = |options: &[usize]| options.iter().map(usize::to_string).collect();
    let mut decisions = vec![
        Decision { key: "ds", name: "depth", options: texts(F::DEPTHS) },
        Decision { key: "ws", name: "width", options: texts(F::WIDTHS) },
    ];
    if !F::MULTIPLIERS.is_empty() {
        let multipliers = F::MULTIPLIERS.iter().map(|value| format!("{value:?}")).collect();
        decisions.push(Decision {
            key: "bot_muls",
            name: "bottleneck multiplier",
            options: multipliers,
        });
        decisions.push(Decision { key: "num_gs", name: "groups", options: texts(F::GROUPS) });
    }
    decisions
}

/// The options that one stage takes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stage {
    /// Number of blocks.
    pub depth: usize,
    /// Number of channels, before `width_scale`.
    pub width: usize,
    /// Multiplier and groups of a bottleneck block; `None` for basic blocks.
    pub bottleneck: Option<(f64, usize)>,
}

/// An architecture: the index of the option taken, for every decision and stage.
pub struct Arch<F> {
    chosen: Vec<[usize; STAGES]>,
    family: PhantomData<F>,
}

impl<F: Family> Arch<F> {
    /// Number of architectures.
    pub fn count() -> u64 {
        decisions::<F>().iter().map(|it| (it.options.len() as u64).pow(STAGES as u32)).product()
    }

    /// The architecture with this index; `None` if it is out of range.
    pub fn from_index(index: u64) -> Option<Self> {
        if index >= Self::count() {
            return None;
        }
        let mut rest = usize::try_from(index).ok()?;
        let mut chosen: Vec<[usize; STAGES]> = Vec::new();
        for decision in decisions::<F>().iter().rev() {
            let mut options = [0; STAGES];
            for option in options.iter_mut().rev() {
                *option = rest % decision.options.len();
                rest /= decision.options.len();
            }
            chosen.insert(0, options);
        }
        Some(Self { chosen, family: PhantomData })
    }

    /// The stages, first to last.
    pub fn stages(&self) -> [Stage; STAGES] {
        std::array::from_fn(|stage| {
            let chosen = |decision: usize| self.chosen[decision][stage];
            Stage {
                depth: F::DEPTHS[chosen(0)],
                width: F::WIDTHS[chosen(1)],
                bottleneck: (!F::MULTIPLIERS.is_empty())
                    .then(|| (F::MULTIPLIERS[chosen(2)], F::GROUPS[chosen(3)])),
            }
        })
    }

    /// Every architecture that differs in one option of one stage.
    pub fn mutations(&self) -> Vec<Mutation> {
        let mut mutations = Vec::new();
        for (at, decision) in decisions::<F>().iter().enumerate() {
            for stage in 0..STAGES {
                let old = self.chosen[at][stage];
                for new in (0..decision.options.len()).filter(|new| *new != old) {
                    let mut chosen = self.chosen.clone();
                    chosen[at][stage] = new;
                    let arch = Self { chosen, family: PhantomData };
                    let name = format!("{} of stage {}", decision.name, stage + 1);
                    let [old, new] = [old, new].map(|option| &decision.options[option]);
                    mutations.push(Mutation::new(arch, name, old, new));
                }
            }
        }
        mutations
    }
}

impl<F: Family> fmt::Display for Arch<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (decision, chosen)) in decisions::<F>().iter().zip(&self.chosen).enumerate() {
            let options = chosen.map(|option| decision.options[option].as_str()).join(", ");
            write!(f, "{}{}=[{options}]", if i > 0 { " " } else { "" }, decision.key)?;
        }
        Ok(())
    }
}

impl<F: Family> FromStr for Arch<F> {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let what = format!("{} architecture", F::ID);
        read(text).map_err(|wrong| Error::new(wrong.of(text, &what, F::EXAMPLE)))
    }
}

fn read<F: Family>(text: &str) -> notation::Result<Arch<F>> {
    let decisions = decisions::<F>();
    let keys: Vec<[&str; 1]> = decisions.iter().map(|decision| [decision.key]).collect();
    let keys: Vec<&[&str]> = keys.iter().map(<[&str; 1]>::as_slice).collect();
    let given = Reader::new(text).keywords(&[], &keys)?;
    let mut chosen = Vec::new();
    for (decision, list) in decisions.iter().zip(given) {
        let key = decision.key;
        let list = list.ok_or_else(|| Misread::whole(format!("`{key}=[..]` is missing")))?;
        let values = list.list("a list of numbers")?;
        let values: &[Literal; STAGES] = values.try_into().map_err(|_| {
            let what = format!("`{key}` has {} stages, not {STAGES}", values.len());
            Misread::new(list.at, what)
        })?;
        let mut options = [0; STAGES];
        for (option, value) in options.iter_mut().zip(values) {
            let number = value.number("a number")?;
            let same = |known: &String| known.parse() == Ok(number);
            *option = decision.options.iter().position(same).ok_or_else(|| {
                let known = decision.options.join(", ");
                Misread::new(value.at, format!("{} {value} is not one of {known}", decision.name))
            })?;
        }
        chosen.push(options);
    }
    Ok(Arch { chosen, family: PhantomData })
}

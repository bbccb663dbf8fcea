//! Draws the architectures that each step trains.

use osee_sdk::model::{
    seed::{Stream, below, shuffle, stream},
    settings::nearest,
};
use osee_sdk::prelude::*;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::OnceLock;

/// Largest space that is listed in memory, in architectures.
pub const LISTABLE: u64 = 2_000_000;
/// Most architectures per step.
const SAMPLES: i64 = 10_000;
/// Number of futile draws after which drawing gives up.
const TRIES: usize = 10_000;

/// The distribution that architectures are drawn from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Law {
    /// Every architecture with equal probability.
    Uniform,
    /// Every isomorphism group with equal probability, by its first architecture.
    Deiso,
    /// Each step has every option of every decision once, spread over its
    /// architectures (FairNAS; Chu et al., ICCV 2021).
    Fair,
}

const LAWS: [(&str, Law); 3] =
    [("uniform", Law::Uniform), ("deiso", Law::Deiso), ("fair", Law::Fair)];

/// Draws the architectures of a step.
#[derive(Debug)]
pub struct Sampler {
    law: Law,
    samples: usize,
    /// Names of operations that are never drawn.
    without: BTreeSet<String>,
    /// Every architecture, or the first of each group; made when a list is first needed.
    list: OnceLock<Vec<String>>,
    /// The trainable architectures of `list` that have no excluded operation.
    permitted: OnceLock<Vec<String>>,
}

impl Sampler {
    /// The settings that an estimator with a sampler declares.
    pub fn settings() -> [SettingSpec; 3] {
        let sampler = "draws every architecture (uniform) or every isomorphism group (deiso) \
                       equally, or every operation once a step (fair)";
        [
            SettingSpec::new("sampler", "deiso", sampler).one_of(LAWS.map(|(word, _)| word)),
            SettingSpec::new("samples", 1, "architectures per step; fair has its own")
                .in_range(1..=SAMPLES),
            SettingSpec::new("without", "", "operations never sampled").list(),
        ]
    }

    /// Reads the sampler from an estimator's settings.
    pub fn new(settings: &Settings) -> Result<Self> {
        let without: Vec<String> = settings.get("without")?;
        Ok(Self {
            law: settings.choice("sampler", &LAWS)?,
            samples: settings.get("samples")?,
            without: without.into_iter().collect(),
            list: OnceLock::new(),
            permitted: OnceLock::new(),
        })
    }

    /// Refuses the setting `samples` for fair steps, whose size the space determines.
    pub fn check_samples(&self) -> Result<()> {
        match self.law == Law::Fair && self.samples > 1 {
            true => Err(Error::new(
                "setting `samples` is not for fair steps, which have as many architectures as a \
                 decision has options",
            )),
            false => Ok(()),
        }
    }

    /// Refuses fair sampling if pruning starts at the first epoch, since fair steps exist
    /// only before it.
    pub fn check_pruned(&self, after: u32) -> Result<()> {
        match self.law == Law::Fair && after == 0 {
            true => Err(Error::new(
                "`sampler = \"fair\"` is about the epochs before `keep` drops the others, and \
                 `keep_after` is 0, so there are none; set it to at least 1, or take uniform",
            )),
            false => Ok(()),
        }
    }

    /// Refuses a space from which nothing can be sampled, and excluded operations that
    /// the space does not have.
    pub fn check(&self, space: &Space) -> Result<()> {
        let id = &space.info().id;
        let size = space.info().size.ok_or_else(|| {
            Error::new(format!("architectures are drawn by number, and {id} cannot be enumerated"))
        })?;
        if self.law == Law::Deiso && size > LISTABLE {
            return Err(Error::new(format!(
                "`sampler = \"deiso\"` lists all architectures, and {id} has {size}; uniform and \
                 fair draw without a list"
            )));
        }
        let mut random = stream(0, &["check"]);
        if self.without.is_empty() {
            // Uniform draws suffice: a group can be trained if one of its members can.
            let law = if self.law == Law::Fair { Law::Fair } else { Law::Uniform };
            self.draw_by(law, &mut random, space)?;
            return match law {
                Law::Fair => self.step(&mut random, space).map(drop),
                _ => Ok(()),
            };
        }
        let options = options(space)?;
        if let Some(unknown) = self.without.iter().find(|it| !options.contains(*it)) {
            let options: Vec<&str> = options.iter().map(String::as_str).collect();
            let hint = match nearest(unknown, options.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("there are {}", options.join(", ")),
            };
            return Err(Error::new(format!("setting `without`: {id} has no `{unknown}`; {hint}")));
        }
        self.draw(&mut random, space)?;
        self.step(&mut random, space).map(drop)
    }

    /// The architectures of one step.
    pub fn step(&self, random: &mut Stream, space: &Space) -> Result<Vec<String>> {
        match self.law {
            Law::Fair => self.fair(random, space),
            _ => (0..self.samples).map(|_| self.draw(random, space)).collect(),
        }
    }

    /// The architectures of one step, drawn uniformly from `list`.
    pub fn step_among(&self, random: &mut Stream, list: &[String]) -> Vec<String> {
        (0..self.samples).map(|_| list[below(random, list.len())].clone()).collect()
    }

    /// Every architecture that can be drawn.
    pub fn all(&self, space: &Space) -> Result<&[String]> {
        if let Some(all) = self.permitted.get() {
            return Ok(all);
        }
        let mut all = Vec::new();
        for arch in self.listed(space)? {
            if self.permits(arch, space)? {
                all.push(arch.clone());
            }
        }
        Ok(self.permitted.get_or_init(|| all))
    }

    /// One trainable architecture without excluded operations.
    pub fn draw(&self, random: &mut Stream, space: &Space) -> Result<String> {
        self.draw_by(self.law, random, space)
    }

    fn draw_by(&self, law: Law, random: &mut Stream, space: &Space) -> Result<String> {
        for _ in 0..TRIES {
            let arch = match law {
                Law::Deiso => {
                    let list = self.listed(space)?;
                    list[below(random, list.len())].clone()
                }
                _ => space.architecture(below(random, space.size()? as usize) as u64)?,
            };
            if self.permits(&arch, space)? {
                return Ok(arch);
            }
        }
        // Few or none are left: search the list, if the space can be listed.
        match self.all(space) {
            Ok([]) if self.without.is_empty() => Err(Error::new(format!(
                "{} has no architecture that can be trained: each makes no network, or has nothing \
                 to train",
                space.info().id
            ))),
            Ok([]) => Err(Error::new("`without` leaves no architecture that can be trained")),
            Ok(all) => Ok(all[below(random, all.len())].clone()),
            Err(_) => {
                let left_out = match self.without.is_empty() {
                    true => "",
                    false => ", or were left out by `without`",
                };
                Err(Error::new(format!(
                    "{TRIES} random architectures made no network or had nothing to train{left_out}"
                )))
            }
        }
    }

    /// True if `arch` is trainable and has no excluded operation.
    pub fn permits(&self, arch: &str, space: &Space) -> Result<bool> {
        if !space.trainable(arch)? {
            return Ok(false);
        }
        if self.without.is_empty() {
            return Ok(true);
        }
        // Mutations name the operations that they replace, and so all that `arch` has.
        Ok(!space.mutations(arch)?.iter().any(|mutation| self.without.contains(&mutation.from)))
    }

    /// Every architecture, or the first of each isomorphism group.
    fn listed(&self, space: &Space) -> Result<&[String]> {
        if let Some(list) = self.list.get() {
            return Ok(list);
        }
        let size = space.size()?;
        if size > LISTABLE {
            return Err(Error::new(format!(
                "the sampler `deiso`, and `keep`, need a list of all architectures, and {} has {size}; \
                 take another sampler, and leave `keep` out",
                space.info().id
            )));
        }
        let mut groups = HashSet::new();
        let mut list = Vec::new();
        for index in 0..size {
            let arch = space.architecture(index)?;
            if self.law != Law::Deiso || groups.insert(space.canonical(&arch)?) {
                list.push(arch);
            }
        }
        Ok(self.list.get_or_init(|| list))
    }

    /// Shuffles the options of each decision; the i-th architecture has the i-th option
    /// of each. Architectures that cannot be trained are dropped, as in
    /// the paper.
    fn fair(&self, random: &mut Stream, space: &Space) -> Result<Vec<String>> {
        for _ in 0..TRIES {
            let base = space.architecture(below(random, space.size()? as usize) as u64)?;
            let mut orders = self.decisions(&base, space)?;
            for options in orders.values_mut() {
                shuffle(random, options);
            }
            let count = orders.values().map(Vec::len).max().unwrap_or(0);
            let mut step = Vec::with_capacity(count);
            for i in 0..count {
                let arch = with_options(&base, &orders, i, space)?;
                if space.trainable(&arch)? {
                    step.push(arch);
                }
            }
            if !step.is_empty() {
                return Ok(step);
            }
        }
        Err(Error::new("no fair step of trainable architectures was found"))
    }

    /// The options of each decision, both sorted by name.
    fn decisions(&self, base: &str, space: &Space) -> Result<BTreeMap<String, Vec<String>>> {
        let mut decisions: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for mutation in space.mutations(base)? {
            let options = decisions.entry(mutation.decision).or_insert(vec![mutation.from]);
            options.push(mutation.to);
        }
        for options in decisions.values_mut() {
            options.retain(|option| !self.without.contains(option));
            if options.is_empty() {
                return Err(Error::new("`without` leaves no operation to sample"));
            }
            options.sort_unstable();
        }
        Ok(decisions)
    }
}

/// The options of all decisions of `space`, as far as two mutations of its first
/// architecture reach them.
fn options(space: &Space) -> Result<BTreeSet<String>> {
    let first = space.mutations(&space.architecture(0)?)?;
    let mut options = BTreeSet::new();
    for mutation in &first {
        for next in space.mutations(&mutation.arch)? {
            options.extend([next.from, next.to]);
        }
    }
    Ok(options)
}

/// Changes `base` to the i-th option of each decision.
fn with_options(
    base: &str,
    orders: &BTreeMap<String, Vec<String>>,
    i: usize,
    space: &Space,
) -> Result<String> {
    let mut arch = base.to_owned();
    for (decision, options) in orders {
        let option = &options[i % options.len()];
        let mutations = space.mutations(&arch)?;
        let fits = |m: &Mutation| m.decision == *decision && m.to == *option;
        // Without such a mutation, the architecture has the option already.
        if let Some(mutation) = mutations.into_iter().find(fits) {
            arch = mutation.arch;
        }
    }
    Ok(arch)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nb201;
    use std::collections::HashMap;

    fn sampler(changes: &[(&str, Value)]) -> Sampler {
        let given = changes.iter().map(|(key, value)| ((*key).to_owned(), value.clone()));
        let settings = Settings::resolve("x", &Sampler::settings(), &given.collect()).unwrap();
        Sampler::new(&settings).unwrap()
    }

    /// The operations of an architecture, one per edge.
    fn operations(arch: &str) -> Vec<String> {
        let edges = arch.split(['|', '+']).filter(|edge| !edge.is_empty());
        edges.map(|edge| edge.split('~').next().unwrap().to_owned()).collect()
    }

    #[test]
    fn deiso_visits_each_group_equally_and_uniform_each_architecture() {
        let space = nb201();
        for (law, classes) in [("deiso", 6466), ("uniform", 15625)] {
            let sampler = sampler(&[("sampler", law.into())]);
            let all = sampler.all(&space).unwrap();
            let mut random = stream(1, &[law]);
            let draws = 20 * all.len();
            let mut counts: HashMap<String, f64> = HashMap::new();
            for _ in 0..draws {
                *counts.entry(sampler.draw(&mut random, &space).unwrap()).or_default() += 1.0;
            }
            let expected = draws as f64 / all.len() as f64;
            let square = |arch| {
                let off = counts.get(arch).copied().unwrap_or(0.0) - expected;
                off * off / expected
            };
            let chi2: f64 = all.iter().map(square).sum();
            let freedom = all.len() as f64 - 1.0;
            // The tolerance is five standard deviations of the chi-square distribution.
            assert!((chi2 - freedom).abs() < 5.0 * (2.0 * freedom).sqrt(), "{law}: {chi2}");
            assert!(counts.keys().all(|arch| space.trainable(arch).unwrap()));
            let listed = sampler.listed(&space).unwrap();
            assert_eq!(listed.len(), classes, "{law}");
            let groups: HashSet<String> =
                listed.iter().map(|arch| space.canonical(arch).unwrap()).collect();
            assert_eq!(groups.len(), 6466);
        }
    }

    #[test]
    fn a_fair_step_has_every_operation_of_every_edge_once() {
        let space = nb201();
        let sampler = sampler(&[("sampler", "fair".into())]);
        let mut random = stream(2, &["fair"]);
        let mut whole = 0;
        for _ in 0..200 {
            let step = sampler.step(&mut random, &space).unwrap();
            let mut counts: HashMap<(usize, String), usize> = HashMap::new();
            for arch in &step {
                for edge in operations(arch).into_iter().enumerate() {
                    *counts.entry(edge).or_default() += 1;
                }
            }
            assert!(counts.values().all(|count| *count == 1));
            // Five architectures mean that none was dropped, so all thirty options are there.
            if step.len() == 5 {
                assert_eq!(counts.len(), 30);
                whole += 1;
            }
        }
        assert!(whole > 20, "{whole}");
    }

    #[test]
    fn an_operation_left_out_is_never_sampled() {
        let space = nb201();
        for law in ["uniform", "deiso", "fair"] {
            let without = "nor_conv_1x1, avg_pool_3x3";
            let sampler = sampler(&[("sampler", law.into()), ("without", without.into())]);
            let mut random = stream(3, &[law]);
            let mut seen = HashSet::new();
            for _ in 0..200 {
                for arch in sampler.step(&mut random, &space).unwrap() {
                    seen.extend(operations(&arch));
                }
            }
            let expected = ["none", "skip_connect", "nor_conv_3x3"].map(str::to_owned);
            assert_eq!(seen, HashSet::from(expected), "{law}");
        }
    }

    #[test]
    fn a_step_has_as_many_samples_as_asked() {
        let space = nb201();
        let sampler = sampler(&[("samples", 3.into())]);
        assert_eq!(sampler.step(&mut stream(4, &[]), &space).unwrap().len(), 3);
    }
}

//! The rules of search spaces.

use super::{
    mutations::{changes_one, decisions, described, same_values, shown, values},
    respondent::{self, Respondent},
    rules::{Broken, Tell, broken, rule},
};
use crate::loader::Plugin;
use osee_model::{
    graph::{Graph, Op},
    seed::{order, stream},
    settings::{Settings, key_hash},
    space::{Mutation, SpaceInfo},
};
use osee_sdk::{Error, ExportKind, Result, abi::kinds::space::ForeignSpace};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Consecutive numbers at each end, and random numbers.
const WINDOW: u64 = 200;
/// Architectures whose networks, mutations and forms are checked.
const FEW: usize = 22;
/// Architectures among them whose mutants are checked, and mutations of each.
const MUTATED: usize = 6;
const MUTATIONS: usize = 40;
/// Groups with one form whose networks are compared, and members of each.
const GROUPS: usize = 60;
const MEMBERS: usize = 4;

/// Numbers at which mistakes show in a space of this size: spread evenly, at both
/// ends, around powers of two (where a narrower type or a rounded number wraps), and
/// at random.
fn numbers(size: u64) -> Vec<u64> {
    let Some(last) = size.checked_sub(1) else { return Vec::new() };
    let spread = (0..20u64).map(|i| (u128::from(i) * u128::from(last) / 19) as u64);
    let ends = (0..WINDOW).flat_map(|i| [i, last.saturating_sub(i)]);
    let powers = (0..64).map(|bit| 1u64 << bit);
    let powers = powers.flat_map(|power| [power - 1, power, power.saturating_add(1)]);
    let chance = order(&mut stream(0, &["check"]), size).take(WINDOW as usize).collect::<Vec<_>>();
    // The spread numbers come first: they are checked most thoroughly.
    let mut seen = BTreeSet::new();
    let all = spread.chain(ends).chain(powers).chain(chance);
    all.filter(|number| *number < size && seen.insert(*number)).collect()
}

/// A space with its architectures.
struct Subject<'a> {
    info: &'a SpaceInfo,
    functions: &'a ForeignSpace,
    settings: Settings,
    /// Numbers and their architectures; empty for a space without numbers.
    numbered: Vec<(u64, String)>,
    /// The example and some other architectures.
    few: Vec<String>,
}

fn create(plugin: &Plugin, info: &SpaceInfo) -> Result<ForeignSpace> {
    plugin.functions.create(ExportKind::Space, &info.id, &Settings::default())?.try_into()
}

/// Checks a space by itself.
pub fn check(plugin: &Plugin, info: &SpaceInfo, tell: Tell<'_>) -> Result<()> {
    let functions = &create(plugin, info)?;
    let settings = info.defaults();
    let mut subject = Subject { info, functions, settings, numbered: Vec::new(), few: Vec::new() };
    rule(tell, "architectures are available", || {
        subject.fetch().map_err(broken("the example and every number below size must be read"))
    });
    if subject.few.is_empty() {
        return Ok(());
    }
    let subject = &subject;
    rule(tell, "every number has its own architecture", || subject.numbers_differ());
    rule(tell, "a number beyond the last is refused", || subject.refuses_other_numbers());
    rule(tell, "an architecture is read back as it is written", || {
        let all = subject.few.iter().chain(subject.numbered.iter().map(|(_, arch)| arch));
        let mend = "let Display and FromStr agree";
        for arch in all {
            match subject.functions.parse(arch).map_err(broken(mend))? {
                read if read == *arch => {}
                read => return Err((format!("{arch} is read as {read}"), mend)),
            }
        }
        Ok(())
    });
    rule(tell, "text that is not an architecture is refused", || {
        let mut nonsense =
            ["", "?", "|||", "\u{0}", "9999999999999999999999"].map(str::to_owned).to_vec();
        for arch in subject.few.iter().take(MUTATED) {
            nonsense.extend([format!("{arch}?"), format!("?{arch}"), format!("{arch}{arch}")]);
        }
        match nonsense.iter().find(|text| subject.functions.parse(text).is_ok()) {
            Some(text) => {
                Err((format!("{:?} was taken", shown(text)), "check every part in FromStr"))
            }
            None => Ok(()),
        }
    });
    rule(tell, "every architecture makes a graph", || {
        subject.every(|arch| subject.graph(arch).map(drop), "build it with GraphBuilder")
    });
    rule(tell, "mutations change one decision each", || subject.mutations_change_one());
    rule(tell, "the canonical form is always the same", || {
        let check = |arch: &str| match subject.form(arch)? == subject.form(arch)? {
            true => Ok(()),
            false => Err(Error::new("it changed")),
        };
        subject.every(check, "derive it from the architecture alone")
    });
    rule(tell, "a canonical form joins only networks of as many parameters", || {
        subject.forms_join_equals()
    });
    rule(tell, "the benchmark's counts are available", || {
        let check = |arch: &str| subject.functions.benchmark_counts(arch).map(drop);
        subject.every(check, "count every architecture, or return None in its place")
    });
    Ok(())
}

impl Subject<'_> {
    fn fetch(&mut self) -> Result<()> {
        let example = self.functions.parse(&self.info.example)?;
        for number in self.info.size.map(numbers).unwrap_or_default() {
            let arch = self.functions.architecture(number);
            let arch = arch.map_err(|error| Error::new(format!("number {number}: {error}")))?;
            self.numbered.push((number, arch));
        }
        let mut few = vec![example];
        few.extend(self.numbered.iter().map(|(_, arch)| arch.clone()));
        few.truncate(FEW);
        self.few = few;
        Ok(())
    }

    fn form(&self, arch: &str) -> Result<String> {
        self.functions.canonical(arch)
    }

    fn graph(&self, arch: &str) -> Result<Graph> {
        self.functions.graph(arch, &self.settings)
    }

    fn every(
        &self,
        check: impl Fn(&str) -> Result<()>,
        mend: &'static str,
    ) -> std::result::Result<(), Broken> {
        let named = |arch: &String| {
            check(arch).map_err(|error| {
                let (arch, text) = (shown(arch), error.to_string());
                (if text.contains(&arch) { text } else { format!("{arch}: {text}") }, mend)
            })
        };
        self.few.iter().try_for_each(named)
    }

    fn numbers_differ(&self) -> std::result::Result<(), Broken> {
        let mut seen: HashMap<&str, u64> = HashMap::new();
        for (number, arch) in &self.numbered {
            if let Some(other) = seen.insert(arch, *number) {
                let [a, b] = [other.min(*number), other.max(*number)];
                let mend =
                    "count in u64 all the way, and let `size` be the number of architectures";
                return Err((format!("numbers {a} and {b} are both {}", shown(arch)), mend));
            }
        }
        Ok(())
    }

    fn refuses_other_numbers(&self) -> std::result::Result<(), Broken> {
        let Some(size) = self.info.size else { return Ok(()) };
        let beyond = [Some(size), size.checked_add(1), size.checked_mul(2), Some(u64::MAX)];
        for number in beyond.into_iter().flatten().filter(|number| *number >= size) {
            // A size of u64::MAX may stand for more architectures, so this number may be valid.
            if size < u64::MAX
                && let Ok(arch) = self.functions.architecture(number)
            {
                let mend = "return an error for every number that is not below `size`";
                return Err((format!("number {number} is {} of {size}", shown(&arch)), mend));
            }
        }
        Ok(())
    }

    /// At most `MUTATIONS` of the mutations, evenly spread.
    fn some(&self, mutations: Vec<Mutation>) -> Vec<Mutation> {
        let step = mutations.len().div_ceil(MUTATIONS).max(1);
        mutations.into_iter().step_by(step).collect()
    }

    fn mutations_change_one(&self) -> std::result::Result<(), Broken> {
        let mend = "change one decision in each, name it with its old and its new value, and offer every other value, as the space writes it";
        let of = |arch: &str| self.functions.mutations(arch).map_err(broken(mend));
        for arch in self.few.iter().take(MUTATED) {
            let wrong = |what: String| (format!("a mutation of {}: {what}", shown(arch)), mend);
            let all = of(arch)?;
            let before = decisions(&all).map_err(wrong)?;
            let mut seen = Vec::new();
            for mutation in self.some(all.clone()) {
                let read = self.functions.parse(&mutation.arch).map_err(broken(mend))?;
                if read == *arch || mutation.from == mutation.to {
                    return Err(wrong(format!("{} changes nothing", described(&mutation))));
                }
                if read != mutation.arch {
                    let (what, read) = (described(&mutation), shown(&read));
                    return Err(wrong(format!("{what} is written {read} by the space")));
                }
                let mutants = of(&mutation.arch)?;
                let after = decisions(&mutants).map_err(wrong)?;
                changes_one(&mutation, &before, &after).map_err(wrong)?;
                let of = mutation.decision.clone();
                seen.push((mutation, values(&mutants).map(|all| all.of(&of))));
            }
            let before = values(&all).map_err(wrong)?;
            for (mutation, after) in seen {
                let mutant =
                    |what| (format!("a mutation of {}: {what}", shown(&mutation.arch)), mend);
                let before = before.of(&mutation.decision);
                same_values(&mutation, &before, &after.map_err(mutant)?).map_err(wrong)?;
            }
        }
        Ok(())
    }

    fn forms_join_equals(&self) -> std::result::Result<(), Broken> {
        let mend = "let isomorphic architectures share a form, and only they";
        let mut pool: BTreeSet<String> = self.few.iter().cloned().collect();
        pool.extend(self.numbered.iter().map(|(_, arch)| arch.clone()));
        for arch in self.few.iter().take(MUTATED) {
            // Neighbours are added, as random architectures of a large space are never isomorphic.
            let mutations = self.functions.mutations(arch).map_err(broken(mend))?;
            pool.extend(self.some(mutations).into_iter().map(|mutation| mutation.arch));
        }
        let mut groups: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for arch in pool {
            groups.entry(self.form(&arch).map_err(broken(mend))?).or_default().push(arch);
        }
        for members in groups.values().filter(|members| members.len() > 1).take(GROUPS) {
            let mut first: Option<(&str, usize)> = None;
            for arch in members.iter().take(MEMBERS) {
                let own = parameters_at_work(&self.graph(arch).map_err(broken(mend))?);
                match first {
                    Some((other, count)) if count != own => {
                        let (other, arch) = (shown(other), shown(arch));
                        return Err((
                            format!(
                                "{other} and {arch} share a form, and have {count} and {own} \
                                 parameters between input and output"
                            ),
                            mend,
                        ));
                    }
                    _ => first = first.or(Some((arch, own))),
                }
            }
        }
        Ok(())
    }
}

/// Number of parameters of operations between input and output. Isomorphic networks
/// need not share others: an operation that receives only zeros may still have a
/// shift, but otherwise has no effect.
fn parameters_at_work(graph: &Graph) -> usize {
    let mut carries = vec![false; graph.nodes.len()];
    for (id, node) in graph.iter() {
        let fed = node.inputs.iter().any(|input| carries[input.index()]);
        carries[id.index()] = match node.op {
            Op::Input => true,
            Op::Zero { .. } => false,
            _ => fed,
        };
    }
    let mut works = vec![false; graph.nodes.len()];
    works[graph.output.index()] = carries[graph.output.index()];
    let mut used = BTreeSet::new();
    for at in (0..graph.nodes.len()).rev().filter(|at| carries[*at]) {
        if works[at] {
            used.extend(graph.nodes[at].op.parameters().map(|id| id.index()));
            graph.nodes[at].inputs.iter().for_each(|input| works[input.index()] = true);
        }
    }
    used.into_iter().map(|at| graph.parameters[at].numel()).sum()
}

/// Answers question N with all that the space says about one architecture.
pub struct Asked {
    functions: ForeignSpace,
    example: String,
    numbers: Vec<u64>,
    settings: Settings,
}

impl Asked {
    pub fn new(plugin: &Plugin, info: &SpaceInfo) -> Result<Self> {
        let mut numbers = info.size.map(numbers).unwrap_or_default();
        numbers.truncate(FEW);
        let (functions, settings) = (create(plugin, info)?, info.defaults());
        Ok(Self { functions, example: info.example.clone(), numbers, settings })
    }
}

impl Respondent for Asked {
    /// The example, its first mutations, and some numbered architectures.
    fn questions(&self) -> usize {
        1 + MUTATED + self.numbers.len()
    }

    fn answer(&self, question: usize) -> String {
        let arch = match question.checked_sub(1 + MUTATED) {
            Some(at) => self.functions.architecture(self.numbers[at]),
            None if question == 0 => self.functions.parse(&self.example),
            None => self
                .functions
                .mutations(&self.example)
                .map(|all| all.into_iter().nth(question - 1).map_or(String::new(), |it| it.arch)),
        };
        let Ok(arch) = arch else { return "no architecture".to_owned() };
        let functions = &self.functions;
        let text = respondent::text::<String, Error>;
        [
            format!("architecture {arch}"),
            format!("read as {}", text(functions.parse(&arch), String::clone)),
            format!("canonical form {}", text(functions.canonical(&arch), String::clone)),
            format!("trainable {}", respondent::text(functions.trainable(&arch), bool::to_string)),
            format!(
                "counts {}",
                respondent::text(functions.benchmark_counts(&arch), |it| format!("{it:?}"))
            ),
            format!("mutations {}", respondent::text(functions.mutations(&arch), key_hash)),
            format!("graph {}", respondent::text(functions.graph(&arch, &self.settings), key_hash)),
        ]
        .join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use osee_model::graph::{ConvSpec, GraphBuilder, Shape};

    #[test]
    fn numbers_of_a_space_as_large_as_can_be_do_not_overflow() {
        for size in [1, 2, 7, 19, 400, 1 << 33, u64::MAX - 1, u64::MAX] {
            let all = numbers(size);
            assert!(all.contains(&0) && all.contains(&(size - 1)), "{size}");
            assert!(all.iter().all(|number| *number < size), "{size}");
            let different: BTreeSet<&u64> = all.iter().collect();
            assert_eq!(different.len(), all.len(), "{size}");
        }
        // A number cut to 32 bits would give another number's architecture.
        let all = numbers(u64::MAX);
        assert!([1, 1 << 32, (1 << 32) + 1].iter().all(|number| all.contains(number)));
        assert!(numbers(0).is_empty());
    }

    #[test]
    fn what_only_zeros_reach_is_not_at_work() {
        let mut g = GraphBuilder::new(Shape::square(3, 8));
        let x = g.conv("conv", g.input(), ConvSpec::same(4, 3));
        let zero = g.op(Op::Zero { stride: 1 }, &[x]);
        let shifted = g.conv("fed_zeros", zero, ConvSpec::same(4, 1));
        let shifted = g.batch_norm("shift", shifted, true);
        let sum = g.op(Op::Add, &[x, shifted]);
        let _unread = g.conv("unread", x, ConvSpec::same(4, 5));
        let x = g.global_avg_pool(sum);
        let x = g.linear("classifier", x, 10);
        let graph = g.finish(x).unwrap();
        // The convolution has 4 x 3 x 3 x 3, the classifier 10 x 4 + 10.
        assert_eq!(parameters_at_work(&graph), 108 + 50);
    }
}

//! Checks what mutations say about an architecture's decisions.

use osee_model::space::Mutation;
use std::collections::{BTreeMap, BTreeSet};

/// The current value of every decision that mutations name.
pub fn decisions(mutations: &[Mutation]) -> std::result::Result<BTreeMap<String, String>, String> {
    let mut values = BTreeMap::new();
    for mutation in mutations {
        let old = values.insert(mutation.decision.clone(), mutation.from.clone());
        if let Some(other) = old.filter(|old| *old != mutation.from) {
            let Mutation { decision, from, .. } = mutation;
            return Err(format!("decision `{decision}` is both `{other}` and `{from}`"));
        }
    }
    Ok(values)
}

/// Checks that only the mutation's own decision differs between before and after.
/// Decisions that only one side has depend on the changed one.
pub fn changes_one(
    mutation: &Mutation,
    before: &BTreeMap<String, String>,
    after: &BTreeMap<String, String>,
) -> std::result::Result<(), String> {
    let what = described(mutation);
    for (decision, new) in after {
        let Some(old) = before.get(decision) else { continue };
        if *decision == mutation.decision {
            if *new != mutation.to {
                return Err(format!("{what} is `{new}` there"));
            }
        } else if old != new {
            return Err(format!("{what} changes `{decision}` too, from `{old}` to `{new}`"));
        }
    }
    Ok(())
}

/// All values of every decision.
pub struct Values<'a>(BTreeMap<&'a str, BTreeSet<&'a str>>);

impl Values<'_> {
    /// Values of a decision; empty if no mutation names it.
    pub fn of(&self, decision: &str) -> BTreeSet<String> {
        self.0.get(decision).into_iter().flatten().map(|value| (*value).to_owned()).collect()
    }
}

/// Current and possible values of the decisions; an error if a mutation is repeated.
pub fn values(mutations: &[Mutation]) -> std::result::Result<Values<'_>, String> {
    let mut values: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for mutation in mutations {
        let known = values.entry(&mutation.decision).or_default();
        known.insert(&mutation.from);
        if !known.insert(&mutation.to) {
            return Err(format!("{} is there twice", described(mutation)));
        }
    }
    Ok(Values(values))
}

/// Checks that the mutated decision has the same possible values before and after:
/// everything else is unchanged.
pub fn same_values(
    mutation: &Mutation,
    before: &BTreeSet<String>,
    after: &BTreeSet<String>,
) -> std::result::Result<(), String> {
    match before.symmetric_difference(after).next() {
        None => Ok(()),
        Some(value) => {
            let (there, not) = match before.contains(value) {
                true => ("before", "after"),
                false => ("after", "before"),
            };
            let what = described(mutation);
            Err(format!("{what} can become `{value}` {there} it and not {not} it"))
        }
    }
}

/// Text for messages: the change, and the architecture that it leads to.
pub fn described(mutation: &Mutation) -> String {
    let Mutation { arch, decision, from, to, .. } = mutation;
    format!("`{decision}` from `{from}` to `{to}`, {},", shown(arch))
}

/// The first 120 characters of an architecture, for a message.
pub fn shown(arch: &str) -> String {
    match arch.char_indices().nth(120) {
        Some((end, _)) => format!("{}...", &arch[..end]),
        None => arch.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mutation(decision: &str, from: &str, to: &str) -> Mutation {
        Mutation::new("x", decision, from, to)
    }

    #[test]
    fn every_other_value_has_one_mutation_from_wherever_one_starts() {
        let of = |own: &str, others: &[&str]| -> Vec<Mutation> {
            others.iter().map(|other| mutation("a", own, other)).collect()
        };
        let (one, all) = (mutation("a", "1", "2"), of("1", &["2", "3"]));
        let back = of("2", &["1", "3"]);
        let same = |after: &[Mutation]| {
            same_values(&one, &values(&all).unwrap().of("a"), &values(after).unwrap().of("a"))
        };
        assert_eq!(same(&back), Ok(()));
        let lost = same(&of("2", &["1"])).unwrap_err();
        assert!(lost.ends_with("can become `3` before it and not after it"), "{lost}");
        let more = same(&of("2", &["1", "3", "4"])).unwrap_err();
        assert!(more.ends_with("can become `4` after it and not before it"), "{more}");
        assert!(same(&[]).is_err(), "nothing leads back");
        let twice = of("1", &["2", "3", "2"]);
        let twice = values(&twice).err().unwrap();
        assert!(twice.contains("`a` from `1` to `2`") && twice.ends_with("twice"), "{twice}");
    }

    #[test]
    fn a_mutation_of_two_decisions_is_seen_in_the_mutant() {
        let vector =
            |a: &str, b: &str| decisions(&[mutation("a", a, "?"), mutation("b", b, "?")]).unwrap();
        let one = mutation("a", "1", "2");
        assert_eq!(changes_one(&one, &vector("1", "1"), &vector("2", "1")), Ok(()));
        let two = changes_one(&one, &vector("1", "1"), &vector("2", "3")).unwrap_err();
        assert!(two.contains("changes `b` too, from `1` to `3`"), "{two}");
        let other = changes_one(&one, &vector("1", "1"), &vector("3", "1")).unwrap_err();
        assert!(other.contains("is `3` there"), "{other}");
        let both = decisions(&[mutation("a", "1", "2"), mutation("a", "2", "1")]).unwrap_err();
        assert_eq!(both, "decision `a` is both `1` and `2`");
    }
}

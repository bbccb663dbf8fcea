//! Notes on rows whose scores depend on the population.

use super::Row;
use osee_core::store::PopulationId;
use std::collections::BTreeMap;

/// Notes, one for each population that meta estimators were computed over: the same
/// architecture has other scores in another. Empty if no row is a meta estimator.
pub fn dependent(rows: &[Row]) -> Vec<String> {
    let meta = rows.iter().filter(|row| row.key.is_meta());
    notes(meta.map(|row| (row.key.name.as_str(), row.population.as_ref())))
}

fn notes<'a>(rows: impl Iterator<Item = (&'a str, Option<&'a PopulationId>)>) -> Vec<String> {
    let mut names: BTreeMap<Option<&PopulationId>, Vec<&str>> = BTreeMap::new();
    for (name, population) in rows {
        names.entry(population).or_default().push(name);
    }
    let note = |(population, mut names): (Option<&PopulationId>, Vec<&str>)| {
        names.sort_unstable();
        let which = population.map_or_else(
            || ", which this run did not keep".to_owned(),
            |population| format!(" of {population}"),
        );
        format!("{}: scores depend on the population{which}", names.join(", "))
    };
    names.into_iter().map(note).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_one_population_share_a_note() {
        let [one, other] = [&[][..], &["x"]].map(|without| {
            PopulationId::of(["a", "b"], |at| if at == 0 { without.to_vec() } else { Vec::new() })
        });
        let rows = [("vote", Some(&one)), ("old", None), ("best", Some(&other)), ("a", Some(&one))];
        let notes = notes(rows.into_iter());
        assert_eq!(notes.len(), 3, "{notes:?}");
        assert_eq!(notes[0], "old: scores depend on the population, which this run did not keep");
        let shared = format!("a, vote: scores depend on the population of {one}");
        assert!(notes.contains(&shared), "{notes:?}");
        assert!(notes.iter().any(|it| it.starts_with("best: ")), "{notes:?}");
        assert_eq!(super::notes([].into_iter()), Vec::<String>::new());
    }
}

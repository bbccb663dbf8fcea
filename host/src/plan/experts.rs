//! Experts of meta estimators: the rows that they judge by, and the order this implies.

use super::{PlanError, Row};
use crate::loader::Registry;
use osee_core::row::{EstimatorKey, RowKey};
use osee_sdk::abi::{instance::Foreign, kinds::meta::ForeignMeta};

/// Refuses a meta estimator whose experts are not among `rows`, and meta
/// estimators that judge by one another in a circle.
pub fn check(rows: &[Row], registry: &Registry) -> Result<(), PlanError> {
    let mut needs = Vec::new();
    for meta in rows.iter().filter(|row| row.key.is_meta()) {
        let name = &meta.key.name;
        let experts = create(&meta.key.estimator, registry)?.needs()?;
        if let Some(expert) = experts.iter().find(|it| rows.iter().all(|row| row.key.name != **it))
        {
            return Err(PlanError::MissingExpert { meta: name.clone(), expert: expert.clone() });
        }
        needs.push((name.clone(), experts));
    }
    order(&needs).map(drop)
}

/// Instantiates a meta estimator with its settings.
pub fn create(estimator: &EstimatorKey, registry: &Registry) -> Result<ForeignMeta, PlanError> {
    let (plugin, _) = registry.estimator(&estimator.id)?;
    match plugin.functions.create(estimator.kind, &estimator.id, &estimator.settings)? {
        Foreign::Meta(meta) => Ok(meta),
        _ => {
            let what = format!("`{}` is not a meta estimator", estimator.id);
            Err(osee_sdk::Error::new(what).into())
        }
    }
}

/// Returns indices into `meta` in an order in which they can be computed.
pub fn in_order<'a>(
    meta: impl IntoIterator<Item = &'a RowKey>,
    registry: &Registry,
) -> Result<Vec<usize>, PlanError> {
    let needs = |key: &RowKey| Ok((key.name.clone(), create(&key.estimator, registry)?.needs()?));
    order(&meta.into_iter().map(needs).collect::<Result<Vec<_>, PlanError>>()?)
}

/// Returns indices into `needs`, pairs of a name and its experts, with each after its
/// experts; otherwise in the given order.
fn order(needs: &[(String, Vec<String>)]) -> Result<Vec<usize>, PlanError> {
    let mut order: Vec<usize> = Vec::with_capacity(needs.len());
    while order.len() < needs.len() {
        let left = |at: &usize| !order.contains(at);
        let waits =
            |expert: &String| (0..needs.len()).filter(left).any(|other| needs[other].0 == *expert);
        let ready = |at: &usize| !needs[*at].1.iter().any(waits);
        match (0..needs.len()).filter(left).find(ready) {
            Some(next) => order.push(next),
            None => return Err(PlanError::Circle(circle(needs, &order))),
        }
    }
    Ok(order)
}

/// Finds a circle among the estimators that are not in `order`, each of which waits for
/// another.
fn circle(needs: &[(String, Vec<String>)], order: &[usize]) -> Vec<String> {
    let mut path: Vec<usize> = Vec::new();
    let mut next = (0..needs.len()).find(|at| !order.contains(at));
    while let Some(at) = next {
        if let Some(first) = path.iter().position(|it| *it == at) {
            path.drain(..first);
            break;
        }
        path.push(at);
        let waits = |other: &usize| needs[at].1.contains(&needs[*other].0);
        next = (0..needs.len()).filter(|other| !order.contains(other)).find(waits);
    }
    path.into_iter().map(|at| needs[at].0.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(needs: &[(&str, &str)]) -> Result<String, String> {
        let split = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        let needs: Vec<_> =
            needs.iter().map(|(name, experts)| ((*name).to_owned(), split(experts))).collect();
        match order(&needs) {
            Ok(order) => Ok(order.into_iter().map(|at| needs[at].0.as_str()).collect()),
            Err(PlanError::Circle(names)) => Err(names.join(" ")),
            Err(error) => panic!("{error}"),
        }
    }

    #[test]
    fn experts_come_first_and_a_circle_is_named_without_what_leads_to_it() {
        assert_eq!(named(&[]), Ok(String::new()));
        assert_eq!(named(&[("a", "x y"), ("b", "x")]), Ok("ab".to_owned()));
        assert_eq!(named(&[("a", "b c"), ("b", "c x"), ("c", "y")]), Ok("cba".to_owned()));
        assert_eq!(named(&[("a", "a")]), Err("a".to_owned()));
        assert_eq!(
            named(&[("d", "x"), ("a", "b"), ("b", "c"), ("c", "b d")]),
            Err("b c".to_owned())
        );
    }
}

//! Which operations does an estimator over- or underestimate?

use super::{absent, looked_at, percent, ranked_by, ranks, refused, section_of, signed};
use crate::{
    analysis::{Material, Scorer, Structure, material::grouped},
    report::{
        figure::{Figure, HeatMap, Value},
        html::{Absent, Cell, Column, Section, Table},
    },
};
use osee_core::analysis::{
    AnalysisError, MutationPair, OpBiasReport, equal_groups, op_bias, pairs_in_set, within_group,
};

const HEADING: &str = "Bias by operation";
const GROUPS: usize = 5;
/// Fewer pairs say nothing.
const FEWEST: usize = 10;
/// Changes that a figure has room for.
const CHANGES: usize = 24;
/// Most biased changes of a row that are written down.
const TABLED: usize = 6;

/// What pairs are found among: the judged architectures, with their neighbours
/// if the run has some.
struct Around<'a> {
    architectures: &'a [String],
    truth: &'a [f64],
    structure: &'a Structure,
    /// Rows that are looked at.
    rows: Vec<(&'a Scorer, &'a [f64])>,
}

impl<'a> Around<'a> {
    fn of(material: &'a Material) -> Option<Self> {
        let looked_at = looked_at(material).into_iter();
        Some(match &material.neighbourhood {
            None => Self {
                architectures: &material.architectures,
                truth: &material.truth,
                structure: material.structure.as_ref()?,
                rows: looked_at.map(|row| (row, row.values.as_slice())).collect(),
            },
            Some(all) => Self {
                architectures: &all.architectures,
                truth: &all.truth,
                structure: all.structure.as_ref()?,
                // What votes over the drawn ones says nothing of the others.
                rows: looked_at
                    .filter_map(|row| Some((row, all.values.get(&row.name)?.as_slice())))
                    .collect(),
            },
        })
    }
}

/// Pairs of architectures that differ in one decision: how often does the
/// truth rise, and how often the score?
pub fn section(material: &Material) -> Result<Section, Absent> {
    ranked_by(material, HEADING)?;
    let Some(Around { architectures, truth, structure, rows }) = Around::of(material) else {
        let reason = "what differs between architectures is not known without their search space";
        return Err(absent(HEADING, reason, "--space SPACE"));
    };
    let found = pairs_in_set(architectures, &structure.mutations).map_err(refused(HEADING))?;
    let few = |reason: &str| absent(HEADING, reason, add(material));
    if found.pairs.len() < FEWEST {
        return Err(few(&format!(
            "only {} pairs of architectures with a truth differ in a single decision",
            found.pairs.len()
        )));
    }
    let bias = |pairs: &[MutationPair<'_>]| {
        rows.iter().map(|(_, values)| op_bias(pairs, values, truth)).collect()
    };
    let all: Result<Vec<OpBiasReport>, AnalysisError> = bias(&found.pairs);
    let all = all.map_err(refused(HEADING))?;
    let names: Vec<&str> = rows.iter().map(|(row, _)| row.name.as_str()).collect();
    let ranked = rows.iter().zip(&all).filter(|((row, _), _)| ranks(material, row));
    let ranked: Vec<_> = ranked.map(|((row, _), report)| (row.name.as_str(), report)).collect();
    let Some(finding) = finding(&ranked) else {
        let most = all.first().and_then(|it| it.changes.iter().max_by_key(|it| it.pairs));
        let most = most.map_or_else(String::new, |it| {
            format!("; {} to {} occurs in {}", it.from, it.to, it.pairs)
        });
        return Err(few(&format!("no change of a decision occurs in {FEWEST} pairs{most}")));
    };
    let mut rests_on = format!(
        "{}; {} ordered pairs found among them{} that differ in one decision",
        material.rests_on(),
        grouped(found.pairs.len()),
        material.neighbourhood.as_ref().map_or_else(String::new, |all| {
            format!(" and {} neighbours", grouped(all.neighbours))
        })
    );
    let mut section = section_of(HEADING).finding(&finding).figure(figure(
        "all",
        "Share of pairs whose score rises, less the share whose truth does",
        &names,
        &all,
    ));
    if let Ok(groups) = equal_groups(&structure.params, GROUPS) {
        let inside = within_group(&found.pairs, &groups.group, GROUPS - 1);
        let largest: Result<Vec<OpBiasReport>, _> = bias(&inside);
        let largest = largest.map_err(refused(HEADING))?;
        match largest.first().is_some_and(|it| !changes(it).is_empty()) {
            true => {
                let title = "The same among the largest fifth by parameters";
                section = section.figure(figure("largest", title, &names, &largest));
            }
            false => {
                rests_on += &format!("; no change occurs in {FEWEST} pairs of the largest fifth");
            }
        }
    }
    Ok(section.rests_on(&rests_on).table(table(&names, &all)))
}

/// What gives more pairs.
fn add(material: &Material) -> &'static str {
    match material.rows().any(|row| row.kind.is_some()) {
        true => "[architectures]\nneighbours = 20  # of so many architectures, all mutations",
        false => "# a table with more architectures that differ in a single decision",
    }
}

/// Changes with enough pairs, the most frequent first.
fn changes(report: &OpBiasReport) -> Vec<usize> {
    let mut kept: Vec<usize> =
        (0..report.changes.len()).filter(|&at| report.changes[at].pairs >= FEWEST).collect();
    kept.sort_by_key(|&at| std::cmp::Reverse(report.changes[at].pairs));
    kept.truncate(CHANGES);
    kept.sort_unstable();
    kept
}

fn figure(name: &str, title: &str, names: &[&str], reports: &[OpBiasReport]) -> Figure {
    let kept = reports.first().map(changes).unwrap_or_default();
    let labels: Vec<String> = kept
        .iter()
        .map(|&at| {
            let change = &reports[0].changes[at];
            format!("{} to {}", change.from, change.to)
        })
        .collect();
    let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
    let cells = kept
        .iter()
        .map(|&at| reports.iter().map(|it| Value::from(it.changes[at].bias)).collect())
        .collect();
    Figure::new(name, title, HeatMap::correlations(&labels, names, cells))
        .note("Positive: the estimator likes this change more than it deserves.")
}

fn table(names: &[&str], reports: &[OpBiasReport]) -> Table {
    let mut table = Table::new(vec![
        Column::text("Estimator", ""),
        Column::text("From", "the operation, or another decision's value"),
        Column::text("To", ""),
        Column::number("Pairs", "ordered pairs of architectures with this change"),
        Column::number("Truth rises", "share of the pairs"),
        Column::number("Score rises", "share of the pairs"),
        Column::number("Bias", "the second share less the first"),
        Column::number("Ties", "pairs with equal truth, and with equal scores"),
    ]);
    for (name, report) in names.iter().zip(reports) {
        let mut kept = changes(report);
        let bias = |at: &usize| report.changes[*at].bias.abs();
        kept.sort_by(|a, b| bias(b).total_cmp(&bias(a)));
        for at in kept.into_iter().take(TABLED) {
            let change = &report.changes[at];
            table = table.row(vec![
                Cell::text(name),
                Cell::text(&change.from),
                Cell::text(&change.to),
                super::count(change.pairs),
                Cell::number(&percent(change.truth_increase), change.truth_increase),
                Cell::number(&percent(change.score_increase), change.score_increase),
                Cell::number(&signed(change.bias), change.bias),
                Cell::number(
                    &format!("{} / {}", change.truth_ties, change.score_ties),
                    change.truth_ties as f64,
                ),
            ]);
        }
    }
    table
}

/// The largest bias; `None` if no change has enough pairs.
fn finding(reports: &[(&str, &OpBiasReport)]) -> Option<String> {
    let all = reports.iter().flat_map(|(name, report)| {
        changes(report).into_iter().map(move |at| (*name, &report.changes[at]))
    });
    let (name, change) = all.max_by(|a, b| a.1.bias.abs().total_cmp(&b.1.bias.abs()))?;
    Some(format!(
        "The largest bias is that of {name} for {} to {}: its score rises in {} of {} pairs, the \
         truth in {}.",
        change.from,
        change.to,
        percent(change.score_increase),
        change.pairs,
        percent(change.truth_increase)
    ))
}

//! Which operations does an estimator over- or underestimate?

use super::{absent, looked_at, percent, ranks, refused, signed};
use crate::{
    analysis::{Material, material::grouped},
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

/// Pairs of architectures that differ in one decision: how often does the
/// truth rise, and how often the score?
pub fn section(material: &Material) -> Result<Section, Absent> {
    let Some(structure) = &material.structure else {
        let reason = "what differs between architectures is not known without their search space";
        return Err(absent(HEADING, reason, "--space SPACE"));
    };
    let found =
        pairs_in_set(&material.architectures, &structure.mutations).map_err(refused(HEADING))?;
    if found.pairs.len() < FEWEST {
        let reason = format!(
            "only {} pairs of the run's architectures differ in a single decision",
            found.pairs.len()
        );
        let add = "[architectures]\n# more of them, or all: leave `count` out";
        return Err(absent(HEADING, &reason, add));
    }
    let rows = looked_at(material);
    let bias = |pairs: &[MutationPair<'_>]| {
        rows.iter().map(|row| op_bias(pairs, &row.values, &material.truth)).collect()
    };
    let all: Result<Vec<OpBiasReport>, AnalysisError> = bias(&found.pairs);
    let all = all.map_err(refused(HEADING))?;
    let names: Vec<&str> = rows.iter().map(|row| row.name.as_str()).collect();
    let ranked = rows.iter().zip(&all).filter(|(row, _)| ranks(material, row));
    let ranked: Vec<_> = ranked.map(|(row, report)| (row.name.as_str(), report)).collect();
    let mut section = Section::new("operations", HEADING)
        .finding(&finding(&ranked))
        .rests_on(&format!(
            "{}; {} ordered pairs found among them that differ in one decision",
            material.rests_on(),
            grouped(found.pairs.len())
        ))
        .figure(figure(
            "all",
            "Share of pairs whose score rises, less the share whose truth does",
            &names,
            &all,
        ));
    if let Ok(groups) = equal_groups(&structure.params, GROUPS) {
        let inside = within_group(&found.pairs, &groups.group, GROUPS - 1);
        if inside.len() >= FEWEST {
            let title = "The same among the largest fifth by parameters";
            let largest: Result<Vec<_>, _> = bias(&inside);
            let largest = largest.map_err(refused(HEADING))?;
            section = section.figure(figure("largest", title, &names, &largest));
        }
    }
    Ok(section.table(table(&names, &all)))
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

fn finding(reports: &[(&str, &OpBiasReport)]) -> String {
    let all = reports.iter().flat_map(|(name, report)| {
        changes(report).into_iter().map(move |at| (*name, &report.changes[at]))
    });
    let most = all.max_by(|a, b| a.1.bias.abs().total_cmp(&b.1.bias.abs()));
    most.map_or_else(
        || format!("No change of operation occurs in {FEWEST} pairs."),
        |(name, change)| {
            format!(
                "The largest bias is that of {name} for {} to {}: its score rises in {} of {} pairs, \
                 the truth in {}.",
                change.from,
                change.to,
                percent(change.score_increase),
                change.pairs,
                percent(change.truth_increase)
            )
        },
    )
}

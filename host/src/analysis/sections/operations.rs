//! Section: which operations does an estimator over- or underestimate?

use super::{absent, percent, ranked_by, ranks, refused, section_of, shown_of, shown_rows, signed};
use crate::analysis::{JudgedRow, Material, Structure};
use osee_core::{
    analysis::{
        AnalysisError, MutationPair, OpBiasReport, OpChange, equal_groups, op_bias, pairs_in_set,
        within_group,
    },
    criteria::Compat,
};
use osee_report::{
    figure::{Figure, HeatMap, Value},
    html::{Absent, Cell, Column, Section, Table},
    number::thousands,
};
use std::collections::BTreeMap;

const HEADING: &str = "Bias by operation";
const GROUPS: usize = 5;
/// Fewer pairs of a change are not reported.
const FEWEST: usize = 10;
/// Most changes that fit a figure.
const CHANGES: usize = 24;
/// Most biased changes of a row in the table.
const TABLED: usize = 6;

/// The set in which pairs are found: the judged architectures, with their neighbours
/// if the run has some.
struct Around<'a> {
    architectures: &'a [String],
    truth: &'a [f64],
    structure: &'a Structure,
    rows: Vec<(&'a JudgedRow, &'a [f64])>,
}

impl<'a> Around<'a> {
    fn of(material: &'a Material) -> Option<Self> {
        let rows = material.final_rows();
        Some(match &material.neighbourhood {
            None => Self {
                architectures: &material.architectures,
                truth: &material.truth,
                structure: material.structure.as_ref()?,
                rows: rows.map(|row| (row, row.values.as_slice())).collect(),
            },
            Some(all) => Self {
                architectures: &all.architectures,
                truth: &all.truth,
                structure: all.structure.as_ref()?,
                // A vote over the drawn architectures has no values for neighbours.
                rows: rows
                    .filter_map(|row| Some((row, all.values.get(&row.name)?.as_slice())))
                    .collect(),
            },
        })
    }
}

impl Around<'_> {
    /// Bias of every row over those of the `pairs` for which it has both scores.
    fn bias(&self, pairs: &[MutationPair<'_>]) -> Result<Vec<OpBiasReport>, AnalysisError> {
        let of = |(row, values): &(&JudgedRow, &[f64])| {
            let there = |at: usize| row.column().has(at);
            match row.missing.is_empty() {
                true => op_bias(pairs, values, self.truth),
                false => {
                    let both = pairs.iter().filter(|pair| there(pair.from) && there(pair.to));
                    op_bias(&both.copied().collect::<Vec<_>>(), values, self.truth)
                }
            }
        };
        self.rows.iter().map(of).collect()
    }
}

/// Compares pairs of architectures that differ in one decision: how often does the
/// truth rise, and how often the score?
pub fn section(material: &Material) -> Result<Section, Absent> {
    ranked_by(material, HEADING)?;
    let Some(around) = Around::of(material) else {
        let (reason, add) =
            material.without_space("what differs between architectures is not known");
        return Err(absent(HEADING, &reason, add));
    };
    let mutations = &around.structure.mutations;
    let found = pairs_in_set(around.architectures, mutations).map_err(refused(HEADING))?;
    let few = |reason: &str| absent(HEADING, reason, add(material));
    if found.pairs.len() < FEWEST {
        return Err(few(&format!(
            "only {} pairs of architectures with a truth differ in a single decision",
            found.pairs.len()
        )));
    }
    let all = around.bias(&found.pairs).map_err(refused(HEADING))?;
    let Some(finding) = finding(&named(material, &around, &all)) else {
        let changes = all.iter().flat_map(|it| &it.changes);
        let most = changes.max_by_key(|it| (it.pairs, std::cmp::Reverse((&it.from, &it.to))));
        let most = most.map_or_else(String::new, |it| {
            format!("; {} to {} occurs in {}", it.from, it.to, it.pairs)
        });
        return Err(few(&format!("no change of a decision occurs in {FEWEST} pairs{most}")));
    };
    let mut rests_on = format!(
        "{}; {} ordered pairs found among them{} that differ in one decision; a tie counts as half a rise",
        material.rests_on(),
        thousands(found.pairs.len()),
        material.neighbourhood.as_ref().map_or_else(String::new, |all| {
            format!(" and {} neighbours", thousands(all.neighbours))
        })
    );
    let shown: Vec<&str> = shown_rows(material).iter().map(|row| row.name.as_str()).collect();
    let drawn = |reports: Vec<OpBiasReport>| {
        let named = around.rows.iter().map(|(row, _)| row.name.as_str()).zip(reports);
        named.filter(|(name, _)| shown.contains(name)).unzip()
    };
    let (names, all): (Vec<&str>, Vec<OpBiasReport>) = drawn(all);
    rests_on += &shown_of(names.len(), around.rows.len(), "figures and table are");
    let mut section = section_of(HEADING).finding(&finding).figure(figure(
        "all",
        "Share of pairs whose score rises, less the share whose truth does",
        &names,
        &all,
    ));
    if let Some(inside) = among_the_largest(&around, &found.pairs) {
        let (_, largest) = drawn(around.bias(&inside).map_err(refused(HEADING))?);
        match changes(&largest).is_empty() {
            false => {
                let title = "The same among the largest fifth by parameters";
                section = section.figure(figure("largest", title, &names, &largest));
            }
            true => {
                rests_on += &format!("; no change occurs in {FEWEST} pairs of the largest fifth");
            }
        }
    }
    Ok(section.rests_on(&rests_on).table(table(&names, &all)))
}

/// Pairs among the fifth of architectures with most parameters; `None` if the sizes
/// make only one group.
fn among_the_largest<'a>(
    around: &Around<'_>,
    pairs: &[MutationPair<'a>],
) -> Option<Vec<MutationPair<'a>>> {
    let params = &around.structure.params;
    // The others make no network.
    let known: Vec<usize> = (0..params.len()).filter(|&at| params[at].is_finite()).collect();
    let sizes: Vec<f64> = known.iter().map(|&at| params[at]).collect();
    let groups = equal_groups(&sizes, GROUPS, Compat::Osee).ok()?;
    let last = groups.bounds.len().checked_sub(1).filter(|last| *last > 0)?;
    let mut group = vec![usize::MAX; params.len()];
    known.iter().zip(groups.group).for_each(|(&at, of)| group[at] = of);
    Some(within_group(pairs, &group, last))
}

/// Reports of the rows that have a ranking, by name.
fn named<'a>(
    material: &Material,
    around: &Around<'a>,
    reports: &'a [OpBiasReport],
) -> Vec<(&'a str, &'a OpBiasReport)> {
    let all = around.rows.iter().zip(reports).filter(|((row, _), _)| ranks(material, row));
    all.map(|((row, _), report)| (row.name.as_str(), report)).collect()
}

/// Advice on how to get more pairs.
fn add(material: &Material) -> &'static str {
    match material.final_rows().any(|row| row.kind.is_some()) {
        true => "[architectures]\nneighbours = 20  # of so many architectures, all mutations",
        false => "# a table with more architectures that differ in a single decision",
    }
}

fn change_of<'a>(report: &'a OpBiasReport, [from, to]: [&str; 2]) -> Option<&'a OpChange> {
    report.changes.iter().find(|it| it.from == from && it.to == to && it.pairs >= FEWEST)
}

/// The most frequent changes with enough pairs in some row, sorted by name.
fn changes(reports: &[OpBiasReport]) -> Vec<[&str; 2]> {
    let mut pairs: BTreeMap<[&str; 2], usize> = BTreeMap::new();
    for change in reports.iter().flat_map(|it| &it.changes).filter(|it| it.pairs >= FEWEST) {
        let most = pairs.entry([&change.from, &change.to]).or_default();
        *most = change.pairs.max(*most);
    }
    let mut kept: Vec<([&str; 2], usize)> = pairs.into_iter().collect();
    kept.sort_by_key(|(_, pairs)| std::cmp::Reverse(*pairs));
    kept.truncate(CHANGES);
    let mut kept: Vec<[&str; 2]> = kept.into_iter().map(|(change, _)| change).collect();
    kept.sort_unstable();
    kept
}

fn figure(name: &str, title: &str, names: &[&str], reports: &[OpBiasReport]) -> Figure {
    let kept = changes(reports);
    let labels: Vec<String> = kept.iter().map(|[from, to]| format!("{from} to {to}")).collect();
    let labels: Vec<&str> = labels.iter().map(String::as_str).collect();
    let few = "too few pairs have scores of both";
    let cell = |report: &OpBiasReport, change: &[&str; 2]| {
        Value::known_or(change_of(report, *change).map(|it| it.bias), few)
    };
    let cells = kept.iter().map(|change| reports.iter().map(|it| cell(it, change)).collect());
    Figure::new(name, title, HeatMap::correlations(&labels, names, cells.collect()))
        .note("Positive: the estimator likes this change more than it deserves.")
}

fn table(names: &[&str], reports: &[OpBiasReport]) -> Table {
    let mut table = Table::new(vec![
        Column::text("Estimator", ""),
        Column::text("From", "the operation, or another decision's value"),
        Column::text("To", ""),
        Column::number("Pairs", "ordered pairs of architectures with this change"),
        Column::number("Truth rises", "share of the pairs; a tie counts as half a rise"),
        Column::number("Score rises", "share of the pairs; a tie counts as half a rise"),
        Column::number("Bias", "the second share less the first"),
        Column::number("Ties", "pairs with equal truth, and with equal scores"),
    ]);
    let kept = changes(reports);
    for (name, report) in names.iter().zip(reports) {
        let mut biased: Vec<&OpChange> =
            kept.iter().filter_map(|change| change_of(report, *change)).collect();
        biased.sort_by(|a, b| b.bias.abs().total_cmp(&a.bias.abs()));
        for change in biased.into_iter().take(TABLED) {
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

/// Sentence on the largest bias; `None` if no change has enough pairs.
fn finding(reports: &[(&str, &OpBiasReport)]) -> Option<String> {
    let enough = |(name, report): &(&'_ str, &'_ OpBiasReport)| {
        let changes = report.changes.iter().filter(|it| it.pairs >= FEWEST);
        changes.map(|change| ((*name).to_owned(), change.clone())).collect::<Vec<_>>()
    };
    let all = reports.iter().flat_map(enough);
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

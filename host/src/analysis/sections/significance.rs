//! Section: how certain is the order of the leaderboard?

use super::{
    CONSTANT, absent, listed, p_value, refused, section_of, shown_of, shown_rows, signed, three,
    value,
};
use crate::{analysis::Material, leaderboard::LEVEL};
use osee_core::analysis::{
    Column as Scores, Comparison, EXCHANGED_UP_TO, SignificanceReport, significance,
};
use osee_report::{
    figure::{Axis, Estimate, Figure, Intervals},
    html::{Absent, Cell, Column, Section, Table},
    number::p_size,
};

const HEADING: &str = "How sure is the order?";
const CONFIDENCE: f64 = 0.95;
/// Most names that are written out.
const NAMED: usize = 4;

/// KD with intervals, and comparisons of all pairs of rows.
pub fn section(material: &Material) -> Result<Section, Absent> {
    let rows: Vec<_> = material.final_rows().collect();
    if rows.len() < 2 {
        return Err(absent(
            HEADING,
            "there is only one estimator",
            "[[estimators]]\nid = \"params\"",
        ));
    }
    let columns: Vec<Scores<'_>> = rows.iter().map(|row| row.column()).collect();
    let found = significance(&columns, &material.truth, CONFIDENCE).map_err(refused(HEADING))?;
    let Some(first) = found.estimators.iter().position(|it| it.kd.is_some()) else {
        return Err(absent(HEADING, CONSTANT, ""));
    };
    let mut figure = Intervals::new(Axis::new("KD"));
    for (row, of) in rows.iter().zip(material.uncertain()) {
        let estimate = Estimate::within(value(of.kd), of.interval.ok());
        figure = figure.row(&row.name, estimate, row.user_plugin);
    }
    Ok(section_of(HEADING)
        .finding(&finding(&found, first))
        .rests_on(&format!(
            "{}, scores averaged over seeds; intervals of KD by 1,000 bootstrap resamples, from 9 \
             architectures on; {}{}",
            material.rests_on(),
            method(&found),
            shown_of(shown_rows(material).len(), rows.len(), "the table has the pairs")
        ))
        .figure(Figure::new("kd", "KD with its 95% interval over architectures", figure))
        .table(table(material, &found)))
}

fn method(found: &SignificanceReport) -> String {
    let exact =
        "differences have no interval, p is exact by all exchanges of two estimators' ranks";
    let jackknife = "intervals of differences and p by the jackknife of tau-b with ties, on the scale of \
                     Fisher's transformation";
    match found.comparisons.iter().filter(|pair| pair.is_exact()).count() {
        0 => jackknife.to_owned(),
        all if all == found.comparisons.len() => exact.to_owned(),
        _ => format!("{jackknife}; for pairs of up to {EXCHANGED_UP_TO} architectures {exact}"),
    }
}

/// Number of common architectures: "24", or "from 9 to 24" where pairs differ.
fn common(found: &SignificanceReport) -> String {
    match found.common() {
        Some([fewest, most]) if fewest < most => format!("from {fewest} to {most}"),
        Some([_, most]) => most.to_string(),
        None => found.architectures.to_string(),
    }
}

/// Names the first row and those that may be as good; counts the pairs told apart.
fn finding(found: &SignificanceReport, first: usize) -> String {
    let apart = |pair: &Comparison| pair.holm_p_value.is_some_and(|p| p < LEVEL);
    let name = |at: usize| found.estimators[at].name.as_str();
    let rivals: Vec<&Comparison> =
        found.comparisons.iter().filter(|it| it.first == first && it.p_value.is_some()).collect();
    let equals: Vec<&str> =
        rivals.iter().filter(|pair| !apart(pair)).map(|pair| name(pair.second)).collect();
    let equals = match equals.as_slice() {
        [] if rivals.is_empty() => "no other estimator can be compared with it".to_owned(),
        [] => "no other estimator keeps up with it".to_owned(),
        few if few.len() <= NAMED => format!("it cannot be told apart from {}", listed(few)),
        many => format!("it cannot be told apart from {} others", many.len()),
    };
    let compared = found.compared();
    let told_apart = found.comparisons.iter().filter(|pair| apart(pair)).count();
    let mut text = format!(
        "{} is first with a KD of {}; {equals}. Of {compared} pairs of estimators, {told_apart} can \
         be told apart at 5%.",
        name(first),
        found.estimators[first].kd.map_or_else(String::new, three),
    );
    match found.comparisons.len() - compared {
        0 => {}
        1 => text += " One more pair is not compared, because one of the two has no ranking.",
        left => {
            text += &format!(
                " {left} more pairs are not compared, because one of the two has no ranking."
            );
        }
    }
    let exact = found.comparisons.iter().any(Comparison::is_exact);
    if compared > 0 && (exact || found.smallest_holm_p() >= LEVEL) {
        let smallest = [found.smallest_p(), found.smallest_holm_p()].map(p_size);
        text += &format!(
            " The smallest p that {} architectures allow is {}, and {} corrected for all pairs{}.",
            common(found),
            smallest[0],
            smallest[1],
            match found.smallest_holm_p() < LEVEL {
                true => "",
                false => ": they are too few to tell any two estimators apart",
            }
        );
    }
    text
}

fn table(material: &Material, found: &SignificanceReport) -> Table {
    let names: Vec<&str> = shown_rows(material).iter().map(|row| row.name.as_str()).collect();
    let gaps = found.comparisons.iter().any(|pair| pair.architectures < found.architectures);
    let mut heads = vec![
        Column::text("First", ""),
        Column::text("Second", ""),
        Column::number("Difference", "KD of the first less that of the second"),
        Column::text("95% interval", "of the difference, for this pair alone"),
        Column::number("p", "two-sided, for this pair alone"),
        Column::number("p, corrected", "for looking at all pairs of all estimators (Holm 1979)"),
    ];
    if gaps {
        heads.push(Column::number("Common", "architectures that the table has scores of by both"));
    }
    let mut table = Table::new(heads);
    for pair in &found.comparisons {
        let [first, second] =
            [pair.first, pair.second].map(|at| found.estimators[at].name.as_str());
        if !names.contains(&first) || !names.contains(&second) {
            continue;
        }
        let mut cells = vec![
            Cell::text(first),
            Cell::text(second),
            match pair.difference {
                Some(it) => Cell::number(&signed(it), it),
                None => Cell::undefined("one of them has no ranking"),
            },
            interval(pair),
            p_value(pair.p_value),
            p_value(pair.holm_p_value),
        ];
        if gaps {
            cells.push(super::count(pair.architectures));
        }
        table = table.row(cells);
    }
    table
}

fn interval(pair: &Comparison) -> Cell {
    let why = pair.ci_missing.map(|why| why.to_string()).unwrap_or_default();
    match pair.ci {
        Some([a, b]) => Cell::text(&format!("{} .. {}", signed(a), signed(b))),
        None if pair.difference.is_some() => Cell::text("none").hint(&why),
        None => Cell::undefined(&why),
    }
}

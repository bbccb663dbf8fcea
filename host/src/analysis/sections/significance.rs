//! How sure is the order of the leaderboard?

use super::{absent, looked_at, p_value, refused, section_of, signed, three, value};
use crate::{
    analysis::Material,
    report::{
        figure::{Axis, Estimate, Figure, Intervals},
        html::{Absent, Cell, Column, Section, Table},
    },
};
use osee_core::analysis::significance;

const HEADING: &str = "How sure is the order?";
const CONFIDENCE: f64 = 0.95;

/// KD with intervals, and every pair that is looked at compared.
pub fn section(material: &Material) -> Result<Section, Absent> {
    let rows: Vec<_> = material.rows().collect();
    if rows.len() < 2 {
        return Err(absent(
            HEADING,
            "there is only one estimator",
            "[[estimators]]\nid = \"params\"",
        ));
    }
    let columns: Vec<(&str, &[f64])> =
        rows.iter().map(|row| (row.name.as_str(), row.values.as_slice())).collect();
    let found = significance(&columns, &material.truth, CONFIDENCE).map_err(refused(HEADING))?;
    let mut figure = Intervals::new(Axis::new("KD"));
    for (row, tau) in rows.iter().zip(&found.estimators) {
        figure = figure.row(&row.name, Estimate::within(value(tau.kd), tau.ci), row.own);
    }
    let best = |p: Option<f64>| p.is_some_and(|p| p < 1.0 - CONFIDENCE);
    let told_apart = found.comparisons.iter().filter(|pair| best(pair.holm_p_value)).count();
    let names: Vec<&str> = looked_at(material).iter().map(|row| row.name.as_str()).collect();
    let mut table = Table::new(vec![
        Column::text("First", ""),
        Column::text("Second", ""),
        Column::number("Difference", "KD of the first less that of the second"),
        Column::text("95% interval", "of the difference, for this pair alone"),
        Column::number("p", "two-sided, for this pair alone"),
        Column::number("p, corrected", "for looking at all pairs of all estimators (Holm 1979)"),
    ]);
    for pair in &found.comparisons {
        let (first, second) = (columns[pair.first].0, columns[pair.second].0);
        if !names.contains(&first) || !names.contains(&second) {
            continue;
        }
        let difference = pair.difference.map(|it| Cell::number(&signed(it), it));
        let interval = pair.ci.map(|[a, b]| Cell::text(&format!("{} .. {}", signed(a), signed(b))));
        let undefined = || Cell::undefined("one of them has no ranking");
        table = table.row(vec![
            Cell::text(first),
            Cell::text(second),
            difference.unwrap_or_else(undefined),
            interval.unwrap_or_else(undefined),
            p_value(pair.p_value),
            p_value(pair.holm_p_value),
        ]);
    }
    let first = &found.estimators[0];
    let equals: Vec<&str> = found
        .comparisons
        .iter()
        .filter(|pair| pair.first == 0 && !best(pair.holm_p_value))
        .map(|pair| columns[pair.second].0)
        .collect();
    let equals = match equals.as_slice() {
        [] => "no other estimator keeps up with it".to_owned(),
        few if few.len() <= 4 => format!("it cannot be told from {}", super::listed(few)),
        many => format!("it cannot be told from {} others", many.len()),
    };
    let finding = format!(
        "{} is first with a KD of {}; {equals}. Of {} pairs of estimators, {told_apart} can be told \
         apart at 5%.",
        first.name,
        first.kd.map_or_else(|| "no value".to_owned(), three),
        found.comparisons.len(),
    );
    Ok(section_of(HEADING)
        .finding(&finding)
        .rests_on(&format!(
            "{}; intervals and p-values from the asymptotic theory of tau-b with ties, scores \
             averaged over seeds",
            material.rests_on()
        ))
        .figure(Figure::new("kd", "KD with its 95% interval over architectures", figure))
        .table(table))
}

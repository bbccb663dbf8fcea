//! Section: one estimator in several rows, such as samplers, pruning or trained weights.

use super::{absent, cell, listed, p_value, ranks, section_of, signed};
use crate::analysis::{JudgedRow, Material};
use osee_core::{
    analysis::{Comparison, significance},
    criteria::kendall_tau_b,
};
use osee_report::{
    figure::{Axis, Estimate, Figure, Intervals},
    html::{Absent, Cell, Column, Section, Table},
};
use std::collections::BTreeMap;

const HEADING: &str = "Variants of one estimator";
const ADD: &str =
    "[[estimators]]\nid = \"one_shot\"\nname = \"fair\"\nsettings = { sampler = \"fair\" }";

/// Compares rows of one estimator with the best of them, on the architectures that
/// both have scored: a pruned sub-space is compared on its own architectures.
pub fn section(material: &Material) -> Result<Section, Absent> {
    let mut by_id: BTreeMap<&str, Vec<&JudgedRow>> = BTreeMap::new();
    for row in material.final_rows().filter(|row| row.kind.is_some()) {
        by_id.entry(&row.estimator).or_default().push(row);
    }
    by_id.retain(|_, rows| rows.len() > 1);
    if by_id.is_empty() {
        let reason = "every estimator has one row";
        return Err(absent(HEADING, reason, ADD));
    }
    let mut section = section_of(HEADING).rests_on(&material.rests_on());
    let mut table = Table::new(vec![
        Column::text("Estimator", ""),
        Column::text("Row", ""),
        Column::text("Settings", ""),
        Column::number("KD", "on the architectures that it scored"),
        Column::number("Common", "architectures that it and the first row of its estimator scored"),
        Column::number("Difference", "its KD less that of the first row, on the common ones"),
        Column::number("p", "two-sided, for this pair alone"),
    ]);
    let mut told = Vec::new();
    for (id, rows) in &by_id {
        let mut figure = Intervals::new(Axis::new("KD less that of the first row"));
        for row in rows {
            let (common, found) = compared(material, row, rows[0]);
            let difference = found.as_ref().and_then(|it| it.difference);
            let reason = "one of them has no ranking";
            let undefined = || Cell::undefined(reason);
            let first = std::ptr::eq(*row, rows[0]);
            if !first {
                let ci = found.as_ref().and_then(|it| it.ci);
                let value = osee_report::figure::Value::known_or(difference, reason);
                figure = figure.row(&row.name, Estimate::within(value, ci), row.user_plugin);
            }
            table = table.row(vec![
                Cell::text(id),
                Cell::text(&row.name),
                Cell::text(&row.settings),
                cell(own_kd(material, row)),
                super::count(common),
                match difference.filter(|_| !first) {
                    Some(it) => Cell::number(&signed(it), it),
                    None if first => Cell::text("first"),
                    None => undefined(),
                },
                found.filter(|_| !first).map_or_else(|| Cell::text(""), |it| p_value(it.p_value)),
            ]);
        }
        // Rows without a ranking come last, and are not compared.
        let ranked = rows.iter().rev().find(|row| ranks(material, row));
        told.push(match ranked {
            Some(last) if !std::ptr::eq(*last, rows[0]) => {
                format!("of {id}, {} ranks best and {} worst", rows[0].name, last.name)
            }
            Some(only) => format!("of {id}, only {} has a ranking", only.name),
            None => format!("of {id}, no row has a ranking"),
        });
        let title = format!("{id}: KD of its rows against that of {}", rows[0].name);
        section = section.figure(Figure::new(id, &title, figure));
    }
    let mut finding = listed(&told);
    finding.replace_range(..1, &finding[..1].to_uppercase());
    Ok(section.finding(&(finding + ".")).table(table))
}

fn own_kd(material: &Material, row: &JudgedRow) -> Option<f64> {
    let scored = (0..row.values.len()).filter(|&at| row.values[at].is_finite());
    let (scores, truths): (Vec<f64>, Vec<f64>) =
        scored.map(|at| (row.values[at], material.truth[at])).unzip();
    kendall_tau_b(&scores, &truths)
}

/// Number of architectures that both have scored, and the comparison on them.
fn compared(
    material: &Material,
    row: &JudgedRow,
    first: &JudgedRow,
) -> (usize, Option<Comparison>) {
    let both = |at: &usize| row.values[*at].is_finite() && first.values[*at].is_finite();
    let common: Vec<usize> = (0..material.truth.len()).filter(both).collect();
    let pick = |values: &[f64]| common.iter().map(|&at| values[at]).collect::<Vec<f64>>();
    let (own, theirs) = (pick(&row.values), pick(&first.values));
    let columns: [(&str, &[f64]); 2] = [("row", &own), ("first", &theirs)];
    let found = significance(&columns, &pick(&material.truth), 0.95);
    (common.len(), found.ok().and_then(|mut it| it.comparisons.pop()))
}

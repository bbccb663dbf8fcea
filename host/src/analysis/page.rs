//! Builds a report's page: the leaderboard, every architecture and every analysis.

use super::{Material, analyse, sections};
use crate::leaderboard::{
    columns::{CRITERIA, Column, FAILED, KIND, Line, MEASURED, MILLISECONDS, NAME, RANK},
    few,
};
use osee_core::criteria::CriteriaReport;
use osee_report::{
    figure::Drawing,
    html::{Explorer, Page, Scores, Table},
    number::thousands,
};
use std::collections::HashMap;

/// The report's page for `material`.
pub fn page(material: &Material) -> Page {
    let (sections, absent) = analyse(material, &[]);
    let first = material.final_rows().zip(material.uncertain()).find(|(_, it)| it.kd.is_some());
    let best = first.map_or_else(
        || "None of them has a ranking.".to_owned(),
        |(row, _)| format!("{} ranks best.", row.name),
    );
    let mut basis = material.basis.clone();
    if material.without_truth > 0 {
        basis.push(("Without truth".to_owned(), material.without_truth.to_string()));
    }
    basis.extend(material.notes.iter().map(|note| ("Note".to_owned(), note.clone())));
    let mut lead = format!(
        "How well {} estimators rank {} architectures, and where they err. {best}",
        material.final_rows().count(),
        thousands(material.architectures.len())
    );
    if let Some(few) = few(material.architectures.len()) {
        lead += &format!(" {few}.");
    }
    if let Some(progress) = &material.progress {
        lead += &format!(" The run is not finished: {progress}, and only these are judged.");
    }
    Page {
        title: material.name.clone(),
        lead,
        basis,
        leaderboard: Some(leaderboard(material)),
        explorer: Some(explorer(material)),
        sections,
        absent,
    }
}

fn leaderboard(material: &Material) -> Table {
    let gaps = material.final_rows().any(|row| !row.missing.is_empty());
    let timed = material.final_rows().any(|row| row.milliseconds.is_some());
    let columns: Vec<Column> = [RANK, NAME.called("Estimator"), KIND]
        .into_iter()
        .chain(CRITERIA)
        .chain([FAILED.called("Failed")])
        .chain(gaps.then_some(MEASURED.called("Measured")))
        .chain(timed.then_some(MILLISECONDS.called("ms")))
        .collect();
    let cells = |line: Line<'_>| columns.iter().map(|it| it.of(&line).cell).collect();
    let mut table = Table::new(columns.iter().map(Column::heading).collect());
    let of = material.architectures.len();
    for (at, (row, uncertain)) in material.final_rows().zip(material.uncertain()).enumerate() {
        let (scores, _) = row.judged(&material.truth);
        let criteria = material.criteria(row).map(|criteria| CriteriaReport {
            kd_ci: uncertain.interval.ok(),
            kd_ci_missing: uncertain.interval.err(),
            ..criteria
        });
        let cells = cells(Line {
            rank: Some(at + 1),
            name: &row.name,
            settings: &row.settings,
            kind: row.kind,
            criteria: criteria.as_ref(),
            failed: Some(scores.iter().filter(|it| it.is_nan()).count()),
            scored: row.measured(),
            of,
            milliseconds: row.milliseconds,
            ..Line::default()
        });
        table = match row.user_plugin {
            true => table.marked_row(cells, sections::USER_PLUGINS),
            false => table.row(cells),
        };
    }
    material.not_run.iter().fold(table, |table, row| {
        table.row(cells(Line {
            name: &row.key.name,
            kind: Some(row.key.estimator.kind),
            scored: row.scored,
            of,
            not_run: Some(&row.reason),
            ..Line::default()
        }))
    })
}

fn explorer(material: &Material) -> Explorer {
    let scores = material.final_rows().map(|row| Scores {
        name: row.name.clone(),
        // With the sign that the estimator gives them.
        values: match row.lower_is_better {
            true => row.values.iter().map(|it| -it).collect(),
            false => row.values.clone(),
        },
        lower_is_better: row.lower_is_better,
    });
    let mut known: HashMap<&[osee_model::graph::Sketch], Drawing> = HashMap::new();
    let drawings = material.structure.iter().flat_map(|it| &it.sketches).map(|sketches| {
        known.entry(sketches).or_insert_with(|| sections::architectures::drawing(sketches)).clone()
    });
    let drawings: Vec<Drawing> = drawings.collect();
    Explorer {
        truth_label: material.truth_name.clone(),
        architectures: material.architectures.clone(),
        truth: material.truth.clone(),
        scores: scores.collect(),
        drawings,
    }
}

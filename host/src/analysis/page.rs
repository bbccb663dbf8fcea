//! A report's page: the leaderboard, every architecture, every analysis.

use super::{Material, analyse, material::Uncertain, sections};
use crate::leaderboard::few;
use osee_core::criteria::{Bootstrap, CriteriaOptions, TieAware, evaluate};
use osee_report::{
    figure::Drawing,
    html::{Cell, Column, Explorer, Page, Scores, Table},
    number::p_equals,
};
use std::collections::{BTreeMap, HashMap};

/// The report of `material`.
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
        super::material::grouped(material.architectures.len())
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
    let options = CriteriaOptions {
        bootstrap: Bootstrap { resamples: 0, ..Bootstrap::default() },
        ..CriteriaOptions::default()
    };
    let mut columns = vec![
        Column::number("#", ""),
        Column::text("Estimator", ""),
        Column::text("Kind", "what it looks at"),
        Column::number("KD", "Kendall's tau-b between scores and truth"),
        Column::text(
            "95% interval",
            "of KD, over the choice of architectures (1,000 bootstrap resamples); p is that of KD \
             against 0",
        ),
        Column::number("Spearman", "rank correlation"),
        Column::number("P@top5%", "share of the predicted best 5% that truly are"),
        Column::number("P@bot5%", "share of the predicted worst 5% that truly are"),
        Column::number(
            "BR@1%",
            "best true rank in the predicted best 1%, as a share; lower is better",
        ),
        Column::number("WR@5%", "worst true rank in the predicted best 5%; lower is better"),
        Column::number("Failed", "architectures without a score; they rank last"),
    ];
    let gaps = material.final_rows().any(|row| !row.missing.is_empty());
    if gaps {
        columns.push(Column::number("Measured", "architectures that the table has a score of"));
    }
    let timed = material.final_rows().any(|row| row.milliseconds.is_some());
    if timed {
        columns.push(Column::number("ms", "per architecture, all seeds, by itself, on one core"));
    }
    let mut table = Table::new(columns);
    for (at, (row, uncertain)) in material.final_rows().zip(material.uncertain()).enumerate() {
        let (scores, truth) = row.judged(&material.truth);
        let criteria = evaluate(&scores, &truth, &options).ok();
        let of = |pick: fn(&osee_core::criteria::CriteriaReport) -> Option<f64>| {
            sections::cell(criteria.as_ref().and_then(pick))
        };
        let tied =
            |pick: fn(&osee_core::criteria::CriteriaReport) -> &BTreeMap<String, TieAware>,
             k: &str| {
                match criteria.as_ref().and_then(|it| pick(it).get(k)) {
                    Some(it) => sections::tied(it),
                    None => Cell::undefined("K of the architectures is less than one"),
                }
            };
        let failed = scores.iter().filter(|it| it.is_nan()).count();
        let mut cells = vec![
            Cell::number(&(at + 1).to_string(), (at + 1) as f64),
            Cell::text(&row.name).hint(&row.settings),
            Cell::text(&row.kind.map_or_else(|| "table".to_owned(), |kind| kind.to_string())),
            of(|it| it.kd),
            interval(uncertain),
            of(|it| it.spearman),
            tied(|it| &it.p_top, "0.05"),
            tied(|it| &it.p_bottom, "0.05"),
            tied(|it| &it.br, "0.01"),
            tied(|it| &it.wr, "0.05"),
            Cell::number(&failed.to_string(), failed as f64),
        ];
        if gaps {
            cells.push(Cell::number(
                &super::material::grouped(row.measured()),
                row.measured() as f64,
            ));
        }
        if timed {
            cells.push(match row.milliseconds {
                Some(it) => Cell::number(&format!("{it:.1}"), it),
                None => Cell::undefined("it was not timed"),
            });
        }
        table = if row.user_plugin { table.own_row(cells) } else { table.row(cells) };
    }
    for row in &material.not_run {
        let why = format!("{} architectures are scored; {}", row.scored, row.reason);
        let mut cells = vec![Cell::undefined(&why); table.names().len()];
        cells[1] = Cell::text(&row.key.name).hint(&why);
        cells[2] = Cell::text(&row.key.estimator.kind.to_string());
        cells[10] = Cell::text("not run").hint(&why);
        table = table.row(cells);
    }
    table
}

/// The interval, or p of KD against 0 and why there is no interval.
fn interval(of: &Uncertain) -> Cell {
    match (of.interval, of.p) {
        (Ok([low, high]), _) => Cell::text(&format!("{low:.3} .. {high:.3}")),
        (Err(why), Some(p)) => Cell::text(&format!("none, {}", p_equals(p))).hint(&why.to_string()),
        (Err(why), None) => Cell::undefined(&why.to_string()),
    }
}

fn explorer(material: &Material) -> Explorer {
    let scores = material.final_rows().map(|row| Scores {
        name: row.name.clone(),
        // As the estimator gives them.
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

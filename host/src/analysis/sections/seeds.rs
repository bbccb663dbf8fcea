//! Section: how much does the seed matter?

use super::{CONSTANT, absent, cell, kd, refused, section_of, value};
use crate::analysis::{JudgedRow, Material};
use osee_core::{
    analysis::{AnalysisError, Column as Scores, agreement},
    criteria::kendall_tau_b,
};
use osee_report::{
    figure::{Axis, Estimate, Figure, Intervals},
    html::{Absent, Cell, Column, Section, Table},
};

const HEADING: &str = "How much does a seed matter?";

/// KD of single seeds beside that of their mean, and Kendall's tau-b between seeds.
pub fn section(material: &Material) -> Result<Section, Absent> {
    let several = |row: &&JudgedRow| row.seeds.len() > 1;
    let rows: Vec<&JudgedRow> = material.final_rows().filter(several).collect();
    if rows.is_empty() {
        return Err(absent(HEADING, "no estimator was run with several seeds", "seeds = [0, 1]"));
    }
    let truth = &material.truth;
    let mut figure = Intervals::new(Axis::new("KD"));
    let mut table = Table::new(vec![
        Column::text("Estimator", ""),
        Column::number("KD of the mean", "of the scores averaged over seeds"),
        Column::number("Worst seed", "KD of the seed with the smallest"),
        Column::number("Best seed", "KD of the seed with the largest"),
        Column::number("Between seeds", "mean KD between the scores of two seeds"),
    ]);
    let mut widest: Option<(f64, &str)> = None;
    for row in rows {
        let single = |at: usize| {
            let (scores, truth) = row.judged_by_seed(at, truth);
            kendall_tau_b(&scores, &truth)
        };
        let singles: Vec<f64> = (0..row.seeds.len()).filter_map(single).collect();
        let ends = singles.iter().fold(None, |ends: Option<[f64; 2]>, &kd| {
            Some(ends.map_or([kd, kd], |[a, b]| [a.min(kd), b.max(kd)]))
        });
        let mean = kd(material, row);
        figure = figure.row(&row.name, Estimate::within(value(mean), ends), row.user_plugin);
        if let Some(width) = ends.map(|[a, b]| b - a)
            && widest.is_none_or(|(known, _)| width > known)
        {
            widest = Some((width, &row.name));
        }
        table = table.row(vec![
            Cell::text(&row.name),
            cell(mean),
            cell(ends.map(|[a, _]| a)),
            cell(ends.map(|[_, b]| b)),
            cell(between(row).map_err(refused(HEADING))?),
        ]);
    }
    let finding = match widest {
        None => return Err(absent(HEADING, &format!("no seed has a KD: {CONSTANT}"), "")),
        Some((0.0, _)) => "No estimator's KD differs between its seeds.".to_owned(),
        Some((width, name)) => {
            format!("{name} depends on its seed most: its KD differs by {width:.3} between seeds.")
        }
    };
    Ok(section_of(HEADING)
        .finding(&finding)
        .rests_on(&material.rests_on())
        .figure(Figure::new(
            "kd",
            "KD of the mean over seeds; whiskers reach from the worst seed to the best",
            figure,
        ))
        .table(table))
}

/// Mean tau-b between two seeds, over the architectures that both have.
fn between(row: &JudgedRow) -> Result<Option<f64>, AnalysisError> {
    let columns: Vec<Scores<'_>> = (0..row.seeds.len()).map(|at| row.seed_column(at)).collect();
    let found = agreement(&columns)?.kd;
    let pairs = (0..columns.len()).flat_map(|a| (0..a).map(move |b| (a, b)));
    let taus: Vec<f64> = pairs.filter_map(|(a, b)| found[a][b]).collect();
    Ok((!taus.is_empty()).then(|| taus.iter().sum::<f64>() / taus.len() as f64))
}

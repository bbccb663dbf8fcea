//! Does an estimator favour small or large architectures?

use super::{absent, cell, looked_at, ranked_by, ranks, refused, section_of, signed, value};
use crate::{
    analysis::{Material, Scorer},
    report::{
        figure::{Axis, Bars, Estimate, Figure},
        html::{Absent, Cell, Column, Section, Table},
    },
};
use osee_core::analysis::{ComplexityReport, complexity_groups};

const HEADING: &str = "Bias by complexity";
/// The study's five groups.
const GROUPS: usize = 5;
/// Most checkpoints of a row that are drawn.
const CHECKPOINTS: usize = 4;

/// KD and mean ranking difference in groups of equal FLOPs.
pub fn section(material: &Material) -> Result<Section, Absent> {
    let Some(structure) = &material.structure else {
        let reason = "nothing is known of the architectures without their search space";
        return Err(absent(HEADING, reason, "--space SPACE"));
    };
    ranked_by(material, HEADING)?;
    if structure.flops.iter().all(|flops| *flops == structure.flops[0]) {
        let reason = "all architectures have the same FLOPs";
        return Err(absent(HEADING, reason, "[architectures]\n# some of different size"));
    }
    let report = |row: &Scorer| {
        complexity_groups(&row.values, &material.truth, &structure.flops, GROUPS)
            .map_err(refused(HEADING))
    };
    let rows = looked_at(material);
    let reports = rows.iter().map(|row| report(row)).collect::<Result<Vec<_>, _>>()?;
    let names: Vec<&str> = rows.iter().map(|row| row.name.as_str()).collect();
    let ranked = rows.iter().zip(&reports).filter(|(row, _)| ranks(material, row));
    let ranked: Vec<_> = ranked.map(|(row, report)| (row.name.as_str(), report)).collect();
    let mut section = section_of(HEADING)
        .finding(&finding(&ranked))
        .rests_on(&format!(
            "{}; five groups of equal count by FLOPs; ranking difference (true less estimated rank) \
             over all architectures",
            material.rests_on()
        ))
        .figure(figure("by-flops", "KD and mean ranking difference by FLOPs", &names, &reports));
    for (base, points) in material.checkpoints() {
        let step = points.len().div_ceil(CHECKPOINTS).max(1);
        let points: Vec<_> = points.iter().rev().step_by(step).rev().collect();
        let reports = points.iter().map(|(_, row)| report(row)).collect::<Result<Vec<_>, _>>()?;
        let names: Vec<String> = points.iter().map(|(epoch, _)| format!("epoch {epoch}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let title = format!("The same for {base} as its supernet trains");
        section = section.figure(figure(&format!("{base}-over-epochs"), &title, &names, &reports));
    }
    let mut table = Table::new(
        std::iter::once(Column::text("Estimator", ""))
            .chain((1..=GROUPS).map(|at| {
                let what = "mean ranking difference in the group, as a share of all architectures; \
                            positive where it is overestimated";
                Column::number(&format!("RD {at}"), what)
            }))
            .chain(
                (1..=GROUPS).map(|at| Column::number(&format!("KD {at}"), "KD inside the group")),
            )
            .collect(),
    );
    for row in material.rows() {
        let groups = report(row)?.groups;
        let rd = groups.iter().map(|it| Cell::number(&signed(it.mean_rd), it.mean_rd));
        let kd = groups.iter().map(|it| cell(it.kd));
        let cells = std::iter::once(Cell::text(&row.name)).chain(rd).chain(kd).collect();
        table = if row.own { table.own_row(cells) } else { table.row(cells) };
    }
    Ok(section.table(table))
}

fn figure(name: &str, title: &str, series: &[&str], reports: &[ComplexityReport]) -> Figure {
    let groups: Vec<String> = reports.first().map_or_else(Vec::new, |it| {
        it.groups
            .iter()
            .map(|group| {
                format!("{} to {}", short(group.complexity[0]), short(group.complexity[1]))
            })
            .collect()
    });
    let groups: Vec<&str> = groups.iter().map(String::as_str).collect();
    let bounds = reports
        .first()
        .map_or_else(Vec::new, |it| it.groups.iter().map(|group| group.complexity).collect());
    let panel = |of: &dyn Fn(&osee_core::analysis::ComplexityGroup) -> Estimate| {
        reports.iter().map(|it| it.groups.iter().map(of).collect()).collect::<Vec<Vec<_>>>()
    };
    let bars = Bars::new("FLOPs", &groups, series)
        .bounds(bounds)
        .panel(Axis::new("KD"), panel(&|it| value(it.kd).into()))
        .panel(Axis::new("mean ranking difference / M"), panel(&|it| it.mean_rd.into()));
    Figure::new(name, title, bars)
}

/// 15.6M.
fn short(flops: f64) -> String {
    match flops {
        it if it >= 1e9 => format!("{:.2}G", it / 1e9),
        it if it >= 1e6 => format!("{:.1}M", it / 1e6),
        it if it >= 1e3 => format!("{:.0}k", it / 1e3),
        it => format!("{it:.0}"),
    }
}

fn finding(reports: &[(&str, &ComplexityReport)]) -> String {
    let tilt = |it: &ComplexityReport| {
        let last = it.groups.last().map_or(0.0, |group| group.mean_rd);
        last - it.groups.first().map_or(0.0, |group| group.mean_rd)
    };
    let tilts = reports.iter().map(|(name, it)| (*name, tilt(it)));
    let most = tilts.max_by(|a, b| a.1.abs().total_cmp(&b.1.abs()));
    match most {
        Some((_, 0.0)) => {
            "None of these ranks the largest architectures otherwise than the smallest.".to_owned()
        }
        Some((name, tilt)) => format!(
            "Most biased of these is {name}: it {} the largest architectures by {:.1}% of all ranks \
             more than the smallest.",
            if tilt > 0.0 { "overestimates" } else { "underestimates" },
            100.0 * tilt.abs()
        ),
        None => String::new(),
    }
}

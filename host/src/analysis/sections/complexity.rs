//! Section: does an estimator favour small or large architectures?

use super::{
    absent, cell, listed, ranked_by, ranks, refused, section_of, shown_of, shown_rows, signed,
    value,
};
use crate::analysis::{JudgedRow, Material};
use osee_core::{
    analysis::{AnalysisError, ComplexityGroup, EqualGroups, complexity_groups, equal_groups},
    criteria::Compat,
};
use osee_report::{
    figure::{Axis, Bars, Estimate, Figure, Value},
    html::{Absent, Cell, Column, Section, Table},
};

const HEADING: &str = "Bias by complexity";
/// Number of groups in the paper; there are fewer where architectures are few, or
/// many have equal FLOPs.
const GROUPS: usize = 5;
/// Rank differences up to this are rounding errors of zero.
const ROUNDING: f64 = 1e-9;
const UNMEASURED: &str = "no architecture of the group was measured";
/// A KD over fewer architectures cannot be told from chance at 5%.
const FEWEST: usize = 5;
/// Most checkpoints of a row that are drawn.
const CHECKPOINTS: usize = 4;

/// Architectures with known FLOPs, in groups of about equal size by FLOPs.
struct Grouped<'a> {
    material: &'a Material,
    /// Positions of these architectures.
    known: Vec<usize>,
    groups: EqualGroups,
}

impl<'a> Grouped<'a> {
    fn of(material: &'a Material, flops: &[f64]) -> Result<Self, AnalysisError> {
        // The others make no network.
        let known: Vec<usize> = (0..flops.len()).filter(|&at| flops[at].is_finite()).collect();
        let flops: Vec<f64> = known.iter().map(|&at| flops[at]).collect();
        let groups = equal_groups(&flops, GROUPS.min(flops.len() / FEWEST).max(1), Compat::Osee)?;
        Ok(Self { material, known, groups })
    }

    /// Results of one row in all groups, over the architectures that it has scores of.
    fn report(&self, row: &JudgedRow) -> Result<Vec<ComplexityGroup>, Absent> {
        let pick = |values: &[f64]| self.known.iter().map(|&at| values[at]).collect::<Vec<f64>>();
        let gap = |at: &usize| !row.column().has(self.known[*at]);
        let missing: Vec<usize> = (0..self.known.len()).filter(gap).collect();
        let (scores, truth) = (pick(&row.values), pick(&self.material.truth));
        complexity_groups(&scores, &truth, &self.groups, &missing).map_err(refused(HEADING))
    }

    fn counts(&self) -> Vec<usize> {
        let mut counts = vec![0; self.groups.bounds.len()];
        self.groups.group.iter().for_each(|&at| counts[at] += 1);
        counts
    }

    /// Description of the groups, with their counts.
    fn text(&self) -> String {
        let counts: Vec<String> = self.counts().iter().map(usize::to_string).collect();
        format!(
            "groups by FLOPs, architectures of equal FLOPs in one group: {} architectures",
            listed(&counts)
        )
    }
}

/// Section on KD and mean rank difference in groups by FLOPs.
pub fn section(material: &Material) -> Result<Section, Absent> {
    let Some(structure) = &material.structure else {
        let (reason, add) = material.without_space("nothing is known about the architectures");
        return Err(absent(HEADING, &reason, add));
    };
    let rows = ranked_by(material, HEADING)?;
    let grouped = Grouped::of(material, &structure.flops).map_err(refused(HEADING))?;
    if grouped.known.len() < 2 * FEWEST {
        let reason =
            format!("{} architectures are too few for two groups of {FEWEST}", grouped.known.len());
        return Err(absent(HEADING, &reason, "[architectures]\n# more of them"));
    }
    if grouped.groups.bounds.len() < 2 {
        let reason = match grouped.groups.bounds.iter().all(|[least, greatest]| least == greatest) {
            true => "all architectures have the same FLOPs",
            false => "nearly all architectures have the same FLOPs",
        };
        return Err(absent(HEADING, reason, "[architectures]\n# some of different size"));
    }
    let reports = rows.iter().map(|row| grouped.report(row)).collect::<Result<Vec<_>, _>>()?;
    let all = || rows.iter().zip(&reports);
    let ranked = all().filter(|(row, _)| ranks(material, row));
    let ranked: Vec<_> = ranked.map(|(row, report)| (row.name.as_str(), report)).collect();
    let drawn: Vec<&str> = shown_rows(material).iter().map(|row| row.name.as_str()).collect();
    let series: Vec<&Vec<ComplexityGroup>> =
        all().filter(|(row, _)| drawn.contains(&row.name.as_str())).map(|(_, it)| it).collect();
    let mut section = section_of(HEADING)
        .finding(&finding(&ranked))
        .rests_on(&format!(
            "{}; {}; ranking difference (true less estimated rank) over all architectures{}",
            material.rests_on(),
            grouped.text(),
            shown_of(drawn.len(), rows.len(), "the figure is")
        ))
        .figure(figure("by-flops", "KD and mean ranking difference by FLOPs", &drawn, &series));
    for (base, points) in material.checkpoints() {
        let step = points.len().div_ceil(CHECKPOINTS).max(1);
        let points: Vec<_> = points.iter().rev().step_by(step).rev().collect();
        let reports =
            points.iter().map(|(_, row)| grouped.report(row)).collect::<Result<Vec<_>, _>>()?;
        let names: Vec<String> = points.iter().map(|(epoch, _)| format!("epoch {epoch}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let title = format!("The same for {base} as its supernet trains");
        let name = format!("{base}-over-epochs");
        section =
            section.figure(figure(&name, &title, &names, &reports.iter().collect::<Vec<_>>()));
    }
    Ok(section.table(table(&rows, &reports)))
}

fn table(rows: &[&JudgedRow], reports: &[Vec<ComplexityGroup>]) -> Table {
    let groups = reports.first().map_or(0, Vec::len);
    let rd = "mean ranking difference in the group, as a share of all architectures; positive where \
              it is overestimated";
    let heads = std::iter::once(Column::text("Estimator", ""))
        .chain((1..=groups).map(|at| Column::number(&format!("RD {at}"), rd)))
        .chain((1..=groups).map(|at| Column::number(&format!("KD {at}"), "KD inside the group")));
    let mut table = Table::new(heads.collect());
    for (row, groups) in rows.iter().zip(reports) {
        let rd = groups.iter().map(|it| match it.mean_rd {
            Some(rd) => Cell::number(&signed(rd), rd),
            None => Cell::undefined(UNMEASURED),
        });
        let kd = groups.iter().map(|it| cell(it.kd));
        let cells = std::iter::once(Cell::text(&row.name)).chain(rd).chain(kd).collect();
        table = match row.user_plugin {
            true => table.marked_row(cells, super::USER_PLUGINS),
            false => table.row(cells),
        };
    }
    table
}

fn figure(name: &str, title: &str, series: &[&str], reports: &[&Vec<ComplexityGroup>]) -> Figure {
    let first = reports.first();
    let bounds: Vec<[f64; 2]> =
        first.map_or_else(Vec::new, |it| it.iter().map(|group| group.complexity).collect());
    let groups: Vec<String> = bounds
        .iter()
        .map(|[least, most]| format!("{} to {}", short(*least), short(*most)))
        .collect();
    let groups: Vec<&str> = groups.iter().map(String::as_str).collect();
    let panel = |of: &dyn Fn(&ComplexityGroup) -> Estimate| {
        reports.iter().map(|it| it.iter().map(of).collect()).collect::<Vec<Vec<_>>>()
    };
    let rd = |it: &ComplexityGroup| Value::known_or(it.mean_rd, UNMEASURED).into();
    let bars = Bars::new("FLOPs", &groups, series)
        .bounds(bounds)
        .panel(Axis::new("KD"), panel(&|it| value(it.kd).into()))
        .panel(Axis::new("mean ranking difference / M"), panel(&rd));
    Figure::new(name, title, bars)
}

/// FLOPs as short text, such as "15.6M".
fn short(flops: f64) -> String {
    match flops {
        it if it >= 1e9 => format!("{:.2}G", it / 1e9),
        it if it >= 1e6 => format!("{:.1}M", it / 1e6),
        it if it >= 1e3 => format!("{:.0}k", it / 1e3),
        it => format!("{it:.0}"),
    }
}

fn finding(reports: &[(&str, &Vec<ComplexityGroup>)]) -> String {
    let tilt =
        |groups: &[ComplexityGroup]| Some(groups.last()?.mean_rd? - groups.first()?.mean_rd?);
    let tilts = reports.iter().filter_map(|(name, it)| Some((*name, tilt(it)?)));
    let most = tilts.max_by(|a, b| a.1.abs().total_cmp(&b.1.abs()));
    match most {
        Some((_, tilt)) if tilt.abs() < ROUNDING => {
            "No estimator ranks the largest architectures differently from the smallest.".to_owned()
        }
        Some((name, tilt)) => format!(
            "Most biased is {name}: it {} the largest architectures by {:.1}% of all ranks more than \
             the smallest.",
            if tilt > 0.0 { "overestimates" } else { "underestimates" },
            100.0 * tilt.abs()
        ),
        None => "No estimator has a ranking of both the smallest and the largest.".to_owned(),
    }
}

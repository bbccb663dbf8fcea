//! Sections: how does a ranking change while a supernet trains?

use super::{CONSTANT, absent, refused, section_of, three, tie_aware, value};
use crate::analysis::{
    JudgedRow, Material,
    material::{Checkpoints, there},
};
use osee_core::analysis::{
    CHECKPOINT_RATIOS, Checkpoint, Column, StabilityStep, TrendPoint, stability_steps,
    trend as over_checkpoints,
};
use osee_report::{
    figure::{Axis, Estimate, Figure, Lines},
    html::{Absent, Section},
};

const TREND: &str = "Criteria while the supernet trains";
const STABILITY: &str = "How stable is the ranking?";
const ADD: &str = "[training]\nkeep_every = 5\n\n[[estimators]]\nid = \"one_shot\"\ntrend = true";

fn several<'a>(
    material: &'a Material,
    heading: &str,
) -> Result<Vec<(&'a str, Checkpoints<'a>)>, Absent> {
    let mut rows = material.checkpoints();
    rows.retain(|(_, points)| points.len() > 1);
    match rows.is_empty() {
        true => Err(absent(heading, "no row has scores of several checkpoints", ADD)),
        false => Ok(rows),
    }
}

/// Epoch and scores of one checkpoint.
type Scores<'a> = (u64, Column<'a>);

/// Compares each checkpoint with the next, over the architectures that both have.
fn steps(points: &[Scores<'_>]) -> Result<Vec<StabilityStep>, Absent> {
    let step = |pair: &[Scores<'_>]| {
        let [(from, earlier), (to, later)] = [pair[0], pair[1]];
        let mut missing = [earlier.missing, later.missing].concat();
        missing.sort_unstable();
        let (earlier, later) = there(earlier.values, &missing, later.values);
        let checkpoints = [
            Checkpoint { epoch: from, scores: &earlier },
            Checkpoint { epoch: to, scores: &later },
        ];
        stability_steps(&checkpoints, &CHECKPOINT_RATIOS).map_err(refused(STABILITY))
    };
    Ok(points.windows(2).map(step).collect::<Result<Vec<_>, _>>()?.concat())
}

/// Scores of every checkpoint of one supernet.
fn of_seed<'a>(points: &'a [(u32, &'a JudgedRow)], seed: u64) -> Vec<Scores<'a>> {
    let column = |(epoch, row): &(u32, &'a JudgedRow)| {
        let at = row.seeds.iter().position(|(it, _)| *it == seed)?;
        Some((u64::from(*epoch), row.seed_column(at)))
    };
    points.iter().filter_map(column).collect()
}

/// Section with one figure per criterion, by epoch.
pub fn trend(material: &Material) -> Result<Section, Absent> {
    type Pick = fn(&TrendPoint) -> Estimate;
    let criteria: [(&str, &str, Pick); 6] = [
        ("kd", "KD", |it| value(it.kd).into()),
        ("spearman", "Spearman", |it| value(it.spearman).into()),
        ("p-top", "P@top5%", |it| tie_aware(it.p_top_5.as_ref())),
        ("p-bottom", "P@bottom5%", |it| tie_aware(it.p_bottom_5.as_ref())),
        ("br", "BR@1% (lower is better)", |it| tie_aware(it.br_1.as_ref())),
        ("wr", "WR@5% (lower is better)", |it| tie_aware(it.wr_5.as_ref())),
    ];
    let mut trends = Vec::new();
    for (base, points) in several(material, TREND)? {
        let point = |(epoch, row): &(u32, &JudgedRow)| {
            let (scores, truth) = row.judged(&material.truth);
            over_checkpoints(&[Checkpoint { epoch: u64::from(*epoch), scores: &scores }], &truth)
        };
        let points = points.iter().map(point).collect::<Result<Vec<_>, _>>();
        trends.push((base, points.map_err(refused(TREND))?.concat()));
    }
    let mut section = section_of(TREND).rests_on(&material.rests_on());
    for (name, label, pick) in criteria {
        let mut lines = Lines::new(Axis::new("epoch"), Axis::new(label));
        for (base, points) in &trends {
            let points = points.iter().map(|it| (it.epoch as f64, pick(it)));
            lines = lines.series(base, points);
        }
        section = section.figure(Figure::new(name, &format!("{label} by epoch"), lines));
    }
    // The first row with a ranking at both ends, if there is one.
    let ends = |points: &[TrendPoint]| points.first()?.kd.zip(points.last()?.kd);
    let Some((base, points)) = trends.iter().find(|(_, points)| ends(points).is_some()) else {
        return Err(absent(TREND, &format!("no row has a KD at both ends: {CONSTANT}"), ""));
    };
    let end = |at: Option<&TrendPoint>| {
        at.and_then(|it| it.kd).map_or_else(|| "undefined".to_owned(), three)
    };
    let finding = format!(
        "From epoch {} to {} the KD of {base} goes from {} to {}.",
        points.first().map_or(0, |it| it.epoch),
        points.last().map_or(0, |it| it.epoch),
        end(points.first()),
        end(points.last())
    );
    Ok(section.finding(&finding))
}

/// Section on how well each checkpoint predicts the next, for single supernets
/// and their mean.
pub fn stability(material: &Material) -> Result<Section, Absent> {
    let mut all: Vec<(String, Vec<StabilityStep>)> = Vec::new();
    for (base, points) in several(material, STABILITY)? {
        let mut seeds: Vec<u64> =
            points.iter().flat_map(|(_, row)| row.seeds.iter().map(|(seed, _)| *seed)).collect();
        seeds.sort_unstable();
        seeds.dedup();
        for &seed in &seeds {
            let name = format!("{base}, supernet of seed {seed}");
            all.push((name, steps(&of_seed(&points, seed))?));
        }
        if seeds.len() != 1 {
            let name = match seeds.len() {
                0 => base.to_owned(),
                seeds => format!("{base}, mean of {seeds}"),
            };
            fn mean<'a>((epoch, row): &(u32, &'a JudgedRow)) -> Scores<'a> {
                (u64::from(*epoch), row.column())
            }
            all.push((name, steps(&points.iter().map(mean).collect::<Vec<_>>())?));
        }
    }
    type Pick = fn(&StabilityStep) -> Estimate;
    let criteria: [(&str, &str, Pick); 4] = [
        ("kd", "relative KD", |it| value(it.stability.kd).into()),
        ("p-top-small", "relative P@top0.5%", |it| tie_aware(it.stability.p_top.get("0.005"))),
        ("p-top", "relative P@top5%", |it| tie_aware(it.stability.p_top.get("0.05"))),
        ("p-bottom", "relative P@bottom5%", |it| tie_aware(it.stability.p_bottom.get("0.05"))),
    ];
    let mut section = section_of(STABILITY).rests_on(&format!(
        "{}; the scores of each checkpoint predict those of the next",
        material.rests_on()
    ));
    for (name, label, pick) in criteria {
        let mut lines = Lines::new(Axis::new("epoch of the later checkpoint"), Axis::new(label));
        for (base, steps) in &all {
            let points = steps.iter().map(|it| (it.to as f64, pick(it)));
            lines = lines.series(base, points);
        }
        section = section.figure(Figure::new(name, &format!("{label} by epoch"), lines));
    }
    let last: Vec<(f64, &str)> = all
        .iter()
        .filter_map(|(name, steps)| Some((steps.last()?.stability.kd?, name.as_str())))
        .collect();
    let most = last.iter().max_by(|a, b| a.0.total_cmp(&b.0));
    let Some((kd, name)) = most else {
        return Err(absent(STABILITY, &format!("no step has a relative KD: {CONSTANT}"), ""));
    };
    let finding =
        format!("At the end {name} is the most stable, with a relative KD of {}.", three(*kd));
    Ok(section.finding(&finding))
}

//! Which estimators are worth their time?

use super::{CONSTANT, absent, kd, listed, ranked_by, section_of, value};
use crate::{
    analysis::Material,
    report::{
        figure::{Axis, Figure, Scatter},
        html::{Absent, Section},
    },
};
use osee_core::analysis::{CostPoint, pareto};

const HEADING: &str = "What does quality cost?";
/// A time on a logarithmic axis; less is not measured.
const LEAST: f64 = 0.01;

/// KD by milliseconds per architecture, seeds included, and the Pareto front.
pub fn section(material: &Material) -> Result<Section, Absent> {
    let rows = ranked_by(material, HEADING)?;
    let points: Vec<CostPoint> = rows
        .into_iter()
        .filter_map(|row| {
            Some(CostPoint {
                name: row.name.clone(),
                milliseconds: row.milliseconds?,
                kd: kd(material, row),
            })
        })
        .collect();
    if points.is_empty() {
        let reason = "tables have no times; only a run of osee-host has";
        return Err(absent(HEADING, reason, "osee-host run --study FILE.toml"));
    }
    let judged = pareto(&points);
    let front: Vec<&str> =
        judged.iter().filter(|it| it.on_front).map(|it| it.point.name.as_str()).collect();
    let mut figure =
        Scatter::new(Axis::new("milliseconds per architecture").log(), Axis::new("KD")).front();
    for (name, on_front) in [("on the front", true), ("others", false)] {
        let of = judged.iter().filter(|it| it.on_front == on_front);
        let marks = of.map(|it| {
            (it.point.name.as_str(), it.point.milliseconds.max(LEAST), value(it.point.kd))
        });
        figure = figure.group(name, marks);
    }
    let finding = match front.as_slice() {
        [] => return Err(absent(HEADING, &format!("no estimator has a KD: {CONSTANT}"), "")),
        front if front.len() == judged.len() => {
            format!(
                "Each has its price: of {}, none is both slower and worse than another.",
                listed(front)
            )
        }
        front => format!(
            "No estimator is both faster and better than {}; the others cost time that {} \
             would use better.",
            listed(front),
            front[front.len() - 1]
        ),
    };
    Ok(section_of(HEADING)
        .finding(&finding)
        .rests_on(&format!(
            "{}; time of an estimator by itself with all its seeds, without passes that others \
             share, and without the training of supernets",
            material.rests_on()
        ))
        .figure(Figure::new("kd-by-time", "Quality against time", figure)))
}

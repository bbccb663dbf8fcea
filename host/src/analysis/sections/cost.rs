//! Section: which estimators are worth their time?

use super::{CONSTANT, absent, kd, listed, ranked_by, section_of, value};
use crate::analysis::Material;
use osee_core::analysis::{CostPoint, pareto};
use osee_report::{
    figure::{Axis, Figure, Scatter},
    html::{Absent, Section},
};

const HEADING: &str = "What does quality cost?";
/// Least time on the logarithmic axis, in milliseconds; less is drawn there.
const LEAST: f64 = 0.01;

/// KD against milliseconds per architecture, seeds included, with the Pareto front.
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
        let reason = "tables have no times; only a run of osee-host has them";
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
    if front.is_empty() {
        return Err(absent(HEADING, &format!("no estimator has a KD: {CONSTANT}"), ""));
    }
    let undefined = judged.iter().filter(|it| !it.on_front && it.dominated_by.is_none()).count();
    let finding = finding(&front, judged.len() - undefined - front.len(), undefined);
    Ok(section_of(HEADING)
        .finding(&finding)
        .rests_on(&format!(
            "{}; time of an estimator by itself with all its seeds, without passes that others \
             share, and without the training of supernets",
            material.rests_on()
        ))
        .figure(Figure::new("kd-by-time", "Quality against time", figure)))
}

/// Compares `front` with `others`, the rows with a KD; `undefined` counts those without.
fn finding(front: &[&str], others: usize, undefined: usize) -> String {
    let mut text = match (front, others) {
        (_, 0) => format!("Of {}, none is both slower and worse than another.", listed(front)),
        ([one], _) => format!(
            "No estimator is faster or better than {one}: every other is as slow or slower, and as \
             bad or worse."
        ),
        _ => format!(
            "No estimator is both faster and better than any of {}; every other is as slow as one of \
             these or slower, and as bad or worse.",
            listed(front)
        ),
    };
    if undefined > 0 {
        text += &format!(" Without a KD, and left out here: {undefined}.");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_cheap_and_bad_is_not_said_to_waste_time() {
        // `params` and `relu`, which is better, take hardly any time; `grasp` is slow.
        let point = |name: &str, milliseconds, kd: f64| CostPoint {
            name: name.to_owned(),
            milliseconds,
            kd: Some(kd),
        };
        let points = [
            point("relu", 0.1, 0.5),
            point("params", 0.1, 0.4),
            point("synflow", 9.0, 0.7),
            point("grasp", 99.0, 0.7),
        ];
        let judged = pareto(&points);
        let front: Vec<&str> =
            judged.iter().filter(|it| it.on_front).map(|it| it.point.name.as_str()).collect();
        assert_eq!(front, ["relu", "synflow"]);
        assert_eq!(
            finding(&front, 2, 1),
            "No estimator is both faster and better than any of relu and synflow; every other is as \
             slow as one of these or slower, and as bad or worse. Without a KD, and left out here: 1."
        );
        let alone = finding(&["relu"], 1, 0);
        assert!(alone.starts_with("No estimator is faster or better than relu: "), "{alone}");
        let priced = "Of relu and synflow, none is both slower and worse than another.";
        assert_eq!(finding(&front, 0, 0), priced);
    }
}

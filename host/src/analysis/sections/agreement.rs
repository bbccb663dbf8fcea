//! Which estimators say the same?

use super::{CONSTANT, absent, listed, ranked_by, refused, section_of, value};
use crate::{
    analysis::Material,
    report::{
        figure::{Figure, HeatMap},
        html::{Absent, Section},
    },
};
use osee_core::analysis::agreement;

const HEADING: &str = "Which estimators say the same?";
/// More do not fit a page.
const MOST: usize = 16;

/// tau-b between all rows, with the truth, parameters and FLOPs.
pub fn section(material: &Material) -> Result<Section, Absent> {
    let mut columns: Vec<(&str, &[f64])> = vec![("truth", &material.truth)];
    let rows = ranked_by(material, HEADING)?.into_iter().take(MOST);
    columns.extend(rows.map(|row| (row.name.as_str(), row.values.as_slice())));
    if let Some(structure) = &material.structure {
        for (name, values) in [("params", &structure.params), ("flops", &structure.flops)] {
            if !columns.iter().any(|(known, _)| *known == name) {
                columns.push((name, values));
            }
        }
    }
    let found = agreement(&columns).map_err(refused(HEADING))?;
    let names: Vec<&str> = found.names.iter().map(String::as_str).collect();
    let cells = found.kd.iter().map(|row| row.iter().map(|kd| value(*kd)).collect()).collect();
    let pairs = (1..names.len()).flat_map(|a| (a + 1..names.len()).map(move |b| (a, b)));
    let mut pairs: Vec<(f64, String)> = pairs
        .filter_map(|(a, b)| Some((found.kd[a][b]?, format!("{} and {}", names[a], names[b]))))
        .collect();
    pairs.sort_by(|a, b| b.0.total_cmp(&a.0));
    if pairs.is_empty() {
        return Err(match names.len() {
            0..=2 => {
                absent(HEADING, "there is only one estimator", "[[estimators]]\nid = \"params\"")
            }
            _ => absent(HEADING, &format!("of every two, {CONSTANT}"), ""),
        });
    }
    let closest: Vec<String> =
        pairs.iter().take(3).map(|(kd, pair)| format!("{pair} ({kd:.2})")).collect();
    let finding = format!("Most alike are {}.", listed(&closest));
    Ok(section_of(HEADING)
        .finding(&finding)
        .rests_on(&format!("{}; scores averaged over seeds", material.rests_on()))
        .figure(Figure::new(
            "kd",
            "KD between every two estimators, and with the truth",
            HeatMap::correlations(&names, &names, cells),
        )))
}

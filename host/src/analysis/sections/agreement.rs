//! Section: which estimators agree with each other?

use super::{CONSTANT, absent, listed, ranked_by, refused, section_of, shown_of, value};
use crate::analysis::{Material, Structure};
use osee_core::analysis::{Column, agreement};
use osee_report::{
    figure::{Figure, HeatMap},
    html::{Absent, Section},
};

const HEADING: &str = "Which estimators agree?";
/// Most rows that fit a figure.
const MOST: usize = 16;

/// Kendall's tau-b between all rows, the truth, parameters and FLOPs.
pub fn section(material: &Material) -> Result<Section, Absent> {
    let rows = ranked_by(material, HEADING)?;
    let sizes: Vec<(&str, &[f64], Vec<usize>)> =
        material.structure.iter().flat_map(sizes).collect();
    let mut columns = vec![Column::from(("truth", material.truth.as_slice()))];
    columns.extend(rows.iter().map(|row| row.column()));
    for (name, values, missing) in &sizes {
        if !rows.iter().any(|row| row.name == *name) {
            columns.push(Column::from((*name, *values)).without(missing));
        }
    }
    let found = agreement(&columns).map_err(refused(HEADING))?;
    let names: Vec<&str> = found.names.iter().map(String::as_str).collect();
    // The truth, the best rows, and the two sizes.
    let drawn = |at: &usize| *at <= MOST || *at > rows.len();
    let drawn: Vec<usize> = (0..names.len()).filter(drawn).collect();
    let cells = drawn.iter().map(|&a| drawn.iter().map(|&b| value(found.kd[a][b])).collect());
    let cells = cells.collect();
    let labels: Vec<&str> = drawn.iter().map(|&at| names[at]).collect();
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
        .rests_on(&format!(
            "{}; scores averaged over seeds{}",
            material.rests_on(),
            shown_of(MOST.min(rows.len()), rows.len(), "the figure is")
        ))
        .figure(Figure::new(
            "kd",
            "KD between every two estimators, and with the truth",
            HeatMap::correlations(&labels, &labels, cells),
        )))
}

/// Parameters and FLOPs, with the positions of architectures that make no network.
fn sizes(structure: &Structure) -> [(&'static str, &[f64], Vec<usize>); 2] {
    [("params", &structure.params), ("flops", &structure.flops)].map(|(name, values)| {
        let unknown = (0..values.len()).filter(|&at| values[at].is_nan()).collect();
        (name, values.as_slice(), unknown)
    })
}

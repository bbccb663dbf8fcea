//! The explorer: scores against truth, one point per architecture.
//!
//! Each column is sent as a dictionary: its distinct values in order, and the position
//! of each architecture's value. So ranks and ties are exact although values have only
//! seven digits, and the file is small.

use super::bulk::packed;
use crate::figure::Drawing;
use maud::{Markup, html};
use serde_json::{Value, json};
use std::collections::HashMap;

const CANVAS: &str =
    "Scores against truth, one point per architecture; arrow keys move by true rank";
const POINTING: &str = "Point at an architecture, or move with the arrow keys. Click to hold one, press Escape to let go.";

/// Content of the explorer.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Explorer {
    /// Name of the truth with its unit, such as `test accuracy (%)`.
    pub truth_label: String,
    /// Names of the architectures.
    pub architectures: Vec<String>,
    /// Truth of each architecture, where higher is better; NaN if unknown.
    pub truth: Vec<f64>,
    /// Scores of each estimator.
    pub scores: Vec<Scores>,
    /// Drawing of each architecture; empty without drawings.
    pub drawings: Vec<Drawing>,
}

/// Scores of one estimator.
#[derive(Debug, Clone, PartialEq)]
pub struct Scores {
    /// Name of the estimator.
    pub name: String,
    /// Score of each architecture; NaN where it failed.
    pub values: Vec<f64>,
    /// True if lower scores are better.
    pub lower_is_better: bool,
}

impl Explorer {
    pub(super) fn html(&self) -> Markup {
        html! {
            div.explorer id="explorer" {
                div.controls {
                    label {
                        "Estimator "
                        select id="estimator" {
                            @for (at, it) in self.scores.iter().enumerate() {
                                option value=(at) { (it.name) }
                            }
                        }
                    }
                    label {
                        "Axes "
                        select id="axes" {
                            option value="rank" { "ranks" }
                            option value="value" { "values" }
                        }
                    }
                    span.hint id="left-out" {}
                }
                div.stage {
                    canvas id="scatter" tabindex="0" role="img" aria-label=(CANVAS) {}
                    div.details id="details" aria-live="polite" {}
                }
                p.hint.pointing { (POINTING) }
                noscript { p { "The explorer needs JavaScript." } }
            }
            script type="text/plain" id="explorer-data" { (packed(&self.document())) }
        }
    }

    pub(super) fn document(&self) -> Value {
        let scores = self.scores.iter().map(|it| {
            let mut column = column(&it.values);
            column["name"] = json!(it.name);
            column["lower"] = json!(it.lower_is_better);
            column
        });
        json!({
            "label": self.truth_label,
            "architectures": self.architectures,
            "truth": column(&self.truth),
            "scores": scores.collect::<Vec<_>>(),
            "drawings": drawings(&self.drawings),
        })
    }
}

/// Distinct values in order, and each value's position among them (-1 for none).
fn column(values: &[f64]) -> Value {
    let mut distinct: Vec<f64> = values.iter().copied().filter(|it| it.is_finite()).collect();
    distinct.sort_by(f64::total_cmp);
    distinct.dedup();
    let at = |value: &f64| match value.is_finite() {
        true => distinct.partition_point(|it| it < value) as i64,
        false => -1,
    };
    let at: Vec<i64> = values.iter().map(at).collect();
    let seven = |it: &f64| format!("{it:.6e}").parse::<f64>().unwrap_or(*it);
    json!({ "values": distinct.iter().map(seven).collect::<Vec<_>>(), "at": at })
}

/// Distinct labels with the width of their boxes, distinct shapes (positions and
/// edges), and for each architecture its shape and labels.
fn drawings(drawings: &[Drawing]) -> Value {
    let (mut labels, mut label_at) = (Vec::new(), HashMap::new());
    let (mut shapes, mut shape_at) = (Vec::new(), HashMap::new());
    let mut each = Vec::with_capacity(drawings.len());
    for drawing in drawings {
        let mut own = vec![0];
        let mut places = Vec::new();
        for node in &drawing.nodes {
            let next = labels.len();
            let at = *label_at.entry(&node.label).or_insert(next);
            if at == next {
                labels.push(json!([node.text(), node.width()]));
            }
            own.push(at);
            // Columns rounded to four pixels look the same and take less space.
            places.extend([4 * (node.x / 4.0).round() as i64, node.y.round() as i64]);
        }
        let next = shapes.len();
        let edges: Vec<usize> = drawing.edges.as_flattened().to_vec();
        let at = *shape_at.entry((places.clone(), edges.clone())).or_insert(next);
        if at == next {
            shapes.push(json!([places, edges]));
        }
        own[0] = at;
        each.push(own);
    }
    json!({ "labels": labels, "shapes": shapes, "each": each })
}

//! One file per analysis: from [`Material`](super::Material) to a section.

pub mod agreement;
pub mod architectures;
pub mod checkpoints;
pub mod complexity;
pub mod cost;
pub mod counts;
pub mod noise;
pub mod operations;
pub mod seeds;
pub mod significance;
pub mod training;
pub mod validation;
pub mod variants;

use super::{JudgedRow, Material};
use crate::leaderboard::{CONSTANT, TOO_FEW_AT_K, cell};
use osee_core::{
    analysis::AnalysisError,
    criteria::{TieAware, kendall_tau_b},
};
use osee_report::{
    figure::{Estimate, Value},
    html::{Absent, Cell, Section},
    number::{DIGITS, fixed, p_text, thousands},
};

/// Most rows that a figure can tell apart.
const SHOWN: usize = 6;

/// What the mark of a row in a table means.
pub const USER_PLUGINS: &str = "estimators of user plugins";

/// An empty section under its heading; `analyse` sets its name.
fn section_of(heading: &str) -> Section {
    Section::new("", heading)
}

/// The rows that rank architectures, or why there are none.
fn ranked_by<'a>(material: &'a Material, heading: &str) -> Result<Vec<&'a JudgedRow>, Absent> {
    let rows: Vec<&JudgedRow> = material.final_rows().collect();
    match rows.is_empty() {
        true => Err(absent(
            heading,
            "there is no estimator with scores",
            "[[estimators]]\nid = \"all\"",
        )),
        false => Ok(rows),
    }
}

/// An analysis that is missing, the reason, and what to add for it.
fn absent(heading: &str, reason: &str, add: &str) -> Absent {
    Absent { heading: heading.to_owned(), reason: reason.to_owned(), add: add.to_owned() }
}

/// Turns the error of an analysis into the reason why it is missing.
fn refused(heading: &str) -> impl Fn(AnalysisError) -> Absent {
    move |error| absent(heading, &error.to_string(), "")
}

/// Rows to show one by one, at most `SHOWN`: those of user plugins, the best of
/// every kind, and then the best of the others.
fn shown_rows(material: &Material) -> Vec<&JudgedRow> {
    let rows: Vec<&JudgedRow> = material.final_rows().collect();
    let mut kinds = Vec::new();
    let mut chosen: Vec<usize> = Vec::new();
    for (at, row) in rows.iter().enumerate() {
        let new = !kinds.contains(&row.kind);
        kinds.push(row.kind);
        if row.user_plugin || new {
            chosen.push(at);
        }
    }
    chosen.truncate(SHOWN);
    for at in 0..rows.len() {
        if chosen.len() < SHOWN && !chosen.contains(&at) {
            chosen.push(at);
        }
    }
    chosen.sort_unstable();
    chosen.into_iter().map(|at| rows[at]).collect()
}

/// KD of a row over the architectures that it has scores of.
fn kd(material: &Material, row: &JudgedRow) -> Option<f64> {
    let (scores, truth) = row.judged(&material.truth);
    kendall_tau_b(&scores, &truth)
}

/// True if the row has a ranking; a finding compares no other rows.
fn ranks(material: &Material, row: &JudgedRow) -> bool {
    kd(material, row).is_some()
}

/// A note that a figure or table shows only some of the rows; empty if it shows all.
fn shown_of(shown: usize, all: usize, what: &str) -> String {
    match shown < all {
        true => format!("; {what} of {shown} of the {all} estimators"),
        false => String::new(),
    }
}

fn value(number: Option<f64>) -> Value {
    Value::known_or(number, CONSTANT)
}

/// Label of one of a row's supernets.
fn supernet(row: &str, seed: u64) -> String {
    format!("{row}, seed {seed}")
}

/// A p-value in the notation of papers.
fn p_value(p: Option<f64>) -> Cell {
    match p {
        Some(p) => Cell::number(&p_text(p), p),
        None => Cell::undefined("there is no ranking to compare"),
    }
}

/// A criterion in a figure, with its range over ties if there is one.
fn tie_aware(of: Option<&TieAware>) -> Estimate {
    let value = Value::known_or(of.map(|it| it.value), TOO_FEW_AT_K);
    Estimate::within(value, of.and_then(TieAware::range))
}

fn count(number: usize) -> Cell {
    Cell::number(&thousands(number), number as f64)
}

/// The number with three decimals, and no minus before zero.
fn three(number: f64) -> String {
    fixed(number, DIGITS)
}

fn signed(number: f64) -> String {
    format!("{number:+.3}")
}

fn percent(share: f64) -> String {
    format!("{:.1}%", 100.0 * share)
}

/// The names as "a, b and c".
fn listed<T: AsRef<str>>(names: &[T]) -> String {
    let names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
    match names.as_slice() {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}

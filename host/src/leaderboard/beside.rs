//! Estimators beside simple counts: what is left of a ranking that a count would give as well.

use super::{Leaderboard, Row, number::cell};
use osee_core::{
    analysis::{BesideCount, Column, beside_count},
    criteria::CriteriaReport,
};
use osee_files::csv_text::Field;
use osee_model::estimator::EstimatorKind;
use serde_json::{Value, json};

/// Estimators that count, which others are compared with.
pub(crate) const COUNTS: [&str; 2] = ["params", "conv_count"];

/// Coverage of the intervals.
pub(crate) const CONFIDENCE: f64 = 0.95;

/// Below this share of distinct scores a ranking says little.
const FEW_DISTINCT: f64 = 0.02;

/// Above this share of scores at the highest, the score has reached its ceiling.
const SATURATED: f64 = 0.5;

/// The share of architectures whose gain is summed up.
const SHARE: &str = "0.05";

/// A row beside each of [`COUNTS`]; `None` for a count that the run does not have, that is the row
/// itself, or where nothing is judged.
pub(crate) fn beside(board: &Leaderboard, row: &Row) -> [Option<BesideCount>; 2] {
    COUNTS.map(|id| {
        let judged = board.judged.as_ref()?;
        let count = board.rows.iter().find(|other| is_count(other, id))?;
        if row.key.name == count.key.name {
            return None;
        }
        let oriented = |row: &Row| -> Vec<f64> {
            let direction = row.key.estimator.direction;
            judged.positions.iter().map(|&at| direction.orient(row.scores[at])).collect()
        };
        let (scores, counts) = (oriented(row), oriented(count));
        let column = |values| Column::from(("", values));
        beside_count(column(&scores[..]), column(&counts[..]), &judged.values, CONFIDENCE).ok()
    })
}

fn is_count(row: &Row, id: &str) -> bool {
    row.key.estimator.id == id && row.key.estimator.kind == EstimatorKind::Baseline
}

/// True if all scores of a baseline are whole numbers, so that few distinct ones are its nature.
pub(crate) fn counts(kind: Option<EstimatorKind>, scores: &[f64]) -> bool {
    kind == Some(EstimatorKind::Baseline)
        && scores.iter().filter(|it| !it.is_nan()).all(|it| it.fract() == 0.0)
}

/// The share of distinct scores, or `count`.
pub(crate) fn distinct(is_count: bool, criteria: &CriteriaReport) -> String {
    match is_count {
        true => "count".to_owned(),
        false => format!("{:.0}%", 100.0 * criteria.distinct_share()),
    }
}

/// nDCG of the predicted best 5%.
pub(crate) fn ndcg(criteria: &CriteriaReport) -> Option<f64> {
    criteria.ndcg.get(SHARE).copied().flatten()
}

/// The table for people: titles and lines; `None` if the run has no count to compare with.
pub(crate) fn texts(board: &Leaderboard) -> Option<(Vec<String>, Vec<Vec<String>>)> {
    let there = COUNTS.map(|id| board.rows.iter().any(|row| is_count(row, id)));
    board.judged.as_ref().filter(|_| there.contains(&true))?;
    let mut titles = ["#", "estimator", "distinct", "nDCG@5%"].map(str::to_owned).to_vec();
    for id in COUNTS.iter().zip(there).filter(|(_, there)| *there).map(|(id, _)| id) {
        titles.extend([
            format!("KD given {id}"),
            format!("KD less {id}"),
            "95% interval".to_owned(),
        ]);
    }
    let judged = board.rows.iter().enumerate();
    let judged = judged.filter_map(|(at, row)| Some((at, row, row.criteria.as_ref()?)));
    let lines = judged.map(|(at, row, criteria)| {
        let number = |value: Option<f64>| cell(value).line();
        let name = row.key.name.clone();
        let share = distinct(row_counts(row), criteria);
        let mut line = vec![(at + 1).to_string(), name, share, number(ndcg(criteria))];
        for (found, _) in beside(board, row).into_iter().zip(there).filter(|(_, there)| *there) {
            let Some(found) = found else {
                line.extend([(); 3].map(|()| "-".to_owned()));
                continue;
            };
            line.extend([found.partial, found.difference].map(number));
            let interval = found.interval.map(|[a, b]| format!("{a:.3} .. {b:.3}"));
            line.push(interval.unwrap_or_else(|| "-".to_owned()));
        }
        line
    });
    Some((titles, lines.collect()))
}

/// Warnings for below the tables, a line each.
pub(crate) fn warnings(board: &Leaderboard) -> Vec<String> {
    let judged = board.rows.iter().filter_map(|row| Some((row, row.criteria.as_ref()?)));
    let scores = judged.filter(|(row, _)| !row_counts(row));
    scores.flat_map(|(row, criteria)| of_few_values(&row.key.name, criteria)).collect()
}

/// What makes the ranks of a score that is no count doubtful.
pub(crate) fn of_few_values(name: &str, criteria: &CriteriaReport) -> Vec<String> {
    let mut lines = Vec::new();
    if criteria.failures == criteria.architectures {
        return lines;
    }
    let share = criteria.distinct_share();
    if share < FEW_DISTINCT {
        lines.push(format!(
            "{name}: {:.1}% of its scores are distinct, so few of its ranks mean anything",
            100.0 * share
        ));
    }
    if criteria.at_highest > SATURATED {
        lines.push(format!(
            "{name}: {:.0}% of its scores are the highest of all; it is saturated",
            100.0 * criteria.at_highest
        ));
    }
    lines
}

fn row_counts(row: &Row) -> bool {
    counts(Some(row.key.estimator.kind), &row.scores)
}

/// Columns at the end of the CSV.
pub(crate) fn csv_names() -> Vec<String> {
    let of = |id: &&str| {
        let less = format!("kd_less_{id}");
        [format!("kd_given_{id}"), less.clone(), format!("{less}_low"), format!("{less}_high")]
    };
    let fixed = ["distinct", "ndcg5"].map(str::to_owned);
    fixed.into_iter().chain(COUNTS.iter().flat_map(of)).collect()
}

/// The fields for [`csv_names`] of a row; empty for one that is not judged.
pub(crate) fn csv_fields<'a>(board: &Leaderboard, row: Option<&Row>) -> Vec<Field<'a>> {
    let criteria = row.and_then(|row| row.criteria.as_ref());
    let mut fields: Vec<Field<'a>> =
        vec![criteria.map(CriteriaReport::distinct_share).into(), criteria.and_then(ndcg).into()];
    for found in row.map_or([None, None], |row| beside(board, row)) {
        let interval = found.and_then(|it| it.interval);
        fields.push(found.and_then(|it| it.partial).into());
        fields.push(found.and_then(|it| it.difference).into());
        fields.extend([0, 1].map(|end| Field::from(interval.map(|it| it[end]))));
    }
    fields
}

/// The same for the JSON of a row.
pub(crate) fn document(board: &Leaderboard, row: &Row) -> Value {
    let of = |found: Option<BesideCount>| {
        found.map(|it| {
            json!({
                "architectures": it.architectures,
                "kd_given": it.partial,
                "kd_less": it.difference,
                "kd_less_ci": it.interval,
                "kd_less_ci_missing": it.interval_missing.map(|why| why.to_string()),
            })
        })
    };
    let found = COUNTS.into_iter().zip(beside(board, row));
    Value::Object(found.map(|(id, found)| (id.to_owned(), json!(of(found)))).collect())
}

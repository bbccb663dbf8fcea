//! The leaderboard for people and for programs.

use super::{Leaderboard, NotRun, Row, few, tie_text};
use crate::truth::Truth;
use osee_core::criteria::{CriteriaReport, TieAware, smallest_kendall_p_value};
use osee_files::csv_text::{Field, csv_text};
use osee_model::estimator::FailureKind;
use osee_report::{
    number::{DIGITS, p_equals},
    text::{markdown_table, markdown_text, terminal_table},
};
use serde_json::{Map, Value, json};
use std::{collections::BTreeMap, fmt::Write};

/// How a leaderboard is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// For a terminal.
    Table,
    /// One row per estimator.
    Csv,
    /// Everything.
    Json,
    /// For a README.
    Markdown,
    /// One row per judged architecture, without neighbours; one column per
    /// estimator.
    ScoresCsv,
}

/// The leaderboard as text. Without `timing` the text of two runs of one
/// study is the same, byte for byte.
pub fn render(board: &Leaderboard, format: Format, timing: bool) -> String {
    match format {
        Format::Table => table(board, timing),
        Format::Markdown => markdown(board, timing),
        Format::Csv => csv(board, timing),
        Format::Json => {
            let text = serde_json::to_string_pretty(&document(board, timing));
            text.expect("a document is plain data") + "\n"
        }
        Format::ScoresCsv => scores_csv(board),
    }
}

/// What failed and should not have, a line per estimator and kind; empty if
/// nothing did.
pub fn faults(board: &Leaderboard) -> String {
    let mut text = String::new();
    for row in &board.rows {
        let faults = row.failures.iter().filter(|(kind, _)| **kind != FailureKind::Undefined);
        for (kind, count) in faults {
            let example = row.examples.get(kind).map_or("", String::as_str);
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{}: {count} x {kind}, such as: {example}", row.key.name);
        }
    }
    text
}

fn header(timing: bool) -> Vec<&'static str> {
    let mut header = vec![
        "#",
        "estimator",
        "KD",
        "95% interval",
        "Spearman",
        "P@top5%",
        "P@bot5%",
        "BR@1%",
        "WR@5%",
        "failed",
    ];
    if timing {
        header.push("ms/arch");
    }
    header
}

fn lines(board: &Leaderboard, timing: bool) -> Vec<Vec<String>> {
    let rows = board.rows.iter().enumerate().map(|(i, row)| line(i, row, timing));
    rows.chain(board.scored.not_run.iter().map(|row| not_run_line(row, board, timing))).collect()
}

fn line(i: usize, row: &Row, timing: bool) -> Vec<String> {
    let number = |value: Option<f64>| match value {
        Some(value) => format!("{value:.DIGITS$}"),
        None => "-".to_owned(),
    };
    let criteria = row.criteria.as_ref();
    let tie_aware = |pick: fn(&CriteriaReport) -> &BTreeMap<String, TieAware>, k: &str| {
        let of = criteria.and_then(|c| pick(c).get(k));
        of.map_or_else(|| "-".to_owned(), |of| tie_text(of, DIGITS))
    };
    let mut line = vec![
        (i + 1).to_string(),
        row.key.name.clone(),
        number(criteria.and_then(|c| c.kd)),
        criteria.map_or_else(|| "-".to_owned(), interval_text),
        number(criteria.and_then(|c| c.spearman)),
        tie_aware(|c| &c.p_top, "0.05"),
        tie_aware(|c| &c.p_bottom, "0.05"),
        tie_aware(|c| &c.br, "0.01"),
        tie_aware(|c| &c.wr, "0.05"),
        match row.missing {
            0 => row.failed().to_string(),
            missing => format!("{} (+{missing} not run)", row.failed()),
        },
    ];
    if timing {
        line.push(format!("{:.1}", row.ms_per_arch));
    }
    line
}

/// The interval of KD, such as `0.584 .. 0.660`; p of KD against 0 where there
/// is none.
pub fn interval_text(criteria: &CriteriaReport) -> String {
    match (criteria.kd_ci, criteria.kd_p) {
        (Some([low, high]), _) => format!("{low:.DIGITS$} .. {high:.DIGITS$}"),
        (None, Some(p)) => format!("none, {}", p_equals(p)),
        (None, None) => "-".to_owned(),
    }
}

fn not_run_line(row: &NotRun, board: &Leaderboard, timing: bool) -> Vec<String> {
    let mut line = vec!["-".to_owned(); header(timing).len()];
    line[1].clone_from(&row.key.name);
    line[9] = format!("not run: {} of {} scored", row.scored, board.scored.of);
    line
}

/// A row per estimator, numbers in full.
fn csv(board: &Leaderboard, timing: bool) -> String {
    let mut names: Vec<String> = header(timing).into_iter().map(str::to_owned).collect();
    let own = board.rows.iter().enumerate().map(|(i, row)| fields(i, row, timing));
    let mut rows: Vec<Vec<Field<'_>>> = own.collect();
    for row in &board.scored.not_run {
        let mut fields = vec![Field::Absent; names.len()];
        fields[1] = row.key.name.as_str().into();
        rows.push(fields);
    }
    let ranges = ["kd", "p_top5", "p_bot5", "br1", "wr5"];
    names.extend(ranges.iter().flat_map(|it| [format!("{it}_low"), format!("{it}_high")]));
    let more = ["missing", "scored", "architectures", "not_run", "truth", "subset"];
    names.extend(more.map(str::to_owned));
    let truth = board.truth.as_ref().map(Truth::heading);
    let scored = board.scored.positions.len();
    let judged = board.rows.iter().map(|row| (Some(row), row.missing, scored, None));
    let others = board.scored.not_run.iter();
    let others = others.map(|row| (None, row.missing, row.scored, Some(row.reason.as_str())));
    for (fields, (row, missing, scored, reason)) in rows.iter_mut().zip(judged.chain(others)) {
        fields.extend(row.map_or(vec![Field::Absent; 2 * ranges.len()], bounds));
        fields.extend([missing, scored, board.scored.of].map(Field::from));
        fields.push(reason.into());
        fields.push(truth.as_deref().into());
        fields.push(board.subset.as_str().into());
    }
    if timing {
        names.push("ms/score".to_owned());
        for (fields, row) in rows.iter_mut().zip(&board.rows) {
            fields.push(row.ms_per_score.into());
        }
    }
    csv_text(names, rows)
}

/// What [`line`] has, numbers in full.
fn fields(i: usize, row: &Row, timing: bool) -> Vec<Field<'_>> {
    let criteria = row.criteria.as_ref();
    let tie_aware = |pick: fn(&CriteriaReport) -> &BTreeMap<String, TieAware>, k: &str| {
        Field::from(criteria.and_then(|c| pick(c).get(k)).map(|t| t.value))
    };
    let mut fields = vec![
        (i + 1).into(),
        row.key.name.as_str().into(),
        criteria.and_then(|c| c.kd).into(),
        criteria.filter(|c| c.kd_ci.is_some()).map(interval_text).into(),
        criteria.and_then(|c| c.spearman).into(),
        tie_aware(|c| &c.p_top, "0.05"),
        tie_aware(|c| &c.p_bottom, "0.05"),
        tie_aware(|c| &c.br, "0.01"),
        tie_aware(|c| &c.wr, "0.05"),
        row.failed().into(),
    ];
    if timing {
        fields.push(row.ms_per_arch.into());
    }
    fields
}

/// The interval of KD, and what other orders of ties make of the others.
fn bounds(row: &Row) -> Vec<Field<'static>> {
    let criteria = row.criteria.as_ref();
    let ties = |table: &BTreeMap<String, TieAware>, k: &str| table.get(k).map(|t| [t.min, t.max]);
    let all = [
        criteria.and_then(|c| c.kd_ci),
        criteria.and_then(|c| ties(&c.p_top, "0.05")),
        criteria.and_then(|c| ties(&c.p_bottom, "0.05")),
        criteria.and_then(|c| ties(&c.br, "0.01")),
        criteria.and_then(|c| ties(&c.wr, "0.05")),
    ];
    all.iter().flat_map(|it| [it.map(|it| it[0]).into(), it.map(|it| it[1]).into()]).collect()
}

/// What the numbers are about, in a line or two.
pub fn caption(board: &Leaderboard) -> String {
    let mut text = format!(
        "{}: {} of {} ({}), seeds {:?}, protocol {}, data {}",
        board.name,
        board.population(),
        board.space,
        board.subset,
        board.seeds,
        board.protocol,
        board.data
    );
    match &board.truth {
        Some(truth) => {
            let _ = write!(text, "\ntruth: {}", truth.heading());
            truth.notes.iter().for_each(|note| {
                let _ = write!(text, "; {note}");
            });
        }
        None => text.push_str("\nno truth was given, so there are scores but no criteria"),
    }
    if board.truth.is_some() && board.judged.is_none() {
        text.push_str("; too few architectures with truth are scored, so there are no criteria");
    }
    if board.without_truth > 0 {
        let _ = write!(text, "; {} architectures without truth are left out", board.without_truth);
    }
    let notice = board.scored.notice();
    if !notice.is_empty() {
        let _ = write!(text, "\n{}", notice.trim_end());
    }
    text
}

fn table(board: &Leaderboard, timing: bool) -> String {
    let mut lines = lines(board, timing);
    for (row, line) in board.rows.iter().zip(&mut lines) {
        if board.user_plugins.contains(&row.key.estimator.id) {
            line[1].insert_str(0, "> ");
        }
    }
    format!("{}\n{}{}", caption(board), terminal_table(&header(timing), &lines), note(board))
}

/// What is to be said below the table: what so few architectures allow.
fn note(board: &Leaderboard) -> String {
    let few = board.judged.as_ref().and_then(|judged| few(judged.values.len()));
    few.map_or_else(String::new, |few| few + "\n")
}

fn markdown(board: &Leaderboard, timing: bool) -> String {
    let caption = markdown_text(&caption(board).replace('\n', "; "));
    let note = note(board);
    let note = if note.is_empty() { note } else { format!("\n{note}") };
    format!("{caption}\n\n{}{note}", markdown_table(&header(timing), &lines(board, timing)))
}

/// One row per architecture that all estimators have scored, without
/// neighbours, which no figure is of: `arch`, then the mean score of every
/// estimator over seeds, empty where it failed.
pub fn scores_csv(board: &Leaderboard) -> String {
    let mut rows: Vec<&Row> = board.rows.iter().collect();
    rows.sort_by(|a, b| a.key.name.cmp(&b.key.name));
    let names = std::iter::once("arch").chain(rows.iter().map(|row| row.key.name.as_str()));
    let lines = board.scored.positions.iter().map(|&at| {
        let arch = Field::from(board.architectures[at].as_str());
        std::iter::once(arch).chain(rows.iter().map(|row| row.scores[at].into())).collect()
    });
    csv_text(names, lines)
}

/// The JSON document.
fn document(board: &Leaderboard, timing: bool) -> Value {
    let truth = board.truth.as_ref();
    let mut rows: Vec<Value> = board.rows.iter().map(|row| row_document(row, timing)).collect();
    for row in &mut rows {
        row["truth"] = json!(truth.map(Truth::heading));
    }
    json!({
        "name": board.name,
        "space": board.space,
        "architectures": board.drawn,
        "neighbours": board.architectures.len() - board.drawn,
        "scored": board.scored.positions.len(),
        "unfinished": board.scored.unfinished,
        "progress": board.scored.progress(),
        "without_truth": board.without_truth,
        "subset": board.subset,
        "seeds": board.seeds,
        "protocol": board.protocol,
        "data": board.data,
        "truth": truth.map(|truth| json!({
            "file": truth.table(),
            "key": truth.key,
            "column": truth.column,
            "about": truth.about,
            "notes": truth.notes,
        })),
        "rows": rows,
        "not_run": board.scored.not_run.iter().map(not_run_document).collect::<Vec<_>>(),
    })
}

/// A row that is not judged, as JSON has it.
pub fn not_run_document(row: &NotRun) -> Value {
    json!({
        "estimator": row.key.name,
        "kind": row.key.estimator.kind,
        "scored": row.scored,
        "missing": row.missing,
        "reason": row.reason,
    })
}

fn row_document(row: &Row, timing: bool) -> Value {
    let mut document = match &row.criteria {
        Some(criteria) => criteria_document(criteria),
        None => Map::new(),
    };
    let by_kind: BTreeMap<String, usize> =
        row.failures.iter().map(|(kind, count)| (kind.to_string(), *count)).collect();
    document.insert("estimator".to_owned(), json!(row.key.name));
    document.insert("kind".to_owned(), json!(row.key.estimator.kind));
    document.insert("version".to_owned(), json!(row.key.estimator.version));
    document.insert("settings".to_owned(), json!(row.key.estimator.settings));
    document.insert("protocol".to_owned(), row.key.conditions_json());
    document.insert("space_settings".to_owned(), json!(row.key.space.settings));
    document.insert("plugin_sha256".to_owned(), json!(row.key.estimator.plugin_sha256));
    document.insert("checkpoint_of".to_owned(), json!(row.key.checkpoint_of));
    document.insert("kd_seeds".to_owned(), json!(row.kd_seeds));
    document.insert("failures".to_owned(), json!(row.failed()));
    document.insert("failures_by_kind".to_owned(), json!(by_kind));
    let examples: BTreeMap<String, &String> =
        row.examples.iter().map(|(kind, message)| (kind.to_string(), message)).collect();
    document.insert("failure_examples".to_owned(), json!(examples));
    document.insert("missing".to_owned(), json!(row.missing));
    if timing {
        document.insert("ms_per_arch".to_owned(), json!(row.ms_per_arch));
        document.insert("ms_per_score".to_owned(), json!(row.ms_per_score));
    }
    Value::Object(document)
}

/// Criteria as the leaderboard's JSON has them: plain numbers, with what
/// depends on ties beside them under `ties`; `kd_p` is the p-value of KD
/// against 0.
pub fn criteria_document(criteria: &CriteriaReport) -> Map<String, Value> {
    let plain = |table: &BTreeMap<String, TieAware>| -> BTreeMap<String, f64> {
        table.iter().map(|(k, t)| (k.clone(), t.value)).collect()
    };
    let inside = |table: &BTreeMap<String, Option<TieAware>>| -> BTreeMap<String, Option<f64>> {
        table.iter().map(|(k, t)| (k.clone(), t.map(|t| t.value))).collect()
    };
    let document = json!({
        "kd": criteria.kd,
        "kd_ci": criteria.kd_ci,
        "kd_ci_missing": criteria.kd_ci_missing.map(|why| why.to_string()),
        "kd_p": criteria.kd_p,
        "kd_p_smallest": smallest_kendall_p_value(criteria.architectures),
        "tau_a": criteria.tau_a,
        "spearman": criteria.spearman,
        "lc": criteria.lc,
        "log_lc": criteria.log_lc,
        "p_top": plain(&criteria.p_top),
        "p_bottom": plain(&criteria.p_bottom),
        "br": plain(&criteria.br),
        "wr": plain(&criteria.wr),
        "kd_top": inside(&criteria.kd_top),
        "kd_bottom": inside(&criteria.kd_bottom),
        "distinct_scores": criteria.distinct_scores,
        "distinct_truths": criteria.distinct_truths,
        "failures": criteria.failures,
        "ties": {
            "p_top": criteria.p_top,
            "p_bottom": criteria.p_bottom,
            "br": criteria.br,
            "wr": criteria.wr,
            "kd_top": criteria.kd_top,
            "kd_bottom": criteria.kd_bottom,
        },
    });
    match document {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

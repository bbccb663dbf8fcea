//! Writes the leaderboard for people and for programs.

use super::{
    Leaderboard, NotRun, Row, beside,
    columns::{CRITERIA, Column, FAILED, Line, MILLISECONDS, NAME, RANK, texts},
    dependent, few,
};
use crate::truth::Truth;
use osee_core::criteria::{CriteriaReport, TieAware, smallest_kendall_p_value};
use osee_files::csv_text::{Field, csv_text};
use osee_model::estimator::FailureKind;
use osee_report::text::{markdown_table, markdown_text, terminal_table};
use serde_json::{Map, Value, json};
use std::{collections::BTreeMap, fmt::Write};

/// The format of a leaderboard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A table for a terminal.
    Table,
    /// CSV with one row per estimator.
    Csv,
    /// JSON with everything.
    Json,
    /// A Markdown table for a README.
    Markdown,
    /// CSV with one row per judged architecture, without neighbours, and one column per
    /// estimator.
    ScoresCsv,
}

/// Writes the leaderboard as text. Without `timing`, two runs of one study give the
/// same bytes.
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

/// Describes failures that are faults, a line per estimator and kind; empty if there
/// are none.
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

fn columns(timing: bool) -> Vec<Column> {
    let time = timing.then_some(MILLISECONDS);
    [RANK, NAME].into_iter().chain(CRITERIA).chain([FAILED]).chain(time).collect()
}

/// The judged rows, best first, then those that are not judged.
fn lines(board: &Leaderboard) -> impl Iterator<Item = Line<'_>> {
    let of = board.scored.of;
    let judged = board.rows.iter().enumerate().map(move |(at, row)| Line {
        rank: Some(at + 1),
        name: &row.key.name,
        criteria: row.criteria.as_ref(),
        failed: Some(row.failed()),
        missing: row.missing,
        scored: board.scored.positions.len(),
        of,
        milliseconds: Some(row.ms_per_arch),
        ..Line::default()
    });
    judged.chain(board.scored.not_run.iter().map(move |row| Line {
        name: &row.key.name,
        missing: row.missing,
        scored: row.scored,
        of,
        not_run: Some(&row.reason),
        ..Line::default()
    }))
}

/// One row per estimator, with numbers in full.
fn csv(board: &Leaderboard, timing: bool) -> String {
    let columns = columns(timing);
    let ends = |of: &Column| ["low", "high"].map(|end| format!("{}_{end}", of.bounds));
    let bounded = || columns.iter().filter(|it| !it.bounds.is_empty());
    let mut names: Vec<String> = columns.iter().map(|it| it.title.to_owned()).collect();
    names.extend(bounded().flat_map(ends));
    let more = ["missing", "scored", "architectures", "not_run", "truth", "subset"];
    let last = timing.then_some("ms/score").into_iter().chain(["population"]);
    names.extend(more.into_iter().chain(last).map(str::to_owned));
    names.extend(beside::csv_names());
    let truth = board.truth.as_ref().map(Truth::heading);
    let rows = lines(board).enumerate().map(|(at, line)| {
        let mut fields: Vec<Field<'_>> = columns.iter().map(|it| it.of(&line).field).collect();
        fields.extend(bounded().flat_map(|it| {
            let bounds = it.of(&line).bounds;
            [0, 1].map(|end| Field::from(bounds.map(|it| it[end])))
        }));
        fields.extend([line.missing, line.scored, line.of].map(Field::from));
        fields.extend([line.not_run, truth.as_deref(), Some(&board.subset)].map(Field::from));
        let row = board.rows.get(at);
        fields.extend(timing.then(|| Field::from(row.map(|row| row.ms_per_score))));
        let population = row.and_then(|row| row.population.as_ref());
        fields.push(population.map(|population| population.sha256.as_str()).into());
        fields.extend(beside::csv_fields(board, row));
        fields
    });
    csv_text(names, rows)
}

/// Says in a line or two what the numbers are about.
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
    let (titles, mut lines) = texts(&columns(timing), lines(board));
    for (row, line) in board.rows.iter().zip(&mut lines) {
        if board.user_plugins.contains(&row.key.estimator.id) {
            line[1].insert_str(0, "> ");
        }
    }
    let counts = beside::texts(board).map_or_else(String::new, |(titles, lines)| {
        format!("beside simple counts\n{}", terminal_table(&titles, &lines))
    });
    format!("{}\n{}{counts}{}", caption(board), terminal_table(&titles, &lines), note(board))
}

/// Notes for below the table, a line each: what so few architectures allow, and which
/// rows depend on the population.
fn note(board: &Leaderboard) -> String {
    let few = board.judged.as_ref().and_then(|judged| few(judged.values.len()));
    let lines = few.into_iter().chain(beside::warnings(board)).chain(dependent(&board.rows));
    lines.map(|line| line + "\n").collect()
}

fn markdown(board: &Leaderboard, timing: bool) -> String {
    let caption = markdown_text(&caption(board).replace('\n', "; "));
    let note = note(board);
    let note = if note.is_empty() { note } else { format!("\n{note}") };
    let (titles, lines) = texts(&columns(timing), lines(board));
    let counts = beside::texts(board).map_or_else(String::new, |(titles, lines)| {
        format!("\nBeside simple counts:\n\n{}", markdown_table(&titles, &lines))
    });
    format!("{caption}\n\n{}{counts}{note}", markdown_table(&titles, &lines))
}

/// One row per architecture that all estimators have scored, without neighbours:
/// `arch`, then the mean score of every estimator over seeds, empty where all seeds
/// failed.
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

/// Makes the JSON document.
fn document(board: &Leaderboard, timing: bool) -> Value {
    let truth = board.truth.as_ref();
    let mut rows: Vec<Value> = board.rows.iter().map(|row| row_document(row, timing)).collect();
    for (row, of) in rows.iter_mut().zip(&board.rows) {
        row["beside"] = beside::document(board, of);
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

/// Describes, in JSON, a row that is not judged.
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
    let mut document = row.criteria.as_ref().map_or_else(Map::new, criteria_document);
    let by_kind = row.failures.iter().map(|(kind, count)| (kind.to_string(), count));
    let examples = row.examples.iter().map(|(kind, message)| (kind.to_string(), message));
    document.extend(object(json!({
        "estimator": row.key.name,
        "kind": row.key.estimator.kind,
        "version": row.key.estimator.version,
        "settings": row.key.estimator.settings,
        "protocol": row.key.conditions_json(),
        "space_settings": row.key.space.settings,
        "plugin_sha256": row.key.estimator.plugin_sha256,
        "checkpoint_of": row.key.checkpoint_of,
        "kd_seeds": row.kd_seeds,
        "failures": row.failed(),
        "failures_by_kind": by_kind.collect::<BTreeMap<_, _>>(),
        "failure_examples": examples.collect::<BTreeMap<_, _>>(),
        "missing": row.missing,
        "population": row.population,
    })));
    if timing {
        document.insert("ms_per_arch".to_owned(), json!(row.ms_per_arch));
        document.insert("ms_per_score".to_owned(), json!(row.ms_per_score));
    }
    Value::Object(document)
}

/// Criteria in the leaderboard's JSON: plain numbers, with ranges over orders of ties
/// under `ties`; `kd_p` is the p-value of KD against 0.
pub fn criteria_document(criteria: &CriteriaReport) -> Map<String, Value> {
    let plain = |table: &BTreeMap<String, TieAware>| -> BTreeMap<String, f64> {
        table.iter().map(|(k, t)| (k.clone(), t.value)).collect()
    };
    let inside = |table: &BTreeMap<String, Option<TieAware>>| -> BTreeMap<String, Option<f64>> {
        table.iter().map(|(k, t)| (k.clone(), t.map(|t| t.value))).collect()
    };
    object(json!({
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
        "ndcg": criteria.ndcg,
        "distinct_scores": criteria.distinct_scores,
        "distinct_share": criteria.distinct_share(),
        "at_highest": criteria.at_highest,
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
    }))
}

fn object(document: Value) -> Map<String, Value> {
    match document {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

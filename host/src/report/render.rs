//! The leaderboard for people and for programs.

use super::{Leaderboard, Row};
use clap::ValueEnum;
use comfy_table::{CellAlignment, ContentArrangement, LineStyle, Table, TableStyle};
use osee_core::{criteria::TieAware, estimator::FailureKind};
use serde_json::{Map, Value, json};
use std::{collections::BTreeMap, fmt::Write};

/// How a leaderboard is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For a terminal.
    Table,
    /// One row per estimator.
    Csv,
    /// Everything.
    Json,
    /// For a README.
    Markdown,
    /// One row per architecture, one column per estimator.
    ScoresCsv,
}

/// The leaderboard as text. Without `timing` the text of two runs of one
/// study is the same, byte for byte.
pub fn render(board: &Leaderboard, format: Format, timing: bool) -> String {
    match format {
        Format::Table => table(board, timing),
        Format::Markdown => markdown(board, timing),
        Format::Csv => csv_text(&header(timing), &lines(board, timing, true)),
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

fn lines(board: &Leaderboard, timing: bool, full: bool) -> Vec<Vec<String>> {
    let digits = if full { 6 } else { 3 };
    board.rows.iter().enumerate().map(|(i, row)| line(i, row, timing, digits)).collect()
}

fn line(i: usize, row: &Row, timing: bool, digits: usize) -> Vec<String> {
    let number = |value: Option<f64>| match value {
        Some(value) => format!("{value:.digits$}"),
        None => "-".to_owned(),
    };
    let criteria = row.criteria.as_ref();
    let tie_aware =
        |pick: fn(&osee_core::criteria::CriteriaReport) -> &BTreeMap<String, TieAware>, k: &str| {
            number(criteria.and_then(|c| pick(c).get(k)).map(|t| t.value))
        };
    let interval = criteria.and_then(|c| c.kd_ci);
    let failed = row.failures.values().sum::<usize>();
    let mut line = vec![
        (i + 1).to_string(),
        row.key.name.clone(),
        number(criteria.and_then(|c| c.kd)),
        interval.map_or_else(|| "-".to_owned(), |[a, b]| format!("{a:.digits$} .. {b:.digits$}")),
        number(criteria.and_then(|c| c.spearman)),
        tie_aware(|c| &c.p_top, "0.05"),
        tie_aware(|c| &c.p_bottom, "0.05"),
        tie_aware(|c| &c.br, "0.01"),
        tie_aware(|c| &c.wr, "0.05"),
        match row.missing {
            0 => failed.to_string(),
            missing => format!("{failed} (+{missing} not run)"),
        },
    ];
    if timing {
        line.push(format!("{:.1}", row.ms_per_arch));
    }
    line
}

/// What the numbers are about, in a line or two.
pub fn caption(board: &Leaderboard) -> String {
    let mut text = format!(
        "{}: {} architectures{} of {}, seeds {:?}, protocol {}, data {}",
        board.name,
        board.drawn,
        match board.architectures.len() - board.drawn {
            0 => String::new(),
            neighbours => format!(" and {neighbours} neighbours"),
        },
        board.space,
        board.seeds,
        board.protocol,
        board.data
    );
    match &board.truth {
        Some(truth) => {
            let file = truth.file.file_name().unwrap_or_default().to_string_lossy();
            let _ = write!(text, "\ntruth: {} of {file}", truth.column);
        }
        None => text.push_str("\nno truth was given, so there are scores but no criteria"),
    }
    if board.without_truth > 0 {
        let _ = write!(text, "; {} architectures without truth are left out", board.without_truth);
    }
    text
}

fn table(board: &Leaderboard, timing: bool) -> String {
    let mut lines = lines(board, timing, false);
    for (row, line) in board.rows.iter().zip(&mut lines) {
        if board.brought.contains(&row.key.estimator) {
            line[1].insert_str(0, "> ");
        }
    }
    format!("{}\n{}", caption(board), terminal_table(&header(timing), &lines))
}

fn markdown(board: &Leaderboard, timing: bool) -> String {
    let caption = caption(board).replace('\n', "; ");
    format!("{caption}\n\n{}", markdown_table(&header(timing), &lines(board, timing, false)))
}

/// For a terminal; numbers to the right of their columns, the second column's
/// names to the left.
pub fn terminal_table(header: &[impl AsRef<str>], lines: &[Vec<String>]) -> String {
    let mut table = Table::new();
    let line = LineStyle::none().fill('─').junction('─');
    let frame = TableStyle::new().top_border(line).header_separator(line).bottom_border(line);
    table.load_style(frame);
    table.set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(header.iter().map(AsRef::as_ref));
    table.add_rows(lines);
    for (i, column) in table.column_iter_mut().enumerate() {
        if i != 1 {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    format!("{table}\n")
}

/// For a README; aligned as [`terminal_table`].
pub fn markdown_table(header: &[impl AsRef<str>], lines: &[Vec<String>]) -> String {
    let row = |cells: &[&str]| format!("| {} |\n", cells.join(" | "));
    let mut text = row(&header.iter().map(AsRef::as_ref).collect::<Vec<_>>());
    let rule: Vec<&str> = (0..header.len()).map(|i| if i == 1 { "---" } else { "--:" }).collect();
    text += &row(&rule);
    for line in lines {
        text += &row(&line.iter().map(String::as_str).collect::<Vec<_>>());
    }
    text
}

/// A CSV file; cells are quoted where they must be.
pub fn csv_text(header: &[&str], lines: &[Vec<String>]) -> String {
    let quote = |cell: &str| match cell.contains([',', '"', '\n']) {
        true => format!("\"{}\"", cell.replace('"', "\"\"")),
        false => cell.to_owned(),
    };
    let mut text = header.join(",") + "\n";
    for line in lines {
        text += &(line.iter().map(|cell| quote(cell)).collect::<Vec<_>>().join(",") + "\n");
    }
    text
}

/// One row per architecture: `arch`, then the mean score of every estimator
/// over seeds, empty where it failed.
pub fn scores_csv(board: &Leaderboard) -> String {
    let mut rows: Vec<&Row> = board.rows.iter().collect();
    rows.sort_by(|a, b| a.key.name.cmp(&b.key.name));
    let mut header = vec!["arch"];
    header.extend(rows.iter().map(|row| row.key.name.as_str()));
    let lines: Vec<Vec<String>> = board
        .architectures
        .iter()
        .enumerate()
        .map(|(at, arch)| {
            let score = |row: &&Row| match row.scores[at] {
                score if score.is_nan() => String::new(),
                score => score.to_string(),
            };
            std::iter::once(arch.clone()).chain(rows.iter().map(score)).collect()
        })
        .collect();
    csv_text(&header, &lines)
}

/// The JSON document.
fn document(board: &Leaderboard, timing: bool) -> Value {
    let rows: Vec<Value> = board.rows.iter().map(|row| row_document(row, timing)).collect();
    json!({
        "name": board.name,
        "space": board.space,
        "architectures": board.drawn,
        "neighbours": board.architectures.len() - board.drawn,
        "without_truth": board.without_truth,
        "seeds": board.seeds,
        "protocol": board.protocol,
        "data": board.data,
        "truth": board.truth.as_ref().map(|truth| json!({
            "file": truth.file.file_name().map(|name| name.to_string_lossy()),
            "key": truth.key,
            "column": truth.column,
        })),
        "rows": rows,
    })
}

fn row_document(row: &Row, timing: bool) -> Value {
    let mut document = match &row.criteria {
        Some(criteria) => criteria_document(criteria),
        None => Map::new(),
    };
    let failed: usize = row.failures.values().sum();
    let by_kind: BTreeMap<String, usize> =
        row.failures.iter().map(|(kind, count)| (kind.to_string(), *count)).collect();
    document.insert("estimator".to_owned(), json!(row.key.name));
    document.insert("kind".to_owned(), json!(row.key.kind));
    document.insert("version".to_owned(), json!(row.key.version));
    document.insert("settings".to_owned(), parsed(&row.key.settings));
    document.insert("protocol".to_owned(), parsed(&row.key.protocol));
    document.insert("space_settings".to_owned(), parsed(&row.key.space_settings));
    document.insert("plugin_sha256".to_owned(), json!(row.key.plugin_sha256));
    document.insert("kd_seeds".to_owned(), json!(row.kd_seeds));
    document.insert("failures".to_owned(), json!(failed));
    document.insert("failures_by_kind".to_owned(), json!(by_kind));
    document.insert("missing".to_owned(), json!(row.missing));
    if timing {
        document.insert("ms_per_arch".to_owned(), json!(row.ms_per_arch));
    }
    Value::Object(document)
}

/// Criteria as the leaderboard's JSON has them: plain numbers, with what
/// depends on ties beside them under `ties`.
pub fn criteria_document(criteria: &osee_core::criteria::CriteriaReport) -> Map<String, Value> {
    let plain = |table: &BTreeMap<String, TieAware>| -> BTreeMap<String, f64> {
        table.iter().map(|(k, t)| (k.clone(), t.value)).collect()
    };
    let document = json!({
        "kd": criteria.kd,
        "kd_ci": criteria.kd_ci,
        "tau_a": criteria.tau_a,
        "spearman": criteria.spearman,
        "lc": criteria.lc,
        "log_lc": criteria.log_lc,
        "p_top": plain(&criteria.p_top),
        "p_bottom": plain(&criteria.p_bottom),
        "br": plain(&criteria.br),
        "wr": plain(&criteria.wr),
        "kd_top": criteria.kd_top,
        "kd_bottom": criteria.kd_bottom,
        "distinct_scores": criteria.distinct_scores,
        "distinct_truths": criteria.distinct_truths,
        "failures": criteria.failures,
        "ties": {
            "p_top": criteria.p_top,
            "p_bottom": criteria.p_bottom,
            "br": criteria.br,
            "wr": criteria.wr,
        },
    });
    match document {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

fn parsed(json: &str) -> Value {
    serde_json::from_str(json).unwrap_or(Value::Null)
}

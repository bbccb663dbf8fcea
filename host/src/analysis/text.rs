//! Writes the analyses as text for a terminal.

use super::{Material, analyse};
use crate::leaderboard::few;
use osee_report::text::terminal_table;
use std::fmt::Write;

/// Text with every section's finding and table, then the reasons why others are
/// missing. With `only`, those named alone, and also the headings and reasons of the
/// missing ones.
pub fn text(material: &Material, only: &[String]) -> (String, Vec<(String, String)>) {
    let (sections, absent) = analyse(material, only);
    let mut text = String::new();
    // Writing to a string cannot fail.
    if let Some(progress) = &material.progress {
        let _ = writeln!(text, "{progress}: only these architectures are analysed\n");
    }
    if let Some(few) = few(material.architectures.len()) {
        let _ = writeln!(text, "{few}\n");
    }
    for section in &sections {
        let _ = writeln!(text, "{} [{}]", section.heading, section.name);
        let _ = writeln!(text, "  {}", section.finding);
        let _ = writeln!(text, "  {}", section.rests_on);
        if let Some(table) = &section.table {
            text += &terminal_table(&table.names(), &table.texts());
        }
        text.push('\n');
    }
    for note in &material.notes {
        let _ = writeln!(text, "note: {note}");
    }
    for row in &material.not_run {
        let _ = writeln!(text, "not run: {} ({} scored): {}", row.key.name, row.scored, row.reason);
    }
    for missing in &absent {
        let _ = writeln!(text, "not here: {}: {}", missing.heading, missing.reason);
        for line in missing.add.lines() {
            let _ = writeln!(text, "    {line}");
        }
    }
    let absent = absent.into_iter().map(|it| (it.heading, it.reason));
    (text, if only.is_empty() { Vec::new() } else { absent.collect() })
}

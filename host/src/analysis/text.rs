//! The analyses for a terminal.

use super::{Material, analyse};
use crate::report::terminal_table;
use std::fmt::Write;

/// Every section's finding and table; with `only`, those so named.
pub fn text(material: &Material, only: &[String]) -> String {
    let (sections, absent) = analyse(material, only);
    let mut text = String::new();
    // Writing to a string cannot fail.
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
    for missing in &absent {
        let _ = writeln!(text, "not here: {}: {}", missing.heading, missing.reason);
        for line in missing.add.lines() {
            let _ = writeln!(text, "    {line}");
        }
    }
    text
}

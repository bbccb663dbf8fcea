//! Reads a list of architectures: text, one a line, as people and pandas write it.
//!
//! Invariant: a line that is no architecture is refused with its number, and with what
//! the file is if it is recognised as something else.

use super::PlanError;
use crate::loader::Space;
use osee_core::truth::{GZIP, text_of};
use std::{io, path::Path};

/// Separators of a table's cells.
const SEPARATORS: [char; 4] = [',', ';', '\t', ' '];

/// Passes the architectures in the file to `take`, in the space's own notation. Empty
/// lines and lines that begin with `#` are skipped.
///
/// # Errors
/// If the file is not text, at the first line that is no architecture, and if `take`
/// fails.
pub fn read(
    file: &Path,
    space: &Space<'_>,
    mut take: impl FnMut(String) -> Result<(), PlanError>,
) -> Result<(), PlanError> {
    let text = text(file)?;
    let lines = text.lines().map(str::trim).enumerate();
    let lines: Vec<(usize, &str)> =
        lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#')).collect();
    let parse = |text: &str| space.functions.parse(text);
    let one = |at: usize| {
        let (line, text) = lines[at];
        let read = match (parse(text), unquoted(text)) {
            (Err(_), Some(inner)) => parse(&inner),
            (read, _) => read,
        };
        read.map_err(|error| {
            let known = |text: &str| parse(text).is_ok();
            let next = lines.get(at + 1).map(|(_, text)| *text).filter(|_| at == 0);
            PlanError::Architecture {
                place: format!("{} line {}: ", file.display(), line + 1),
                error: of_table(text, next, known).map_or(error, osee_sdk::Error::new),
            }
        })
    };
    (0..lines.len()).try_for_each(|at| take(one(at)?))
}

/// Reads the file as text, with all line ends as `\n`.
fn text(file: &Path) -> Result<String, PlanError> {
    let wrong = |source| PlanError::ArchitectureFile { path: file.to_owned(), source };
    let bytes = std::fs::read(file).map_err(wrong)?;
    let read = match bytes.starts_with(GZIP) {
        true => Err("is compressed by gzip; unpack it: gunzip -k FILE".to_owned()),
        false => text_of(bytes),
    };
    let text = read.map_err(|what| {
        let what = format!("a list is text with one architecture per line, but it {what}");
        wrong(io::Error::other(what))
    })?;
    Ok(text.replace("\r\n", "\n").replace('\r', "\n"))
}

/// Returns the content of a line that is one quoted cell, as CSV writers make of an
/// architecture with commas.
fn unquoted(line: &str) -> Option<String> {
    let inner = line.strip_prefix('"')?.strip_suffix('"')?;
    let plain = inner.replace("\"\"", "");
    (!plain.contains('"')).then(|| inner.replace("\"\"", "\""))
}

/// Explains a line that is no architecture because it is a row of a table, or a header
/// that the line `next` follows; `None` if it is neither.
fn of_table(line: &str, next: Option<&str>, known: impl Fn(&str) -> bool) -> Option<String> {
    let column_of = |row: &str, by: char| {
        let cells = cells(row, by);
        let at = (cells.len() > 1).then(|| cells.iter().position(|cell| known(cell)))??;
        Some((cells, at))
    };
    const LIST: &str = "a list has one a line and nothing else, as";
    let sep = |by: char| if by == ',' { String::new() } else { format!(", sep={by:?}") };
    for by in SEPARATORS {
        if let Some((_, at)) = column_of(line, by) {
            return Some(format!(
                "the line is a row of a table without a header, with an architecture in cell {}; {LIST} \
                 pandas.read_csv(FILE, header=None{})[{at}].to_csv(LIST, index=False, header=False) \
                 writes it",
                at + 1,
                sep(by)
            ));
        }
    }
    let next = next?;
    let named = |name: &str, by: char| {
        format!(
            "the file is a table with architectures in column `{name}`; {LIST} \
             pandas.read_csv(FILE{})[{name:?}].to_csv(LIST, index=False, header=False) writes it",
            sep(by)
        )
    };
    for by in SEPARATORS {
        if let Some((row, at)) = column_of(next, by)
            && let header = cells(line, by)
            && header.len() == row.len()
        {
            return Some(named(&header[at], by));
        }
    }
    // A word that cannot be an attempt at an architecture, with an architecture below
    // it.
    let word = line.chars().all(|c| c.is_alphanumeric() || "_- ".contains(c));
    let below = known(next) || unquoted(next).is_some_and(|inner| known(&inner));
    (word && below).then(|| named(line, ','))
}

/// Splits a row of CSV into its cells.
fn cells(row: &str, by: char) -> Vec<String> {
    let mut cells = vec![String::new()];
    let (mut quoted, mut before) = (false, by);
    for c in row.chars() {
        match c {
            // Two quotes in a quoted cell stand for one.
            '"' if !quoted && before == '"' => {
                cells.last_mut().into_iter().for_each(|cell| cell.push('"'));
                quoted = true;
            }
            '"' => quoted = !quoted,
            _ if c == by && !quoted => cells.push(String::new()),
            _ => cells.last_mut().into_iter().for_each(|cell| cell.push(c)),
        }
        before = c;
    }
    cells.iter().map(|cell| cell.trim().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_a_table_are_told_from_mistakes() {
        let known = |text: &str| text.starts_with('|') && text.ends_with('|');
        let of = |line: &str, next: Option<&str>| of_table(line, next, known).unwrap_or_default();
        for (line, words) in [
            (
                "|a|,93.2",
                "in cell 1; a list has one a line and nothing else, as pandas.read_csv(FILE, header=None)[0]",
            ),
            (
                "7;|a|",
                "in cell 2; a list has one a line and nothing else, as pandas.read_csv(FILE, header=None, sep=';')[1]",
            ),
            ("|a|\t1", "sep='\\t')[0]"),
            ("\"|a,b|\",1", "in cell 1"),
        ] {
            assert!(of(line, None).contains(words), "{line}: {}", of(line, None));
        }
        assert!(of("arch,acc", Some("|a|,1")).contains("in column `arch`"));
        assert!(of("n;my arch", Some("7;|a|")).contains("FILE, sep=';')[\"my arch\"]"));
        assert!(of("arch_str", Some("|a|")).contains("in column `arch_str`"));
        // A mistake is reported as one, whatever stands below it.
        for (line, next) in [("|a", Some("|b|")), ("|a", None), ("a,b", Some("|a|")), ("a", None)] {
            assert_eq!(of(line, next), "", "{line}");
        }
    }

    #[test]
    fn cells_are_those_of_csv() {
        assert_eq!(cells("a, b ,", ','), ["a", "b", ""]);
        assert_eq!(cells("\"a,\"\"b\"\"\",c", ','), ["a,\"b\"", "c"]);
        assert_eq!(unquoted("\"a \"\"b\"\"\"").unwrap(), "a \"b\"");
        assert_eq!(unquoted("\"a\", \"b\""), None);
    }
}

//! The key of a row: the cells that identify its architecture.

use super::{TableError, find_column};
use std::path::Path;

/// A column, or a form with several columns such as `{adjacency};{ops}`.
#[derive(Debug, PartialEq, Eq)]
pub struct Key {
    /// Text, and the position of the column after it.
    parts: Vec<(String, usize)>,
    /// Text after the last column.
    end: String,
}

impl Key {
    /// Parses a form; a form without braces is the name of a column.
    pub fn parse(path: &Path, header: &[String], form: &str) -> Result<Self, TableError> {
        if !form.contains('{') {
            let parts = vec![(String::new(), find_column(path, header, form)?)];
            return Ok(Self { parts, end: String::new() });
        }
        let mut parts = Vec::new();
        let mut rest = form;
        while let Some((text, after)) = rest.split_once('{') {
            let (column, after) = after
                .split_once('}')
                .ok_or_else(|| TableError::Key { path: path.to_owned(), form: form.to_owned() })?;
            parts.push((text.to_owned(), find_column(path, header, column)?));
            rest = after;
        }
        Ok(Self { parts, end: rest.to_owned() })
    }

    /// The key of one row.
    pub fn of(&self, record: &csv::StringRecord) -> String {
        let mut key = String::new();
        for (text, column) in &self.parts {
            key += text;
            key += &record[*column];
        }
        key + &self.end
    }

    /// True if the column is part of the key.
    pub fn has(&self, column: usize) -> bool {
        self.parts.iter().any(|(_, part)| *part == column)
    }
}

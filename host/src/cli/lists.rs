//! Checks that several commands share: options that may be given more than once, and
//! options that make others idle.
//!
//! Invariant: an option that would change nothing is refused.

use super::CliError;
use osee_core::truth::Filter;
use osee_model::settings::{Settings, Value};
use std::collections::BTreeMap;

/// Makes the error of a wrong command line.
pub fn usage(what: impl Into<String>) -> CliError {
    CliError::Usage(what.into())
}

/// Refuses the first option that was given; `why` continues the message.
pub fn refuse(options: &[(&str, bool)], why: &str) -> Result<(), CliError> {
    match options.iter().find(|(_, given)| *given) {
        None => Ok(()),
        Some((option, _)) => Err(usage(format!("{option} {why}"))),
    }
}

/// Refuses a list that has a name twice.
pub fn once<T: AsRef<str>>(option: &str, names: &[T]) -> Result<(), CliError> {
    for (at, name) in names.iter().map(AsRef::as_ref).enumerate() {
        if names[..at].iter().any(|other| other.as_ref() == name) {
            return Err(usage(format!("{option} names `{name}` twice")));
        }
    }
    Ok(())
}

/// Maps columns to the value that selected rows have in them.
pub fn rows_of(filters: &[Filter]) -> Result<BTreeMap<String, String>, CliError> {
    let mut rows = BTreeMap::new();
    for Filter { column, value } in filters {
        let other = rows.insert(column.clone(), value.clone());
        if let Some(other) = other.filter(|other| other != value) {
            return Err(usage(format!(
                "--where asks for `{other}` and for `{value}` in column `{column}`, and no row has \
                 both"
            )));
        }
    }
    Ok(rows)
}

/// Parses settings, each of which may be given once.
pub fn settings_of(texts: &[String]) -> Result<BTreeMap<String, Value>, CliError> {
    Ok(Settings::parse_assignments(texts)?)
}

/// Parses a number of at least 1.
pub fn at_least_one(text: &str) -> Result<usize, String> {
    match text.trim().parse() {
        Ok(0) | Err(_) => Err("it is a whole number from 1 on".to_owned()),
        Ok(count) => Ok(count),
    }
}

/// Parses a number of workers or threads, which all exist at the same time.
pub fn at_once(text: &str) -> Result<usize, String> {
    const MOST: usize = 1024;
    match at_least_one(text)? {
        count if count > MOST => Err(format!("it is at most {MOST}")),
        count => Ok(count),
    }
}

/// Parses a number of resamples, which are all kept in memory.
pub fn resamples(text: &str) -> Result<usize, String> {
    const MOST: usize = 10_000_000;
    let count = text.trim().parse().ok().filter(|count| *count <= MOST);
    count.ok_or_else(|| format!("it is a whole number from 0 to {MOST}"))
}

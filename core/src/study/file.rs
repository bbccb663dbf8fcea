//! Reading the file of a study.
//!
//! Invariant: files of unknown versions are refused, and errors name lines of the file as written.

use super::StudyError;
use crate::truth::text_of;
use serde::de::DeserializeOwned;
use std::{io, ops::Range, path::Path};
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

/// The version of study files. A file without one has version 1.
pub const VERSION: u32 = 1;

/// Sections whose keys were written with hyphens; `training` may also be that of an estimator.
const HYPHENATED: [&str; 2] = ["training", "protocol"];

/// The contents of a study file, and those of its keys that have hyphens, as written.
pub(crate) fn read<T: DeserializeOwned>(path: &Path) -> Result<(T, Vec<String>), StudyError> {
    let wrong = |source| StudyError::Read { path: path.to_owned(), source };
    let bytes = std::fs::read(path).map_err(wrong)?;
    let text = text_of(bytes).map_err(|what| wrong(io::Error::other(format!("it {what}"))))?;
    parse(path, text)
}

/// Parses the text of a study file; returns the same as [`read`].
pub(super) fn parse<T: DeserializeOwned>(
    path: &Path,
    mut text: String,
) -> Result<(T, Vec<String>), StudyError> {
    let wrong = |error: toml::de::Error| StudyError::Parse {
        path: path.to_owned(),
        message: error.to_string(),
    };
    let mut hyphens = Vec::new();
    {
        let table = DeTable::parse(&text).map_err(wrong)?;
        check_version(path, table.get_ref())?;
        find_hyphens(table.get_ref(), &mut hyphens);
    }
    hyphens.sort_by_key(|place| place.start);
    let old = hyphens.iter().map(|place| text[place.clone()].to_owned()).collect();
    for place in hyphens {
        let key = text[place.clone()].replace('-', "_");
        text.replace_range(place, &key);
    }
    Ok((toml::from_str(&text).map_err(wrong)?, old))
}

fn check_version(path: &Path, table: &DeTable<'_>) -> Result<(), StudyError> {
    let Some(version) = table.get("version").and_then(|it| it.get_ref().as_integer()) else {
        return Ok(());
    };
    match u32::from_str_radix(version.as_str(), version.radix()) {
        Ok(1..=VERSION) => Ok(()),
        _ => Err(StudyError::Version {
            path: path.to_owned(),
            found: version.as_str().to_owned(),
            known: VERSION,
        }),
    }
}

/// Collects the places of keys with hyphens, which are read as underscores.
fn find_hyphens(table: &DeTable<'_>, found: &mut Vec<Range<usize>>) {
    for (name, value) in table {
        let tables = match value.get_ref() {
            DeValue::Table(table) => vec![table],
            DeValue::Array(array) => array
                .iter()
                .filter_map(|it: &Spanned<DeValue<'_>>| it.get_ref().as_table())
                .collect(),
            _ => continue,
        };
        for table in tables {
            if HYPHENATED.contains(&name.get_ref().as_ref()) {
                let keys = table.keys().map(Spanned::span);
                found.extend(
                    table
                        .keys()
                        .zip(keys)
                        .filter_map(|(key, place)| key.get_ref().contains('-').then_some(place)),
                );
            } else if name.get_ref() == "estimators" {
                find_hyphens(table, found);
            }
        }
    }
}

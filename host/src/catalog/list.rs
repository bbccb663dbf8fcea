//! The list of all data sets.

use super::{entry::Entry, error::CatalogError};
use osee_model::settings::nearest;
use serde::Deserialize;
use std::sync::LazyLock;

/// All data sets that osee knows, from `host/catalog.toml`.
pub static CATALOG: LazyLock<Catalog> = LazyLock::new(|| {
    Catalog::parse(include_str!("../../catalog.toml")).expect("it is ours, and a test reads it")
});

/// A list of data sets with distinct names.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Catalog {
    #[serde(rename = "entry")]
    entries: Vec<Entry>,
}

impl Catalog {
    /// Reads a catalogue in TOML.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn parse(text: &str) -> Result<Self, String> {
        let catalog: Self = toml::from_str(text).map_err(|error| error.to_string())?;
        for (at, entry) in catalog.entries.iter().enumerate() {
            entry.check().map_err(|what| format!("{}: {what}", entry.name))?;
            if catalog.entries[..at].iter().any(|other| other.name == entry.name) {
                return Err(format!("{} appears twice", entry.name));
            }
        }
        Ok(catalog)
    }

    /// Entries in the order of the file.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The data set of this name.
    ///
    /// # Errors
    /// There is no such data set.
    pub fn find(&self, name: &str) -> Result<&Entry, CatalogError> {
        self.entries.iter().find(|entry| entry.name == name).ok_or_else(|| {
            let near = nearest(name, self.entries.iter().map(|entry| entry.name.as_str()));
            CatalogError::Unknown { name: name.to_owned(), nearest: near.map(str::to_owned) }
        })
    }
}

/// The data set of this name in [`CATALOG`].
///
/// # Errors
/// There is no such data set.
pub fn find(name: &str) -> Result<&'static Entry, CatalogError> {
    CATALOG.find(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::entry::Kind;

    #[test]
    fn what_is_shipped_can_be_read_and_every_entry_says_how_it_is_had() {
        let catalog = Catalog::parse(include_str!("../../catalog.toml")).unwrap();
        for entry in catalog.entries() {
            assert!(!entry.licence.is_empty() && !entry.citation.is_empty(), "{}", entry.name);
            assert!(entry.origin.contains("https://"), "{}", entry.name);
            if entry.kind == Kind::Table {
                assert!(entry.rows.is_some() && !entry.tasks.is_empty(), "{}", entry.name);
            }
        }
        let error = find("nb210").unwrap_err().to_string();
        assert!(error.contains("did you mean `nb201`?"), "{error}");
    }

    #[test]
    fn a_catalogue_with_a_hole_is_refused() {
        let entry = |more: &str| {
            format!(
                "[[entry]]\nname = \"a\"\ntitle = \"t\"\nkind = \"table\"\nconverter = \"csv\"\n\
                 licence = \"l\"\ncitation = \"c\"\norigin = \"o\"\n{more}\n"
            )
        };
        let hash = "0".repeat(64);
        let whole = format!(
            "rows = 1\nfile = [{{ name = \"f\", bytes = 1, sha256 = \"{hash}\", from = [\"https://h/f\"] }}]"
        );
        Catalog::parse(&entry(&whole)).unwrap();
        for (hole, why) in [
            (whole.replace("bytes = 1, ", ""), "no size"),
            (whole.replace(&hash, "00"), "no SHA-256"),
            (whole.replace("rows = 1\n", ""), "rows"),
            (whole.replace("\"f\"", "\"../f\""), "not a valid file name"),
            (whole.replace("https://h/f", "ftp://h/f"), "not an address"),
        ] {
            let error = Catalog::parse(&entry(&hole)).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
        let error = Catalog::parse(&(entry(&whole) + &entry(&whole))).unwrap_err();
        assert!(error.contains("twice"), "{error}");
    }

    #[test]
    fn a_truth_is_chosen_by_task_else_by_images_else_it_is_the_first() {
        let entry = find("nb201").unwrap();
        let column = |task, images| entry.task(task, images).unwrap().column.as_str();
        assert_eq!(column(None, None), "c10_test_hp200_v10");
        assert_eq!(column(None, Some("noise")), "c10_test_hp200_v10");
        assert_eq!(column(None, Some("cifar100")), "nats_c100");
        assert_eq!(column(Some("imagenet16-120"), Some("cifar100")), "nats_in16");
        let error = entry.task(Some("cifar1000"), None).unwrap_err().to_string();
        assert!(error.contains("did you mean `cifar100`?"), "{error}");
    }
}

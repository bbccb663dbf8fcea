//! Which table judges, and how it is read.

use crate::{
    embedded,
    truth::{Duplicates, Filter},
};
use osee_model::paths;
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{MapAccess, Visitor, value::MapAccessDeserializer},
};
use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
};

/// A truth table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TruthChoice {
    /// The path of a CSV or CSV.gz file, the name of a data set such as `nb201`
    /// or `nb201:cifar100`, or `embedded:NAME` for a table that is part of osee;
    /// see [`is_name`].
    #[serde(with = "paths")]
    pub file: PathBuf,
    /// Column with the architecture; that of the data set, else the space's own,
    /// if absent.
    #[serde(default)]
    pub key: Option<String>,
    /// Column with the accuracy; that of the data set, else the space's own, if
    /// absent.
    #[serde(default)]
    pub column: Option<String>,
    /// What becomes of rows about one architecture with different values; as the
    /// catalogue says of a data set, else an error, if absent.
    #[serde(default)]
    pub duplicates: Option<Duplicates>,
    /// A row is about all architectures isomorphic to its own, too, unless they
    /// have one. So it is with embedded tables.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub isomorphic: bool,
    /// Of a table of several things, what stands in which column of the rows
    /// that are meant; all rows if empty.
    #[serde(default, rename = "where", skip_serializing_if = "BTreeMap::is_empty")]
    pub rows: BTreeMap<String, String>,
}

impl TruthChoice {
    /// A table without further choice.
    pub fn plain(file: PathBuf) -> Self {
        Self {
            file,
            key: None,
            column: None,
            duplicates: None,
            isomorphic: false,
            rows: BTreeMap::new(),
        }
    }

    /// Which of its rows are meant.
    pub fn filters(&self) -> Vec<Filter> {
        let filter = |(column, value): (&String, &String)| Filter {
            column: column.clone(),
            value: value.clone(),
        };
        self.rows.iter().map(filter).collect()
    }
}

/// Whether a table is asked for by its name: what holds a `/`, or ends in `.csv`
/// or `.csv.gz`, is a path.
pub fn is_name(table: &Path) -> bool {
    let text = paths::text(table);
    !(text.contains('/') || text.ends_with(".csv") || text.ends_with(".csv.gz"))
}

/// Name and task of the data set that a table is, such as `nb201:cifar100`; `None`
/// for a path, and for a table that is part of osee.
pub fn data_set(table: &Path) -> Option<(String, Option<String>)> {
    if !is_name(table) || embedded::table_name(table).is_some() {
        return None;
    }
    let text = paths::text(table);
    Some(match text.split_once(':') {
        Some((name, task)) => (name.to_owned(), Some(task.to_owned())),
        None => (text, None),
    })
}

/// `truth = "TABLE"`, or a section `[truth]` with its fields.
pub(super) fn by_name_or_fields<'de, D: Deserializer<'de>>(
    source: D,
) -> Result<Option<TruthChoice>, D::Error> {
    struct Either;

    impl<'de> Visitor<'de> for Either {
        type Value = TruthChoice;

        fn expecting(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
            to.write_str("the name or the path of a table, or a section [truth]")
        }

        fn visit_str<E>(self, table: &str) -> Result<TruthChoice, E> {
            Ok(TruthChoice::plain(paths::path(table)))
        }

        fn visit_map<M: MapAccess<'de>>(self, fields: M) -> Result<TruthChoice, M::Error> {
            TruthChoice::deserialize(MapAccessDeserializer::new(fields))
        }
    }

    source.deserialize_any(Either).map(Some)
}

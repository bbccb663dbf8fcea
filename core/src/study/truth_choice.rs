//! Which table judges, and how it is read.

use super::TableSource;
use crate::truth::{Duplicates, Filter};
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{MapAccess, Visitor, value::MapAccessDeserializer},
};
use std::{collections::BTreeMap, fmt};

/// A truth table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TruthChoice {
    /// A CSV or CSV.gz file, a data set such as `nb201` or `nb201:cifar100`, or
    /// `embedded:NAME` for a table that is part of osee.
    #[serde(rename = "file")]
    pub table: TableSource,
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
    pub fn plain(table: TableSource) -> Self {
        Self {
            table,
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
            Ok(TruthChoice::plain(table.to_owned().into()))
        }

        fn visit_map<M: MapAccess<'de>>(self, fields: M) -> Result<TruthChoice, M::Error> {
            TruthChoice::deserialize(MapAccessDeserializer::new(fields))
        }
    }

    source.deserialize_any(Either).map(Some)
}

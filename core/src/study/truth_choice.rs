//! The truth table of a study, and how it is read.

use super::{
    TableSource,
    name_or_fields::{NameOrFields, Named},
};
use crate::truth::{Duplicates, Filter};
use serde::{Deserialize, Deserializer, Serialize};
use std::collections::BTreeMap;

/// A truth table, and how it is read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TruthChoice {
    /// A CSV or CSV.gz file, a data set such as `nb201` or `nb201:cifar100`, or `embedded:NAME` for
    /// a table that is part of osee.
    #[serde(rename = "file")]
    pub table: TableSource,
    /// Column with the architecture. The default is that of the data set, else of the space.
    #[serde(default)]
    pub key: Option<String>,
    /// Column with the accuracy. The default is that of the data set, else of the space.
    #[serde(default)]
    pub column: Option<String>,
    /// What to do with rows of one architecture that differ. The default is that of the data set in
    /// the catalogue, else an error.
    #[serde(default)]
    pub duplicates: Option<Duplicates>,
    /// True if a row also applies to all isomorphic architectures that have no row of their own;
    /// always so for embedded tables.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub isomorphic: bool,
    /// For a table of several things: the values by column that a row must have to be used; empty
    /// for all rows.
    #[serde(default, rename = "where", skip_serializing_if = "BTreeMap::is_empty")]
    pub rows: BTreeMap<String, String>,
}

impl TruthChoice {
    /// A table with default choices.
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

    /// The filters for the rows that are used.
    pub fn filters(&self) -> Vec<Filter> {
        let filter = |(column, value): (&String, &String)| Filter {
            column: column.clone(),
            value: value.clone(),
        };
        self.rows.iter().map(filter).collect()
    }
}

impl Named for TruthChoice {
    const EXPECTED: &'static str = "the name or the path of a table, or a section [truth]";

    fn named(table: &str) -> Self {
        Self::plain(table.to_owned().into())
    }
}

/// Reads `truth = "TABLE"`, or a section `[truth]` with its fields.
pub(super) fn by_name_or_fields<'de, D: Deserializer<'de>>(
    source: D,
) -> Result<Option<TruthChoice>, D::Error> {
    NameOrFields::deserialize(source).map(|NameOrFields(truth)| Some(truth))
}

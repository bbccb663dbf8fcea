//! Filters for the rows of a table that holds several things.

use super::TableError;
use osee_model::settings::nearest;
use std::{collections::BTreeSet, path::Path, str::FromStr};

/// Most values that a message lists.
const LISTED: usize = 10;

/// Selects rows whose cell in a column is this text, ignoring blanks around it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    /// Name of the column.
    pub column: String,
    /// Text that the cell must have.
    pub value: String,
}

impl Filter {
    /// True if a row with this cell is selected.
    pub fn takes(&self, cell: &str) -> bool {
        cell.trim() == self.value
    }

    /// The error that no row is selected; `there` are the values in the column.
    pub(super) fn nothing<'a>(
        &self,
        path: &Path,
        there: impl Iterator<Item = &'a str>,
    ) -> TableError {
        let there: BTreeSet<&str> = there.collect();
        let hint = match nearest(&self.value, there.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => {
                let listed: Vec<&str> = there.iter().copied().take(LISTED).collect();
                let more = if there.len() > LISTED { ", ..." } else { "" };
                format!("it has {}{more}", listed.join(", "))
            }
        };
        let (column, value) = (self.column.clone(), self.value.clone());
        TableError::Where { path: path.to_owned(), column, value, hint }
    }
}

/// Parses `COL=VALUE`.
impl FromStr for Filter {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (column, value) = text.split_once('=').ok_or("the form is COL=VALUE")?;
        Ok(Self { column: column.trim().to_owned(), value: value.trim().to_owned() })
    }
}

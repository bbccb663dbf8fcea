//! Which rows of a table are meant, where it holds several things.

use super::TableError;
use osee_model::settings::nearest;
use std::{collections::BTreeSet, path::Path, str::FromStr};

/// Most values that a message lists.
const LISTED: usize = 10;

/// Rows whose cell in a column is this text, blanks around it aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    /// The column.
    pub column: String,
    /// What stands in it.
    pub value: String,
}

impl Filter {
    /// Whether a cell is that of a row that is meant.
    pub fn takes(&self, cell: &str) -> bool {
        cell.trim() == self.value
    }

    /// No row is meant; `there` is what stands in the column.
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

/// `COL=VALUE`.
impl FromStr for Filter {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (column, value) = text.split_once('=').ok_or("the form is COL=VALUE")?;
        Ok(Self { column: column.trim().to_owned(), value: value.trim().to_owned() })
    }
}

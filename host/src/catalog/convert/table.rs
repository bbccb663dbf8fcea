//! Functions that readers of all formats use to write a table.

use crate::catalog::{entry::Entry, error::Fault};
use osee_files::csv_text::{CsvWriter, Field};
use std::{
    fs::File,
    io::BufWriter,
    path::{Path, PathBuf},
};

/// The table to write.
pub struct Out<'a> {
    pub entry: &'a Entry,
    pub path: PathBuf,
}

impl Out<'_> {
    /// Writes the rows; their number must match the catalogue.
    pub fn write<'a, N: Into<String>>(
        &self,
        names: impl IntoIterator<Item = N>,
        rows: impl IntoIterator<Item = Vec<Field<'a>>>,
    ) -> Result<(), Fault> {
        let io = |source| Fault::io("write", &self.path)(source);
        let file = File::create(&self.path).map_err(io)?;
        let mut writer = CsvWriter::new(BufWriter::new(file), names).map_err(io)?;
        let mut count = 0;
        for row in rows {
            writer.row(row).map_err(io)?;
            count += 1;
        }
        writer.end().map_err(io)?;
        self.count(count)
    }

    /// Checks that the number of rows matches the catalogue.
    pub fn count(&self, found: usize) -> Result<(), Fault> {
        match self.entry.rows {
            Some(wanted) if wanted != found => Err(Fault::Content(format!(
                "the table has {found} rows, but {wanted} are expected"
            ))),
            _ => Ok(()),
        }
    }
}

/// The error that says what is wrong with a file.
pub fn wrong(path: &Path, what: impl Into<String>) -> Fault {
    Fault::Wrong { path: path.to_owned(), what: what.into() }
}

/// Operations by their number in NASLib.
const NASLIB: [&str; 5] = ["skip_connect", "none", "nor_conv_3x3", "nor_conv_1x1", "avg_pool_3x3"];

/// A NAS-Bench-201 cell by the operation numbers of the edges 0-1, 0-2, 0-3, 1-2, 1-3
/// and 2-3, NASLib's order.
pub fn nb201_cell(numbers: &[usize]) -> Option<String> {
    let [a, b, c, d, e, f] = numbers else { return None };
    let op = |at: &usize| NASLIB.get(*at).copied();
    let [a, b, c, d, e, f] = [op(a)?, op(b)?, op(c)?, op(d)?, op(e)?, op(f)?];
    Some(format!("|{a}~0|+|{b}~0|{d}~1|+|{c}~0|{e}~1|{f}~2|"))
}

/// Whole numbers of a tuple as Python prints it.
pub fn tuple(text: &str) -> Option<Vec<usize>> {
    let inner = text.trim().strip_prefix('(')?.strip_suffix(')')?;
    inner.split(',').map(|it| it.trim().parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_of_naslib_has_its_operations_on_the_right_edges() {
        let cell = nb201_cell(&tuple("(4, 1, 3, 3, 3, 2)").unwrap()).unwrap();
        assert_eq!(
            cell,
            "|avg_pool_3x3~0|+|none~0|nor_conv_1x1~1|+|nor_conv_1x1~0|nor_conv_1x1~1|nor_conv_3x3~2|"
        );
        assert_eq!(nb201_cell(&[0, 0, 0, 0, 0, 5]), None);
        assert_eq!(nb201_cell(&[0; 5]), None);
        assert_eq!(tuple("(1, x)"), None);
    }
}

//! A report as one page that needs nothing besides itself: no network, no
//! fonts, no library. It gets a plain document and knows nothing of runs.
//!
//! Invariant: the page's text is a function of the document, byte for byte.
//!
//! Styles are in `report.css`, behaviour in `report.js` and `explorer.js`; without a script
//! everything but the explorer is there to be read.
//!
//! ```
//! use osee_report::figure::{Axis, Figure, Intervals};
//! use osee_report::html::{Absent, Cell, Column, Page, Section, Table, write};
//!
//! let page = Page {
//!     title: "nb201".to_owned(),
//!     lead: "How well 2 estimators rank 300 architectures of NAS-Bench-201.".to_owned(),
//!     basis: vec![("Search space".to_owned(), "nb201".to_owned())],
//!     leaderboard: Some(
//!         Table::new(vec![
//!             Column::text("Estimator", "What gave the scores."),
//!             Column::number("KD", "Kendall's tau-b between scores and truth."),
//!         ])
//!         .row(vec![Cell::text("synflow"), Cell::number("0.569", 0.569)])
//!         .own_row(vec![Cell::text("mine"), Cell::undefined("all scores are equal")]),
//!     ),
//!     sections: vec![
//!         Section::new("intervals", "How sure the order is")
//!             .finding("The intervals of synflow and relu_logdet do not overlap.")
//!             .rests_on("300 architectures, seeds 20 and 2020, 1,000 bootstrap samples")
//!             .figure(Figure::new(
//!                 "kd",
//!                 "KD with its 95% interval",
//!                 Intervals::new(Axis::new("KD")).row("synflow", 0.569, false),
//!             )),
//!     ],
//!     absent: vec![Absent {
//!         heading: "Criteria over checkpoints".to_owned(),
//!         reason: "The study trains no supernet.".to_owned(),
//!         add: "[[estimators]]\nid = \"supernet\"".to_owned(),
//!     }],
//!     ..Page::default()
//! };
//! let folder = std::env::temp_dir().join("osee-doc-report");
//! let written = write(&page, &folder)?;
//! assert_eq!(written.len(), 3);
//! assert!(folder.join("figures/intervals-kd.svg").exists());
//! # std::fs::remove_dir_all(&folder).unwrap();
//! # Ok::<(), osee_report::html::WriteError>(())
//! ```

mod bulk;
mod explorer;
mod page;
mod table;
#[cfg(test)]
mod tests;

pub use explorer::{Explorer, Scores};
pub use table::{Cell, Column, Table};

use super::figure::Figure;
use osee_files::write_whole;
use std::path::{Path, PathBuf};

/// What a report says.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Page {
    /// What the report is about, such as the study's name.
    pub title: String,
    /// What it found, in a sentence or two; may be empty.
    pub lead: String,
    /// What it rests on: name and value, such as space, number of
    /// architectures, seeds, protocol, data, truth.
    pub basis: Vec<(String, String)>,
    /// Estimators, best first.
    pub leaderboard: Option<Table>,
    /// Scores against truth, architecture by architecture.
    pub explorer: Option<Explorer>,
    /// One per analysis.
    pub sections: Vec<Section>,
    /// Analyses that the data does not allow.
    pub absent: Vec<Absent>,
}

/// One analysis.
#[derive(Debug, Clone, PartialEq)]
pub struct Section {
    /// Its name in links and file names, such as `complexity`.
    pub name: String,
    /// Its heading.
    pub heading: String,
    /// What it shows, in one sentence.
    pub finding: String,
    /// What that rests on: architectures, seeds, settings.
    pub rests_on: String,
    /// Its figures.
    pub figures: Vec<Figure>,
    /// Its numbers, if they are to be read one by one.
    pub table: Option<Table>,
}

impl Section {
    /// A section without content.
    pub fn new(name: &str, heading: &str) -> Self {
        Self {
            name: name.to_owned(),
            heading: heading.to_owned(),
            finding: String::new(),
            rests_on: String::new(),
            figures: Vec::new(),
            table: None,
        }
    }

    /// With the sentence that says what it shows.
    #[must_use]
    pub fn finding(self, finding: &str) -> Self {
        Self { finding: finding.to_owned(), ..self }
    }

    /// With what it rests on.
    #[must_use]
    pub fn rests_on(self, rests_on: &str) -> Self {
        Self { rests_on: rests_on.to_owned(), ..self }
    }

    /// With one more figure.
    #[must_use]
    pub fn figure(mut self, figure: Figure) -> Self {
        self.figures.push(figure);
        self
    }

    /// With its numbers.
    #[must_use]
    pub fn table(self, table: Table) -> Self {
        Self { table: Some(table), ..self }
    }
}

/// An analysis that is not in the report.
#[derive(Debug, Clone, PartialEq)]
pub struct Absent {
    /// What it would be.
    pub heading: String,
    /// Why it is not.
    pub reason: String,
    /// What to add to the study file; may be empty.
    pub add: String,
}

/// A file of the report could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {}: {source}; is there room, and may you write there?", file.display())]
pub struct WriteError {
    /// Which.
    pub file: PathBuf,
    /// Why.
    pub source: std::io::Error,
}

/// The page as text.
pub fn html(page: &Page) -> String {
    page::html(page)
}

/// Writes `report.html`, and every figure as `figures/SECTION-NAME.svg` and
/// `.csv`; says what it wrote, the page last. Each file is there whole or not
/// at all, and the page only when its figures are.
///
/// # Errors
/// When a file cannot be written.
pub fn write(page: &Page, folder: &Path) -> Result<Vec<PathBuf>, WriteError> {
    let figures = folder.join("figures");
    let failed = |file: &Path| {
        let file = file.to_owned();
        |source| WriteError { file, source }
    };
    std::fs::create_dir_all(&figures).map_err(failed(&figures))?;
    let mut files = Vec::new();
    for (name, figure) in page::named_figures(page) {
        files.push((figures.join(format!("{name}.svg")), figure.svg()));
        files.push((figures.join(format!("{name}.csv")), figure.csv()));
    }
    let names: Vec<&str> = files.iter().filter_map(|(file, _)| name_of(file)).collect();
    let list = figures.join(LIST);
    let before = std::fs::read_to_string(&list).unwrap_or_default();
    let list_now = names.join("\n") + "\n";
    // What an earlier report wrote and this one has not would be read as its own.
    for stale in before.lines().filter(|name| !names.contains(name)) {
        if name_of(Path::new(stale)) == Some(stale) {
            // It may be gone already.
            let _ = std::fs::remove_file(figures.join(stale));
        }
    }
    files.push((folder.join("report.html"), html(page)));
    for (file, text) in &files {
        write_whole(file, text).map_err(failed(file))?;
    }
    write_whole(&list, &list_now).map_err(failed(&list))?;
    Ok(files.into_iter().map(|(file, _)| file).collect())
}

/// Names of the figures that the last report wrote, a line each.
const LIST: &str = ".written";

fn name_of(file: &Path) -> Option<&str> {
    file.file_name()?.to_str()
}

//! Writes a report as one self-contained page: no network, no fonts, no library. It
//! gets a plain document and knows nothing of runs.
//!
//! Invariant: the page's text is a function of the document, byte for byte.
//!
//! Styles are in `report.css`, behaviour in `report.js` and `explorer.js`. Without
//! scripts everything but the explorer can be read.
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
//!         .marked_row(vec![Cell::text("mine"), Cell::undefined("all scores are equal")], "estimators of user plugins"),
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

/// Content of a report.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Page {
    /// Subject of the report, such as the study's name.
    pub title: String,
    /// The result in a sentence or two; may be empty.
    pub lead: String,
    /// What the report rests on, as name and value: space, number of architectures, seeds,
    /// protocol, data, truth.
    pub basis: Vec<(String, String)>,
    /// Table of the estimators, best first.
    pub leaderboard: Option<Table>,
    /// Scores against truth, architecture by architecture.
    pub explorer: Option<Explorer>,
    /// One section per analysis.
    pub sections: Vec<Section>,
    /// Analyses that the data does not allow.
    pub absent: Vec<Absent>,
}

/// The section of one analysis.
#[derive(Debug, Clone, PartialEq)]
pub struct Section {
    /// Name in links and file names, such as `complexity`.
    pub name: String,
    /// Heading of the section.
    pub heading: String,
    /// The result, in one sentence.
    pub finding: String,
    /// What the result rests on: architectures, seeds, settings.
    pub rests_on: String,
    /// Figures, in order.
    pub figures: Vec<Figure>,
    /// Table of the numbers, if a reader needs them.
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

    /// Sets the sentence with the result.
    #[must_use]
    pub fn finding(self, finding: &str) -> Self {
        Self { finding: finding.to_owned(), ..self }
    }

    /// Sets what the result rests on.
    #[must_use]
    pub fn rests_on(self, rests_on: &str) -> Self {
        Self { rests_on: rests_on.to_owned(), ..self }
    }

    /// Adds a figure.
    #[must_use]
    pub fn figure(mut self, figure: Figure) -> Self {
        self.figures.push(figure);
        self
    }

    /// Sets the table of the numbers.
    #[must_use]
    pub fn table(self, table: Table) -> Self {
        Self { table: Some(table), ..self }
    }
}

/// An analysis that is not in the report.
#[derive(Debug, Clone, PartialEq)]
pub struct Absent {
    /// Heading that the analysis would have.
    pub heading: String,
    /// The reason why it is missing.
    pub reason: String,
    /// Lines to add to the study file; may be empty.
    pub add: String,
}

/// A file of the report cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {}: {source}; is there room, and may you write there?", file.display())]
pub struct WriteError {
    /// Path of the file.
    pub file: PathBuf,
    /// The system's error.
    pub source: std::io::Error,
}

/// The page as HTML text.
pub fn html(page: &Page) -> String {
    page::html(page)
}

/// Writes every figure as `figures/SECTION-NAME.svg` and `.csv`, then `report.html`.
/// Returns the paths in this order. Each file is written whole or not at all, and the
/// page only after its figures.
///
/// # Errors
/// A file cannot be written.
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
    // Figures of an earlier report would be mistaken for this one's.
    for stale in before.lines().filter(|name| !names.contains(name)) {
        if name_of(Path::new(stale)) == Some(stale) {
            // It may already be gone.
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

/// File with the names of the figures that the last report wrote, one per line.
const LIST: &str = ".written";

fn name_of(file: &Path) -> Option<&str> {
    file.file_name()?.to_str()
}

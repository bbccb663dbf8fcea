//! Analyses, and the page of a report.

mod analysis;
mod neighbours;
mod report_page;
mod rows;

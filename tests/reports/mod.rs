//! Analyses, and the page of a report.

mod analysis;
mod neighbours;
mod printed;
mod report_page;
mod rows;

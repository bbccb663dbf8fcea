//! Writing files: tables as CSV ([`csv_text`]), and files that appear complete or not at all
//! ([`write_whole`]).
//!
//! Invariant: nothing here knows what a file contains.

pub mod csv_text;
mod whole;

pub use whole::write_whole;

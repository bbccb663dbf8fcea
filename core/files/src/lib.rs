//! Files as osee writes them: tables as CSV ([`csv_text`]), and every file whole
//! or not at all ([`write_whole`]).
//!
//! Invariant: nothing here knows what a file is about.

pub mod csv_text;
mod whole;

pub use whole::write_whole;

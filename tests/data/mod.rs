//! Data sets by name, and tables of truth.

mod by_name;
mod command;
mod convert;
mod fetch;
mod lookups;
mod tables;
mod truth;

//! The catalogue: names of data sets, their sources, and their place on disk. Only
//! `host/catalog.toml` knows of single ones.
//!
//! A [`Home`] has one folder per data set, with the original files, the converted
//! ones, and a card that lists them. Invariant: a folder with a card is complete, and
//! no file is replaced or removed unless it is, byte for byte, what its card says
//! was written.

mod address;
mod card;
pub(crate) mod convert;
mod entry;
mod error;
mod fetch;
mod files;
mod home;
mod import;
mod install;
mod list;
mod lock;
mod source;

pub use address::{Address, Mirror};
pub use card::{Card, Role, Written};
pub use entry::{Converter, Entry, Kind, NoTask, Original, Task};
pub use error::{CatalogError, Fault};
pub use fetch::{Fetching, fetch};
pub use home::Home;
pub use import::import;
pub use list::{CATALOG, Catalog, find};
pub use source::{TruthSource, images};

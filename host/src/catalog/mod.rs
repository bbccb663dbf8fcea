//! The catalogue: data sets by name, where they come from, and where they lie
//! once they are here. `host/catalog.toml` is all that knows of single ones.
//!
//! What is here lies in a [`Home`], a folder per data set with the original
//! files, what was made of them, and a card that says so. Invariant: a folder
//! with a card is whole, and no file is replaced or removed that is not, byte
//! for byte, what its card says was written.

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

//! Imports data sets that the user already has: files are checked, copied, converted.

use super::{
    address::Address,
    card::{Card, ORIGINAL, Role, Written},
    convert::images,
    entry::{Entry, Original},
    error::{CatalogError, Fault, how_to_import},
    files::{self, check},
    home::Home,
    install::{Staging, free},
};
use crate::stop::Stop;
use std::{
    fs::{self, File},
    path::{Path, PathBuf},
};

/// Imports a data set from a file, or from a folder with its files. The user's files
/// are not changed.
///
/// # Errors
/// Files are missing or not those of the data set, something is in the way, or the
/// disk is full.
pub fn import(entry: &Entry, path: &Path, home: &Home, stop: &Stop) -> Result<Card, CatalogError> {
    import_files(entry, path, home, stop).map_err(|fault| fault.of(entry))
}

fn import_files(entry: &Entry, path: &Path, home: &Home, stop: &Stop) -> Result<Card, Fault> {
    if entry.converter.is_none() {
        return Err(Fault::NoReader { origin: entry.origin.clone() });
    }
    let wanted = find(entry, path)?;
    let _lock = home.lock(entry, stop)?;
    free(&home.folder(entry), stop)?;
    let staging = Staging::imported(home, entry)?;
    let copied: Result<Vec<Written>, Fault> =
        wanted.iter().map(|it| copy(it, staging.folder(), stop)).collect();
    let done = copied.and_then(|copied| staging.finish(copied, stop));
    if done.is_err() {
        // The first error matters more than one of cleaning up.
        let _ = staging.discard();
        files::remove_empty(&home.incoming(entry));
    }
    done
}

/// A file of the user's that is to be copied.
#[derive(Debug)]
struct Wanted<'a> {
    path: PathBuf,
    /// Path in the data set's folder.
    place: String,
    /// The catalogue's entry for it; `None` for a file of an image folder.
    known: Option<&'a Original>,
}

impl<'a> Wanted<'a> {
    /// An original file; without a known hash it keeps its own name.
    fn original(path: PathBuf, file: &'a Original) -> Self {
        let own = path.file_name().map(|name| name.to_string_lossy().into_owned());
        let name = own.filter(|_| file.sha256.is_none()).unwrap_or_else(|| file.name.clone());
        Self { path, place: format!("{ORIGINAL}/{name}"), known: Some(file) }
    }
}

fn find<'a>(entry: &'a Entry, path: &Path) -> Result<Vec<Wanted<'a>>, Fault> {
    let facts = fs::metadata(path).map_err(Fault::io("read", path))?;
    if facts.is_dir() {
        return match images::Layout::of(entry) {
            Some(layout) => {
                let found = layout.in_folder(path)?.into_iter();
                Ok(found.map(|(place, path)| Wanted { path, place, known: None }).collect())
            }
            None => entry.files.iter().map(|file| in_folder(entry, file, path)).collect(),
        };
    }
    match entry.files.as_slice() {
        [only] => Ok(vec![Wanted::original(path.to_owned(), only)]),
        several => {
            let names: Vec<&str> = several.iter().map(|it| it.name.as_str()).collect();
            let needs = match names.is_empty() {
                true => String::new(),
                false => format!(": {}", names.join(", ")),
            };
            Err(Fault::Content(format!(
                "{} is one file, but several are needed{needs}\n  help: import the folder that they \
                 are in: {}",
                path.display(),
                how_to_import(entry)
            )))
        }
    }
}

/// Finds a file by its name in the catalogue, or by its path in a mirror.
fn in_folder<'a>(entry: &Entry, file: &'a Original, folder: &Path) -> Result<Wanted<'a>, Fault> {
    let mut places = vec![file.name.clone()];
    places.extend(file.name.strip_suffix(".gz").map(str::to_owned));
    let addresses = file.from.iter().filter_map(|it| Address::parse(it).ok());
    places.extend(addresses.map(|it| it.in_mirror(&file.name)));
    match places.iter().map(|place| folder.join(place)).find(|path| path.is_file()) {
        Some(path) => Ok(Wanted::original(path, file)),
        None => Err(Fault::Content(format!(
            "{} holds no {}\n  help: it comes from {}",
            folder.display(),
            places.join(", nor "),
            file.from.first().unwrap_or(&entry.origin)
        ))),
    }
}

fn copy(wanted: &Wanted<'_>, to: &Path, stop: &Stop) -> Result<Written, Fault> {
    let copy = to.join(&wanted.place);
    if let Some(folder) = copy.parent() {
        files::folder(folder)?;
    }
    let file = File::create(&copy).map_err(Fault::io("write", &copy))?;
    let (bytes, sha256) = files::digest(&wanted.path, stop, file)?;
    if let Some(known) = wanted.known {
        check(&wanted.path, known, bytes, &sha256)?;
    }
    let from = Some("imported".to_owned());
    Ok(Written { path: wanted.place.clone(), role: Role::Original, bytes, sha256, from })
}

//! The folder that holds all data sets.

use super::{
    card::{CARD, Card, Difference},
    entry::{Entry, Kind},
    error::{CatalogError, Fault, how_to_get},
    files,
    list::find,
    lock::Lock,
};
use crate::stop::Stop;
use osee_model::data_source::DataSource;
use std::{
    env,
    path::{Path, PathBuf},
};

/// The folder of all data sets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Home(PathBuf);

impl Home {
    /// Uses `OSEE_DATA`, else `osee` in the XDG data folder.
    ///
    /// # Errors
    /// `HOME` is not set either.
    pub fn find() -> Result<Self, CatalogError> {
        Self::of(|name| env::var_os(name).filter(|it| !it.is_empty()).map(PathBuf::from))
            .ok_or(CatalogError::NoHome)
    }

    fn of(variable: impl Fn(&str) -> Option<PathBuf>) -> Option<Self> {
        if let Some(folder) = variable("OSEE_DATA") {
            return Some(Self(folder));
        }
        // The XDG specification says to ignore a relative path.
        let data = variable("XDG_DATA_HOME").filter(|it| it.is_absolute());
        let data = data.or_else(|| Some(variable("HOME")?.join(".local/share")))?;
        Some(Self(data.join("osee")))
    }

    /// Uses this folder.
    pub fn at(folder: impl Into<PathBuf>) -> Self {
        Self(folder.into())
    }

    /// Path of the folder.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Folder of a data set, whether it is here or not.
    pub fn folder(&self, entry: &Entry) -> PathBuf {
        self.0.join(&entry.name)
    }

    /// Folder for a data set's files during a fetch. Users may put files there that they
    /// got in another way.
    pub fn incoming(&self, entry: &Entry) -> PathBuf {
        self.0.join("incoming").join(&entry.name)
    }

    /// Card of a data set; `None` if the data set is not here.
    ///
    /// # Errors
    /// The card cannot be read.
    pub fn card(&self, entry: &Entry) -> Result<Option<Card>, CatalogError> {
        Card::read(&self.folder(entry)).map_err(|fault| fault.of(entry))
    }

    /// The CSV file of a table.
    ///
    /// # Errors
    /// The name is not that of a table, or the table is not here; the message has the
    /// command that gets it.
    pub fn table(&self, name: &str) -> Result<PathBuf, CatalogError> {
        self.of_kind(name, Kind::Table)
    }

    /// The images of a data set.
    ///
    /// # Errors
    /// The name is not that of images, or they are not here; the message has the command
    /// that gets them.
    pub fn images(&self, name: &str) -> Result<DataSource, CatalogError> {
        let folder = self.of_kind(name, Kind::Images)?;
        Ok(DataSource::in_folder(name, folder))
    }

    fn of_kind(&self, name: &str, kind: Kind) -> Result<PathBuf, CatalogError> {
        let entry = find(name)?;
        if entry.kind != kind {
            let what = match entry.kind {
                Kind::Table => "it is a table, not images",
                Kind::Images => "it is images, not a table",
            };
            let fault = Box::new(Fault::Content(what.to_owned()));
            // The kind that the caller wanted determines the exit code.
            return Err(CatalogError::Of { name: entry.name.clone(), kind, fault });
        }
        self.located(entry)
    }

    /// The CSV file of a table, or the folder of images.
    ///
    /// # Errors
    /// The data set is not here; the message has the command that gets it.
    pub fn located(&self, entry: &Entry) -> Result<PathBuf, CatalogError> {
        let folder = self.folder(entry);
        let path = match entry.kind {
            Kind::Table => folder.join(entry.table()),
            Kind::Images => folder,
        };
        match self.card(entry)?.is_some() && path.exists() {
            true => Ok(path),
            false => Err(self.not_here(entry)),
        }
    }

    /// Reads every byte of a data set and compares it with the card.
    ///
    /// # Errors
    /// The data set is not here, or a file was changed.
    pub fn verify(&self, entry: &Entry, stop: &Stop) -> Result<Card, CatalogError> {
        let Some(card) = self.card(entry)? else {
            return Err(self.not_here(entry));
        };
        let changed = card.changed(&self.folder(entry), stop).map_err(|it| it.of(entry))?;
        match changed.is_empty() {
            true => Ok(card),
            false => {
                let what = |difference| match difference {
                    Difference::Gone => "is gone".to_owned(),
                    Difference::Other => "was changed since it was written".to_owned(),
                };
                let changed = changed.into_iter().map(|(path, it)| (path, what(it))).collect();
                Err(Fault::Changed(changed).of(entry))
            }
        }
    }

    /// Removes the files of a data set that match its card. Changed files and files that
    /// osee did not write stay, and are returned.
    ///
    /// # Errors
    /// The data set is not here, or a file cannot be removed.
    pub fn remove(&self, entry: &Entry, stop: &Stop) -> Result<Vec<PathBuf>, CatalogError> {
        let of = |fault: Fault| fault.of(entry);
        let _lock = self.lock(entry, stop).map_err(of)?;
        let folder = self.folder(entry);
        let Some(card) = self.card(entry)? else {
            return Err(self.not_here(entry));
        };
        let changed = card.changed(&folder, stop).map_err(of)?;
        // Converted files go first, then the originals, and the card last.
        for file in card.files.iter().rev() {
            let path = folder.join(&file.path);
            if !changed.iter().any(|(other, _)| *other == path) {
                files::remove(&path).map_err(of)?;
            }
        }
        files::remove(&folder.join(CARD)).map_err(of)?;
        files::remove_empty(&folder);
        Ok(files::all_files(&folder))
    }

    fn not_here(&self, entry: &Entry) -> CatalogError {
        Fault::NotHere { home: self.0.clone(), how: how_to_get(entry) }.of(entry)
    }

    /// Waits until no other process works on this data set.
    pub(super) fn lock(&self, entry: &Entry, stop: &Stop) -> Result<Lock, Fault> {
        files::folder(&self.0)?;
        Lock::take(&self.0.join(format!(".{}.lock", entry.name)), &entry.name, stop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_is_osee_data_then_xdg_then_home() {
        let found = |set: &[(&str, &str)]| {
            let value = |name: &str| set.iter().find(|it| it.0 == name).map(|it| it.1.into());
            Home::of(value).map(|home| home.0.display().to_string())
        };
        let home = ("HOME", "/h");
        assert_eq!(found(&[home, ("XDG_DATA_HOME", "/x"), ("OSEE_DATA", "d")]).unwrap(), "d");
        assert_eq!(found(&[home, ("XDG_DATA_HOME", "/x")]).unwrap(), "/x/osee");
        assert_eq!(found(&[home, ("XDG_DATA_HOME", "x")]).unwrap(), "/h/.local/share/osee");
        assert_eq!(found(&[home]).unwrap(), "/h/.local/share/osee");
        assert_eq!(found(&[]), None);
    }

    #[test]
    fn what_is_not_here_is_named_with_the_command_that_gets_it() {
        let home = Home::at("/nowhere");
        let error = home.table("nb201").unwrap_err().to_string();
        assert!(error.contains("osee-host data fetch nb201"), "{error}");
        let error = home.table("nb301").unwrap_err().to_string();
        assert!(error.contains("osee-host data import nb301 FILE"), "{error}");
        let error = home.images("cifar10").unwrap_err().to_string();
        assert!(error.contains("osee-host data fetch cifar10"), "{error}");
        let error = home.images("nb201").unwrap_err().to_string();
        assert!(error.contains("it is a table"), "{error}");
    }
}

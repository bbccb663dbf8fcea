//! Installs a data set: it is prepared beside its place and exchanged in one step.

use super::{
    card::{CARD, Card, Difference, ORIGINAL, Role, Written},
    convert::convert,
    entry::Entry,
    error::Fault,
    files::{self, all_files},
    home::Home,
};
use crate::stop::Stop;
use rustix::{
    fs::{CWD, RenameFlags, renameat_with},
    io::Errno,
};
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// The folder that is prepared, to become the data set's.
#[derive(Debug)]
pub struct Staging<'a> {
    home: &'a Home,
    entry: &'a Entry,
    folder: PathBuf,
}

impl<'a> Staging<'a> {
    /// An empty folder for fetched files. Left-overs of a killed process are removed;
    /// original files among them are given back.
    pub fn fetched(home: &'a Home, entry: &'a Entry) -> Result<Self, Fault> {
        let staging = Self { home, entry, folder: home.incoming(entry).join(".fetched") };
        staging.give_back()?;
        files::folder(&staging.folder)?;
        Ok(staging)
    }

    /// An empty folder for copies of the user's files.
    pub fn imported(home: &'a Home, entry: &'a Entry) -> Result<Self, Fault> {
        let staging = Self { home, entry, folder: home.incoming(entry).join(".imported") };
        staging.discard()?;
        files::folder(&staging.folder)?;
        Ok(staging)
    }

    /// Path of the folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Removes the folder; moves original files, which were checked, back to the incoming
    /// ones.
    pub fn give_back(&self) -> Result<(), Fault> {
        for path in all_files(&self.folder.join(ORIGINAL)) {
            let Some(name) = path.file_name() else { continue };
            let back = self.home.incoming(self.entry).join(name);
            if !back.exists() {
                fs::rename(&path, &back).map_err(Fault::io("move", &path))?;
            }
        }
        self.discard()
    }

    /// Removes the folder with everything in it.
    pub fn discard(&self) -> Result<(), Fault> {
        match fs::remove_dir_all(&self.folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(Fault::io("remove", &self.folder)(error));
            }
            _ => {}
        }
        Ok(())
    }

    /// Converts the original files, and exchanges the folder with the data set's.
    pub fn finish(&self, originals: Vec<Written>, stop: &Stop) -> Result<Card, Fault> {
        let paths: Vec<PathBuf> =
            originals.iter().map(|file| self.folder.join(&file.path)).collect();
        let made = convert(self.entry, &paths, &self.folder, stop)?;
        let mut written = originals;
        for path in made {
            let (bytes, sha256) = files::digest(&self.folder.join(&path), stop, io::sink())?;
            written.push(Written { path, role: Role::Converted, bytes, sha256, from: None });
        }
        for path in all_files(&self.folder) {
            files::sync(&path)?;
        }
        let card = Card::of(self.entry, written);
        card.write(&self.folder)?;
        files::sync(&self.folder)?;
        if stop.is_set() {
            return Err(Fault::Stopped);
        }
        self.exchange(stop)?;
        files::sync(self.home.path())?;
        files::remove_empty(&self.home.incoming(self.entry));
        Ok(card)
    }

    fn exchange(&self, stop: &Stop) -> Result<(), Fault> {
        let place = self.home.folder(self.entry);
        let there = fs::symlink_metadata(&place).is_ok();
        if !there {
            return fs::rename(&self.folder, &place).map_err(Fault::io("write", &place));
        }
        free(&place, stop)?;
        match renameat_with(CWD, &self.folder, CWD, &place, RenameFlags::EXCHANGE) {
            Ok(()) => {}
            // The file system cannot exchange: the data set is missing for a moment.
            Err(Errno::INVAL | Errno::NOSYS) => {
                let old = self.folder.with_extension("old");
                fs::rename(&place, &old).map_err(Fault::io("move", &place))?;
                let placed = fs::rename(&self.folder, &place);
                let back = if placed.is_ok() { &self.folder } else { &place };
                fs::rename(&old, back).map_err(Fault::io("move", &old))?;
                placed.map_err(Fault::io("write", &place))?;
            }
            Err(error) => return Err(Fault::io("write", &place)(error.into())),
        }
        fs::remove_dir_all(&self.folder).map_err(Fault::io("remove", &self.folder))
    }
}

/// Checks that a folder is absent, or holds only unchanged files that its card lists.
pub fn free(place: &Path, stop: &Stop) -> Result<(), Fault> {
    match fs::symlink_metadata(place) {
        Ok(facts) if facts.is_dir() => {}
        Ok(_) => return Err(Fault::InTheWay(place.to_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(Fault::io("read", place)(error)),
    }
    let card = Card::read(place)?;
    let mut ours: Vec<PathBuf> = Vec::new();
    if let Some(card) = card {
        ours.push(place.join(CARD));
        for file in &card.files {
            ours.push(place.join(&file.path));
        }
        let other = card.changed(place, stop)?.into_iter().find(|it| it.1 == Difference::Other);
        if let Some((path, _)) = other {
            return Err(Fault::InTheWay(path));
        }
    }
    match all_files(place).into_iter().find(|path| !ours.contains(path)) {
        Some(path) => Err(Fault::InTheWay(path)),
        None => Ok(()),
    }
}

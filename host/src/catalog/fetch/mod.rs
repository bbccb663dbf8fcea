//! Gets the original files of a data set from the first source that has them, and
//! converts them.

mod http;
mod pip;
mod why;

use super::{
    address::{Address, Mirror},
    card::{Card, ORIGINAL, Role, Written},
    entry::{Entry, Original},
    error::{CatalogError, Fault, how_to_get, how_to_import},
    files::{self, check},
    home::Home,
    install::{Staging, free},
};
use crate::{
    progress::{Event, Reporter},
    stop::Stop,
};
use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use why::{Why, other_hash, other_size};

/// How files are fetched.
#[derive(Debug, Clone)]
pub struct Fetching {
    /// Receives the progress of downloads.
    pub reporter: Arc<dyn Reporter>,
    /// A mirror, tried before any other source.
    pub mirror: Option<Mirror>,
    /// True if the network must not be used.
    pub offline: bool,
    /// Longest silence of a server before it is given up.
    pub patience: Duration,
}

impl Fetching {
    /// Uses the environment's mirror and a patience of 60 s.
    pub fn from_environment(offline: bool, reporter: Arc<dyn Reporter>) -> Self {
        let mirror = Mirror::from_environment();
        Self { reporter, mirror, offline, patience: Duration::from_secs(60) }
    }
}

/// Fetches a data set, unless it is already here. An interrupted download is resumed.
///
/// # Errors
/// No source has its files, something is in the way, or the disk is full.
pub fn fetch(
    entry: &Entry,
    home: &Home,
    how: &Fetching,
    stop: &Stop,
) -> Result<Card, CatalogError> {
    let of = |fault: Fault| fault.of(entry);
    if entry.converter.is_none() {
        return Err(of(Fault::NoReader { origin: entry.origin.clone() }));
    }
    let _lock = home.lock(entry, stop).map_err(of)?;
    free(&home.folder(entry), stop).map_err(of)?;
    // `free` has just seen that nothing was changed; but files may be missing.
    if let Some(card) = home.card(entry)?
        && card.is_of(entry)
        && card.files.iter().all(|file| home.folder(entry).join(&file.path).exists())
    {
        return Ok(card);
    }
    if !entry.can_be_fetched() {
        return Err(of(Fault::NoAddress { how: how_to_get(entry) }));
    }
    fetch_files(entry, home, how, stop).map_err(of)
}

fn fetch_files(entry: &Entry, home: &Home, how: &Fetching, stop: &Stop) -> Result<Card, Fault> {
    let incoming = home.incoming(entry);
    files::folder(&incoming)?;
    // Returns what a killed process had staged.
    Staging::fetched(home, entry)?.discard()?;
    let mut had = Vec::new();
    for file in &entry.files {
        had.push((file, Getting { entry, file, incoming: &incoming, how, stop }.get()?));
    }
    let staging = Staging::fetched(home, entry)?;
    let mut originals = Vec::new();
    files::folder(&staging.folder().join(ORIGINAL))?;
    for (file, from) in had {
        let path = format!("{ORIGINAL}/{}", file.name);
        let (there, here) = (incoming.join(&file.name), staging.folder().join(&path));
        fs::rename(&there, &here).map_err(Fault::io("move", &there))?;
        let (bytes, sha256) = (file.bytes.unwrap_or(0), file.sha256.clone().unwrap_or_default());
        originals.push(Written { path, role: Role::Original, bytes, sha256, from: Some(from) });
    }
    staging.finish(originals, stop).inspect_err(|_| {
        // The first error is the one to report; the next call gives back the rest.
        let _ = staging.give_back();
    })
}

/// Fetches one file.
struct Getting<'a> {
    entry: &'a Entry,
    file: &'a Original,
    incoming: &'a Path,
    how: &'a Fetching,
    stop: &'a Stop,
}

impl Getting<'_> {
    /// Puts the file among the incoming ones; returns its source.
    fn get(&self) -> Result<String, Fault> {
        let place = self.incoming.join(&self.file.name);
        if fs::symlink_metadata(&place).is_ok() {
            let (bytes, sha256) = files::digest(&place, self.stop, std::io::sink())?;
            check(&place, self.file, bytes, &sha256)?;
            return Ok("fetched before, or put there by hand".to_owned());
        }
        let addresses: Vec<Address> =
            self.file.from.iter().filter_map(|it| Address::parse(it).ok()).collect();
        let mut tried = Vec::new();
        let mirrored = addresses
            .iter()
            .filter_map(|it| Some(self.how.mirror.as_ref()?.place(&it.in_mirror(&self.file.name))));
        let mirrored: Vec<Mirror> = mirrored.collect();
        for source in &mirrored {
            let name = source.to_string();
            match self.outcome(&name, || match source {
                Mirror::Folder(path) => self.copied(path),
                Mirror::Http(address) => self.downloaded(address),
            })? {
                None => return Ok(name),
                Some(why) => tried.push((name, why)),
            }
        }
        for source in &addresses {
            let name = source.to_string();
            match self.outcome(&name, || match source {
                Address::Http(address) => self.downloaded(address),
                Address::Pypi { name, version } => self.by_pip(name, version),
            })? {
                None => return Ok(name),
                Some(why) => tried.push((name, why)),
            }
        }
        let (file, how) = (self.file.name.clone(), how_to_import(self.entry));
        Err(Fault::Unreachable { file, tried, place, how })
    }

    /// `None` if a source gave the file, else the reason why not.
    fn outcome(
        &self,
        source: &str,
        get: impl FnOnce() -> Result<(), Why>,
    ) -> Result<Option<String>, Fault> {
        match get() {
            Ok(()) => {
                let part = self.part();
                files::sync(&part)?;
                let place = self.incoming.join(&self.file.name);
                fs::rename(&part, &place).map_err(Fault::io("move", &part))?;
                Ok(None)
            }
            Err(Why::Stopped) => Err(Fault::Stopped),
            Err(Why::Here(fault)) => Err(fault),
            Err(Why::Failed(why)) => {
                tracing::info!(%source, %why, "no file");
                Ok(Some(why))
            }
        }
    }

    fn part(&self) -> PathBuf {
        self.incoming.join(format!("{}.part", self.file.name))
    }

    fn bytes(&self) -> u64 {
        self.file.bytes.unwrap_or(0)
    }

    /// Downloads by `get`, and reports its beginning and end.
    fn told(&self, source: &str, get: impl FnOnce() -> Result<(), Why>) -> Result<(), Why> {
        let (data_set, file, bytes) = (&self.entry.name, &self.file.name, self.bytes());
        self.how.reporter.tell(Event::DownloadBegins { data_set, file, bytes, source });
        let got = get();
        self.how.reporter.tell(Event::Over);
        got
    }

    fn downloaded(&self, address: &str) -> Result<(), Why> {
        if self.how.offline {
            return Err(Why::Failed("not asked, because of --offline".to_owned()));
        }
        let download = http::Download {
            address,
            part: &self.part(),
            bytes: self.bytes(),
            sha256: self.file.sha256.as_deref().unwrap_or_default(),
            patience: self.how.patience,
            stop: self.stop,
            reporter: &*self.how.reporter,
        };
        self.told(address, || download.run())
    }

    fn by_pip(&self, name: &str, version: &str) -> Result<(), Why> {
        if self.how.offline {
            return Err(Why::Failed("not asked, because of --offline".to_owned()));
        }
        let folder = self.incoming.join(".pip");
        let copied = self.told(&format!("pip download {name}=={version}"), || {
            let wheel = pip::download(name, version, &self.file.name, &folder, self.stop)?;
            self.copied(&wheel)
        });
        // Only pip's copy is removed; failing to do so harms nothing.
        let _ = fs::remove_dir_all(&folder);
        copied
    }

    /// Copies a file, whose size and hash must be right.
    fn copied(&self, from: &Path) -> Result<(), Why> {
        match fs::metadata(from) {
            Ok(facts) if facts.is_file() && facts.len() == self.bytes() => {}
            Ok(facts) if facts.is_file() => {
                return Err(Why::Failed(other_size(facts.len(), self.bytes())));
            }
            Ok(_) => return Err(Why::Failed("is not a file".to_owned())),
            Err(error) => return Err(Why::Failed(error.to_string())),
        }
        let part = self.part();
        let file = File::create(&part).map_err(Fault::io("write", &part))?;
        let (bytes, sha256) = files::digest(from, self.stop, file)?;
        match check(from, self.file, bytes, &sha256) {
            Ok(()) => Ok(()),
            Err(_) => {
                files::remove(&part)?;
                Err(Why::Failed(other_hash(
                    &sha256,
                    self.file.sha256.as_deref().unwrap_or_default(),
                )))
            }
        }
    }
}

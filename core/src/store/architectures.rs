//! The list of architectures in a store, which may be a part of its study's list.
//!
//! Invariant: a store with some of a study's architectures records the length and the hash of the
//! whole list, so that parts of different lists are never combined.

use super::{Store, StoreError, StoreWriter, schema::has_table};
use crate::shard::unit_name;
use osee_model::hex::hex;
use rusqlite::{Connection, OptionalExtension, params};
use sha2::{Digest, Sha256};

/// Identity of a list of architectures: its length and its hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct List {
    /// Number of architectures.
    pub architectures: usize,
    /// SHA-256 over all architectures in order, in hex.
    pub sha256: String,
}

impl List {
    /// The identity of these architectures, in this order.
    pub fn of<'a>(architectures: impl IntoIterator<Item = &'a str>) -> Self {
        let mut hasher = Hasher::default();
        architectures.into_iter().for_each(|arch| hasher.add(arch));
        hasher.list()
    }
}

/// Hashes a list line by line.
#[derive(Default)]
pub(super) struct Hasher {
    hash: Sha256,
    count: usize,
}

impl Hasher {
    pub(super) fn add(&mut self, arch: &str) {
        self.hash.update(arch.as_bytes());
        self.hash.update(b"\n");
        self.count += 1;
    }

    pub(super) fn list(self) -> List {
        let sha256 = hex(self.hash.finalize());
        List { architectures: self.count, sha256 }
    }
}

impl Store {
    /// The identity of the whole list; `None` if this store has all of it.
    ///
    /// # Errors
    /// If SQLite fails.
    pub fn list(&self) -> Result<Option<List>, StoreError> {
        let read = || -> rusqlite::Result<Option<List>> {
            if !has_table(&self.connection, "whole")? {
                return Ok(None);
            }
            let read = "SELECT architectures, sha256 FROM whole";
            let list = |row: &rusqlite::Row<'_>| {
                Ok(List { architectures: row.get::<_, i64>(0)? as usize, sha256: row.get(1)? })
            };
            self.connection.query_row(read, [], list).optional()
        };
        read().map_err(|e| self.sqlite(e))
    }

    /// Calls `visit` with the position and the text of every architecture in this store, in order.
    ///
    /// # Errors
    /// If SQLite fails.
    pub fn visit_architectures(
        &self,
        mut visit: impl FnMut(usize, &str),
    ) -> Result<(), StoreError> {
        let mut read = || -> rusqlite::Result<()> {
            let mut query =
                self.connection.prepare("SELECT position, arch FROM plan ORDER BY position")?;
            let mut rows = query.query([])?;
            while let Some(row) = rows.next()? {
                visit(row.get::<_, i64>(0)? as usize, row.get_ref(1)?.as_str()?);
            }
            Ok(())
        };
        read().map_err(|e| self.sqlite(e))
    }

    /// Number of architectures that the study chose, which come first, and number of the neighbours
    /// after them.
    ///
    /// # Errors
    /// If SQLite fails, or the study cannot be read.
    pub fn drawn(&self) -> Result<(usize, usize), StoreError> {
        let count = "SELECT COUNT(*) FROM plan";
        let all = self.connection.query_row(count, [], |row| row.get::<_, i64>(0));
        let all = all.map_err(|e| self.sqlite(e))? as usize;
        let drawn = self.study()?.architectures.drawn.map_or(all, |it| it as usize).min(all);
        Ok((drawn, all - drawn))
    }

    /// Identity of the architectures in this store, taken as a list of their own.
    ///
    /// # Errors
    /// If SQLite fails.
    pub fn listed(&self) -> Result<List, StoreError> {
        let mut hasher = Hasher::default();
        self.visit_architectures(|_, arch| hasher.add(arch))?;
        Ok(hasher.list())
    }

    fn other_list(&self) -> StoreError {
        let field = "list of architectures".to_owned();
        StoreError::OtherStudy { dir: self.dir.path().to_owned(), field }
    }
}

impl StoreWriter {
    /// Stores the architectures of the run if it has none yet; a shard stores only those of which
    /// it has a unit.
    ///
    /// # Errors
    /// If the run already has different ones, or SQLite fails.
    pub fn fix_architectures(&mut self, architectures: &[String]) -> Result<(), StoreError> {
        let list = List::of(architectures.iter().map(String::as_str));
        let (study, known) = (self.study()?, self.list()?);
        let whole = study.shard.is_whole();
        match &known {
            Some(known) if *known != list => return Err(self.other_list()),
            Some(_) if !whole => return Ok(()),
            Some(_) => {}
            None => match self.listed()? {
                listed if listed == list && whole => return Ok(()),
                listed if listed.architectures > 0 => return Err(self.other_list()),
                _ => {}
            },
        }
        let held = |arch: &str| {
            whole || study.seeds.iter().any(|seed| study.shard.holds(&unit_name(arch, *seed)))
        };
        let write = |connection: &mut Connection| {
            let transaction = connection.transaction()?;
            for (position, arch) in architectures.iter().enumerate().filter(|(_, arch)| held(arch))
            {
                add(&transaction, position, arch)?;
            }
            set_list(&transaction, (!whole).then_some(&list))?;
            transaction.commit()
        };
        write(&mut self.store.connection).map_err(|e| self.sqlite(e))
    }
}

pub(super) fn add(to: &Connection, position: usize, arch: &str) -> rusqlite::Result<()> {
    to.prepare_cached("INSERT OR IGNORE INTO plan (position, arch) VALUES (?1, ?2)")?
        .execute(params![position as i64, arch])
        .map(drop)
}

/// Records that the architectures are a part of `list`; `None` if they are all of it.
pub(super) fn set_list(to: &Connection, list: Option<&List>) -> rusqlite::Result<()> {
    // Only parts have this table, so a complete store is the same whether or not it was merged.
    to.execute_batch("DROP TABLE IF EXISTS whole")?;
    let Some(list) = list else { return Ok(()) };
    to.execute_batch("CREATE TABLE whole (architectures INTEGER NOT NULL, sha256 TEXT NOT NULL)")?;
    to.execute("INSERT INTO whole VALUES (?1, ?2)", params![list.architectures as i64, list.sha256])
        .map(drop)
}

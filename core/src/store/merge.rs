//! Merging the parts of a study into one store.
//!
//! Invariants: parts are only read; a merge takes over all that they hold or nothing; merging again
//! changes nothing; the result does not depend on the order of the parts.

use super::{
    Outcome, RowId, Store, StoreError, StoreWriter,
    architectures::{List, add, set_list},
    files::refuse_other_study,
    limit::set_limit,
    population::set_population,
    reader::outcome,
    schema::{INSERT, has_table},
    writer::register,
};
use crate::{row::RowKey, shard::Shard};
use osee_model::estimator::{Failure, Limit};
use rusqlite::{
    Row, Rows,
    fallible_streaming_iterator::FallibleStreamingIterator,
    params,
    types::{ToSqlOutput, ValueRef},
};
use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap},
    path::PathBuf,
};

/// The numbers of results that a merge took over.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Merged {
    /// Results that were added, or replaced a failure.
    pub added: u64,
    /// Results that the store already had, or had a better one of.
    pub known: u64,
    /// Scores that differ because two models of GPUs computed them. The first is kept.
    pub of_other_gpu: u64,
}

/// Why parts cannot be merged; nothing was changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MergeError {
    /// A store cannot be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Two parts are of different studies or have different lists of architectures.
    #[error("{} and {} are of different studies: their {field} differs", first.display(), other.display())]
    OtherStudy {
        /// Run directory of one part.
        first: PathBuf,
        /// Run directory of the other part.
        other: PathBuf,
        /// What differs, in words.
        field: String,
    },
    /// A row was made with different plugins or settings.
    #[error(
        "`{row}` is not the same in {} and {}: its {field} differs; run one of them again with the \
         other's plugins and settings", first.display(), other.display()
    )]
    OtherRow {
        /// Name of the row.
        row: String,
        /// Run directory of one part.
        first: PathBuf,
        /// Run directory of the other part.
        other: PathBuf,
        /// What differs, in words.
        field: &'static str,
    },
    /// Two parts have different scores for the same unit.
    #[error(
        "`{row}` of architecture {arch} with seed {seed} is {first} in one part and {other} in \
         {}; a score depends on nothing but its row, architecture and seed, so one of them was made in another way",
        dir.display()
    )]
    OtherResult {
        /// Name of the row.
        row: String,
        /// Index of the architecture in the plan.
        arch: i64,
        /// Seed of the unit.
        seed: u64,
        /// One of the two scores.
        first: f64,
        /// The other score.
        other: f64,
        /// Run directory of the part with the other score.
        dir: PathBuf,
    },
}

impl Store {
    /// Checks every page of the store's file.
    ///
    /// # Errors
    /// If the file is damaged or cannot be read.
    pub fn check(&self) -> Result<(), StoreError> {
        let damaged =
            |detail: String| StoreError::Damaged { dir: self.dir.path().to_owned(), detail };
        let found = self.connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0));
        match found {
            Ok(text) if text == "ok" => Ok(()),
            Ok(text) => Err(damaged(text)),
            Err(error) => Err(self.sqlite(error)),
        }
    }
}

impl StoreWriter {
    /// Takes over everything that `parts` of the same study hold.
    ///
    /// # Errors
    /// If the parts are of different studies or were made with different plugins.
    pub fn merge(&mut self, parts: &[Store]) -> Result<Merged, MergeError> {
        let list = self.common_list(parts)?;
        let rows = common_rows(parts)?;
        for part in parts {
            // Many parts are open at once.
            let small = part.connection.pragma_update(None, "cache_size", -256);
            small.map_err(|e| part.sqlite(e))?;
        }
        let mine = |source| self.sqlite(source);
        self.connection.pragma_update(None, "cache_size", -65536).map_err(mine)?;
        let transaction = self.connection.unchecked_transaction().map_err(mine)?;
        self.merge_plan(parts)?;
        let mut merged = Merged::default();
        let known = self.rows()?;
        for (key, ids) in rows.values() {
            let to = register(&transaction, &known, key).map_err(mine)?;
            self.merge_scores(parts, ids, (to, &key.name), &mut merged)?;
            self.take_population(parts, ids, to)?;
        }
        for (table, width) in [("epoch", 7), ("evaluation", 6)] {
            parts.iter().try_for_each(|part| self.take(part, table, width))?;
        }
        parts.iter().try_for_each(|part| self.take_weights(part))?;
        parts.iter().try_for_each(|part| self.take_times(part))?;
        if let Some(list) = list {
            let listed = self.listed()?;
            let whole = listed.architectures >= list.architectures;
            if whole && listed != list {
                return Err(other_study(self, &parts[0], "list of architectures"));
            }
            set_list(&transaction, (!whole).then_some(&list)).map_err(mine)?;
        }
        transaction.commit().map_err(mine)?;
        Ok(merged)
    }

    /// The list of architectures that all parts belong to; `None` if all are empty.
    fn common_list(&self, parts: &[Store]) -> Result<Option<List>, MergeError> {
        let mut common: Option<(List, &Store)> = None;
        let first = self.study()?;
        for store in parts.iter().chain([&self.store]) {
            let mut study = store.study()?;
            study.shard = Shard::WHOLE;
            match refuse_other_study(&store.dir, &first, &study) {
                Err(StoreError::OtherStudy { field, .. }) => {
                    return Err(other_study(self, store, &field));
                }
                other => other?,
            }
            let list = match store.list()? {
                Some(list) => list,
                None => store.listed()?,
            };
            match &common {
                // This run was made, but has no architectures yet.
                _ if list.architectures == 0 => {}
                Some((known, one)) if *known != list => {
                    return Err(other_study(one, store, "list of architectures"));
                }
                Some(_) => {}
                None => common = Some((list, store)),
            }
        }
        Ok(common.map(|(list, _)| list))
    }

    fn merge_plan(&self, parts: &[Store]) -> Result<(), MergeError> {
        let read = "SELECT position, arch FROM plan ORDER BY position";
        let place = |row: &Row<'_>| Ok((row.get(0)?, 0));
        in_order(
            parts,
            |_| (read, Vec::new()),
            place,
            |_, row| {
                let (position, arch) = (row.get::<_, i64>(0)?, row.get_ref(1)?.as_str()?);
                add(&self.connection, position as usize, arch)
            },
        )
        .map_err(|(at, error)| self.failed(parts, at, error))
    }

    fn merge_scores(
        &self,
        parts: &[Store],
        ids: &[Option<RowId>],
        (to, name): (RowId, &str),
        merged: &mut Merged,
    ) -> Result<(), MergeError> {
        let read = "SELECT arch, seed, value, failure_kind, failure_message, milliseconds, device
             FROM score WHERE row = ?1 ORDER BY arch, seed";
        let keep = "INSERT OR IGNORE INTO score
             (row, arch, seed, value, failure_kind, failure_message, milliseconds, device)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
        let known = "SELECT value, value, value, failure_kind, failure_message, device FROM score
             WHERE row = ?1 AND arch = ?2 AND seed = ?3";
        let place = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
        let mut contradiction = None;
        in_order(
            parts,
            |at| (read, vec![ids[at].map_or(-1, |id| id.0)]),
            place,
            |at, row| {
                let cell = |column| row.get_ref(column);
                let copy = |write| {
                    self.connection.prepare_cached(write)?.execute(params![
                        to.0,
                        ToSqlOutput::Borrowed(cell(0)?),
                        ToSqlOutput::Borrowed(cell(1)?),
                        ToSqlOutput::Borrowed(cell(2)?),
                        ToSqlOutput::Borrowed(cell(3)?),
                        ToSqlOutput::Borrowed(cell(4)?),
                        ToSqlOutput::Borrowed(cell(5)?),
                        ToSqlOutput::Borrowed(cell(6)?)
                    ])
                };
                let unit: (i64, i64) = (row.get(0)?, row.get(1)?);
                let place = (to, unit.0, unit.1);
                let limit = || match ids[at] {
                    Some(id) => parts[at].limit_of((id, unit.0, unit.1)),
                    None => Ok(None),
                };
                if copy(keep)? > 0 {
                    merged.added += 1;
                    return match cell(2)? {
                        ValueRef::Null => set_limit(&self.connection, place, limit()?),
                        _ => Ok(()),
                    };
                }
                let mut known = self.connection.prepare_cached(known)?;
                let (there, same_model) =
                    known.query_row(params![to.0, unit.0, unit.1], |known| {
                        let device = known.get_ref(5)?.as_str()?;
                        Ok((outcome(known)?, model(device) == model(cell(6)?.as_str()?)))
                    })?;
                let other = outcome(row)?;
                match differ(&there, &other) {
                    Some((first, other)) if same_model => {
                        contradiction.get_or_insert((at, unit, first, other));
                    }
                    Some(_) => merged.of_other_gpu += 1,
                    None => {}
                }
                match there {
                    Err(there) if gives_way(&there, self.limit_of(place)?, (other, limit()?)) => {
                        merged.added += 1;
                        copy(INSERT)?;
                        set_limit(&self.connection, place, limit()?)
                    }
                    _ => {
                        merged.known += 1;
                        Ok(())
                    }
                }
            },
        )
        .map_err(|(at, error)| self.failed(parts, at, error))?;
        match contradiction {
            None => Ok(()),
            Some((at, (arch, seed), first, other)) => Err(MergeError::OtherResult {
                row: name.to_owned(),
                arch,
                seed: seed as u64,
                first,
                other,
                dir: parts[at].dir.path().to_owned(),
            }),
        }
    }

    /// Copies the population that a row's scores are about, unless this store has one. Of scores,
    /// too, it keeps those that it has.
    fn take_population(
        &self,
        parts: &[Store],
        ids: &[Option<RowId>],
        to: RowId,
    ) -> Result<(), MergeError> {
        if self.population(to)?.is_some() {
            return Ok(());
        }
        for (part, id) in parts.iter().zip(ids) {
            let Some(id) = id else { continue };
            if let Some(population) = part.population(*id)? {
                let set = set_population(&self.connection, to, Some(&population));
                return set.map_err(|e| self.sqlite(e).into());
            }
        }
        Ok(())
    }

    /// Copies the hashes of the checkpoints that scores were made with; parts must agree.
    fn take_weights(&self, part: &Store) -> Result<(), MergeError> {
        if !has_table(&part.connection, "weights").map_err(|e| part.sqlite(e))? {
            return Ok(());
        }
        let read = "SELECT supernet, seed, epoch, sha256 FROM weights";
        let mut query = part.connection.prepare(read).map_err(|e| part.sqlite(e))?;
        let rows = query.query_map([], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?, row.get(2)?, row.get(3)?))
        });
        for row in rows.map_err(|e| part.sqlite(e))? {
            let row: (String, i64, u32, String) = row.map_err(|e| part.sqlite(e))?;
            let (supernet, seed, epoch, sha256) = row;
            if !self.pin_weights((&supernet, seed as u64, epoch), &sha256)? {
                return Err(other_study(self, part, "supernets' weights"));
            }
        }
        Ok(())
    }

    /// Copies the times of units. Of two times for a unit, the longer covers more estimators.
    fn take_times(&self, part: &Store) -> Result<(), MergeError> {
        if !has_table(&part.connection, "unit").map_err(|e| part.sqlite(e))? {
            return Ok(());
        }
        let read = "SELECT arch, seed, milliseconds, alone FROM unit";
        let write = "INSERT INTO unit VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (arch, seed) DO UPDATE SET
                 milliseconds = max(milliseconds, excluded.milliseconds),
                 alone = max(alone, excluded.alone)";
        self.copy(part, read, write)
    }

    /// Copies a table of `width` columns whose rows are identified by their primary key.
    fn take(&self, part: &Store, table: &str, width: usize) -> Result<(), MergeError> {
        let places = vec!["?"; width].join(", ");
        let write = format!("INSERT OR IGNORE INTO {table} VALUES ({places})");
        self.copy(part, &format!("SELECT * FROM {table}"), &write)
    }

    /// Writes the rows that `part` reads.
    fn copy(&self, part: &Store, read: &str, write: &str) -> Result<(), MergeError> {
        let mut query = part.connection.prepare(read).map_err(|e| part.sqlite(e))?;
        let width = query.column_count();
        let mut rows = query.query([]).map_err(|e| part.sqlite(e))?;
        while let Some(row) = rows.next().map_err(|e| part.sqlite(e))? {
            let copy = || -> rusqlite::Result<usize> {
                let cells = (0..width).map(|at| row.get_ref(at).map(ToSqlOutput::Borrowed));
                let cells = cells.collect::<rusqlite::Result<Vec<_>>>()?;
                let mut write = self.connection.prepare_cached(write)?;
                write.execute(rusqlite::params_from_iter(cells))
            };
            copy().map_err(|e| self.sqlite(e))?;
        }
        Ok(())
    }

    /// The error of the part at `at`, or of this store if that is `None`.
    fn failed(&self, parts: &[Store], at: Option<usize>, error: rusqlite::Error) -> MergeError {
        at.map_or(&self.store, |at| &parts[at]).sqlite(error).into()
    }
}

fn other_study(first: &Store, other: &Store, field: &str) -> MergeError {
    let [first, other] = [first, other].map(|store| store.dir.path().to_owned());
    MergeError::OtherStudy { first, other, field: field.to_owned() }
}

/// The model in the description of a device, such as `cuda:0, NVIDIA H100 80GB HBM3`. Kernels differ
/// between models, and so do the last bits of what they compute.
fn model(device: &str) -> Option<&str> {
    device.split_once(", ").map(|(_, model)| model)
}

/// The two scores if they differ. Failures do not count, as they may be due to the machine.
fn differ(first: &Outcome, other: &Outcome) -> Option<(f64, f64)> {
    match (first, other) {
        (Ok(first), Ok(other)) if first.to_bits() != other.to_bits() => Some((*first, *other)),
        _ => None,
    }
}

/// True if a failure, with the limit that caused it, if any, is replaced by another part's result
/// of the same unit: any score replaces it, and so does a failure under a wider limit, whatever the
/// order of the parts.
fn gives_way(
    there: &Failure,
    limit: Option<Limit>,
    (other, others): (Outcome, Option<Limit>),
) -> bool {
    let rank = |it: &Failure, limit: Option<Limit>| {
        let limit = limit.map(|limit| match limit {
            Limit::Time(time) => time.as_nanos(),
            Limit::Memory(bytes) => bytes.into(),
        });
        (limit, it.kind, it.message.clone())
    };
    match other {
        Ok(_) => true,
        Err(other) => rank(&other, others) > rank(there, limit),
    }
}

/// For each row name: the row's key, and its id in every part that has it.
type CommonRows = BTreeMap<String, (RowKey, Vec<Option<RowId>>)>;

fn common_rows(parts: &[Store]) -> Result<CommonRows, MergeError> {
    let mut common = CommonRows::new();
    let mut from: BTreeMap<String, usize> = BTreeMap::new();
    for (at, part) in parts.iter().enumerate() {
        for (name, (id, key)) in part.newest()? {
            let entry = common
                .entry(name.clone())
                .or_insert_with(|| (key.clone(), vec![None; parts.len()]));
            let first = *from.entry(name.clone()).or_insert(at);
            if let Some(field) = difference(&entry.0, &key) {
                let [first, other] = [&parts[first], part].map(|it| it.dir.path().to_owned());
                return Err(MergeError::OtherRow { row: name, first, other, field });
            }
            entry.1[at] = Some(id);
        }
    }
    Ok(common)
}

fn difference(a: &RowKey, b: &RowKey) -> Option<&'static str> {
    let fields = [
        ("plugin (its SHA-256)", a.estimator.plugin_sha256 != b.estimator.plugin_sha256),
        ("space's plugin (its SHA-256)", a.space.plugin_sha256 != b.space.plugin_sha256),
        (
            "settings",
            (&a.estimator.id, &a.estimator.settings) != (&b.estimator.id, &b.estimator.settings),
        ),
        ("space settings", (&a.space.id, &a.space.settings) != (&b.space.id, &b.space.settings)),
        ("protocol or training", a.conditions != b.conditions),
        ("images", a.images != b.images),
        ("device", a.device != b.device),
        ("version", a != b),
    ];
    fields.into_iter().find(|(_, differs)| *differs).map(|(field, _)| field)
}

/// Visits rows of all `parts` in the order of `place`; each part must return its rows in that
/// order. An error comes with the position of the part that caused it, if one did.
fn in_order<'q>(
    parts: &[Store],
    query: impl Fn(usize) -> (&'q str, Vec<i64>),
    place: impl Fn(&Row<'_>) -> rusqlite::Result<(i64, i64)>,
    mut visit: impl FnMut(usize, &Row<'_>) -> rusqlite::Result<()>,
) -> Result<(), (Option<usize>, rusqlite::Error)> {
    let mut statements = Vec::with_capacity(parts.len());
    for (at, part) in parts.iter().enumerate() {
        let statement = part.connection.prepare(query(at).0);
        statements.push(statement.map_err(|error| (Some(at), error))?);
    }
    let mut streams: Vec<Rows<'_>> = Vec::with_capacity(parts.len());
    let mut next = BinaryHeap::new();
    for (at, statement) in statements.iter_mut().enumerate() {
        let wrong = |error| (Some(at), error);
        let values = rusqlite::params_from_iter(query(at).1);
        let mut rows = statement.query(values).map_err(wrong)?;
        if let Some(row) = rows.next().map_err(wrong)? {
            next.push(Reverse((place(row).map_err(wrong)?, at)));
        }
        streams.push(rows);
    }
    while let Some(Reverse((_, at))) = next.pop() {
        let wrong = |error| (Some(at), error);
        if let Some(row) = streams[at].get() {
            visit(at, row).map_err(|error| (None, error))?;
        }
        if let Some(row) = streams[at].next().map_err(wrong)? {
            next.push(Reverse((place(row).map_err(wrong)?, at)));
        }
    }
    Ok(())
}

//! Writes results as a table for other programs: one row per estimator, architecture
//! and seed, in that order.
//!
//! Invariants: the same study gives the same bytes, however it was run; the meaning of
//! a column never changes within one version of the schema.

mod parquet;
mod thrift;

use crate::{
    exit::{Category, ExitCode},
    truth::Judged,
};
use osee_core::{
    row::EstimatorKey,
    store::{Store, StoreError},
};
use osee_files::csv_text::{CsvWriter, Field};
use osee_model::estimator::{Direction, Failure};
use std::io::{self, Write};

/// Version of [`COLUMNS`], written to Parquet files.
pub const SCHEMA: u32 = 1;

/// The type of a column's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// UTF-8 text, never null.
    Text,
    /// UTF-8 text or null.
    MaybeText,
    /// A whole number of 64 bits, from 0, never null.
    Count,
    /// A whole number of 64 bits, from 0, or null.
    MaybeCount,
    /// An IEEE 754 number of 64 bits, or null.
    MaybeNumber,
}

/// Names and types of the columns; `docs/scale.md` explains them.
pub const COLUMNS: [(&str, Kind); 18] = [
    ("estimator", Kind::Text),
    ("estimator_id", Kind::Text),
    ("kind", Kind::Text),
    ("higher_is_better", Kind::Count),
    ("space", Kind::Text),
    ("position", Kind::Count),
    ("architecture", Kind::Text),
    ("seed", Kind::Count),
    ("score", Kind::MaybeNumber),
    ("failure", Kind::MaybeText),
    ("failure_message", Kind::MaybeText),
    ("truth", Kind::MaybeNumber),
    ("milliseconds", Kind::MaybeNumber),
    ("device", Kind::Text),
    ("neighbour", Kind::Count),
    ("checkpoint_of", Kind::MaybeText),
    ("epoch", Kind::MaybeCount),
    ("population", Kind::MaybeText),
];

/// A file format of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Table {
    /// Comma-separated values, which every program reads.
    Csv,
    /// Parquet: typed and compressed.
    Parquet,
}

/// One value per column, of the column's kind.
type Row<'a> = [Field<'a>; COLUMNS.len()];

/// Receives the rows of a table.
trait Sink {
    fn row(&mut self, row: Row<'_>) -> io::Result<()>;
    fn end(self: Box<Self>) -> io::Result<()>;
}

impl<W: Write> Sink for CsvWriter<W> {
    fn row(&mut self, row: Row<'_>) -> io::Result<()> {
        CsvWriter::row(self, row)
    }

    fn end(self: Box<Self>) -> io::Result<()> {
        CsvWriter::end(*self)
    }
}

/// The reason why a table cannot be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// The run cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The file cannot be written.
    #[error("cannot write the table: {0}")]
    Write(#[from] io::Error),
}

impl Category for ExportError {
    fn exit_code(&self) -> ExitCode {
        match self {
            Self::Store(error) => error.exit_code(),
            Self::Write(_) => ExitCode::Internal,
        }
    }
}

/// Writes all results in `store`. Without `timing`, it leaves out what differs between
/// two runs of a study.
///
/// # Errors
/// If the run cannot be read or the table cannot be written.
pub fn export(
    store: &Store,
    truth: Option<&Judged>,
    timing: bool,
    table: Table,
    to: impl Write,
) -> Result<(), ExportError> {
    let (study, architectures) = (store.study()?, store.architectures()?);
    let drawn = study.architectures.drawn.map_or(architectures.len(), |it| it as usize);
    let mut truths = vec![None; architectures.len()];
    for (at, value) in truth.iter().flat_map(|it| it.positions.iter().zip(&it.values)) {
        truths[*at] = Some(*value);
    }
    let mut sink: Box<dyn Sink + '_> = match table {
        Table::Csv => Box::new(CsvWriter::new(to, COLUMNS.map(|(name, _)| name))?),
        Table::Parquet => Box::new(parquet::Parquet::new(to, &study.name)?),
    };
    for (name, (id, key)) in store.newest()? {
        let EstimatorKey { id: estimator, kind, direction, .. } = &key.estimator;
        let kind = kind.to_string();
        let checkpoint = key.checkpoint_of.as_ref();
        let population = store.population(id)?;
        let mut written = Ok(());
        store.visit_scores(id, |score, device| {
            if written.is_err() {
                return;
            }
            let failure = score.outcome.as_ref().err();
            let what = failure.map(|failure: &Failure| failure.kind.to_string());
            written = sink.row([
                name.as_str().into(),
                estimator.as_str().into(),
                kind.as_str().into(),
                u64::from(*direction == Direction::HigherIsBetter).into(),
                key.space.id.as_str().into(),
                score.arch_index.into(),
                architectures[score.arch_index].as_str().into(),
                score.seed.into(),
                score.outcome.as_ref().ok().copied().into(),
                what.as_deref().into(),
                failure.map(|failure| failure.message.as_str()).into(),
                truths[score.arch_index].into(),
                timing.then_some(score.milliseconds).into(),
                device.into(),
                u64::from(score.arch_index >= drawn).into(),
                checkpoint.map(|it| it.row.as_str()).into(),
                checkpoint.map(|it| u64::from(it.epoch)).into(),
                population.as_ref().map(|it| it.sha256.as_str()).into(),
            ]);
        })?;
        written?;
    }
    Ok(sink.end()?)
}

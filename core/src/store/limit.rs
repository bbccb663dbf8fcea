//! The limits that failures exceeded, as stored.

use super::RowId;
use osee_model::estimator::Limit;
use rusqlite::{Connection, Row, params};
use std::time::Duration;

/// The limit in a row that begins with seconds and bytes; `None` if both are null.
pub(super) fn limit(row: &Row<'_>) -> rusqlite::Result<Option<Limit>> {
    let time = row.get::<_, Option<f64>>(0)?;
    let time = time.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    let memory = row.get::<_, Option<i64>>(1)?;
    Ok(time.map(Limit::Time).or(memory.map(|bytes| Limit::Memory(bytes as u64))))
}

/// Stores the limit that caused a failure, or that no limit did.
pub(super) fn set_limit(
    to: &Connection,
    (row, arch, seed): (RowId, i64, i64),
    limit: Option<Limit>,
) -> rusqlite::Result<()> {
    let (seconds, bytes) = match limit {
        Some(Limit::Time(time)) => (Some(time.as_secs_f64()), None),
        Some(Limit::Memory(bytes)) => (None, Some(bytes as i64)),
        None => {
            let delete = "DELETE FROM failure_limit WHERE row = ?1 AND arch = ?2 AND seed = ?3";
            let values = params![row.0, arch, seed];
            return to.prepare_cached(delete)?.execute(values).map(drop);
        }
    };
    to.prepare_cached("INSERT OR REPLACE INTO failure_limit VALUES (?1, ?2, ?3, ?4, ?5)")?
        .execute(params![row.0, arch, seed, seconds, bytes])
        .map(drop)
}

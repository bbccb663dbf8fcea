//! The times that units took. They are used only for forecasts.

use super::{Record, schema::has_table};
use rusqlite::{Connection, params};

/// Sums of times over units.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct UnitTimes {
    /// Number of units whose time is known.
    pub units: u64,
    /// Milliseconds that the units took, with the estimators of a unit together.
    pub milliseconds: f64,
    /// Milliseconds that the same estimators would have taken one by one.
    pub alone: f64,
}

impl UnitTimes {
    /// Adds the sums of another store.
    pub fn join(&mut self, other: Self) {
        self.units += other.units;
        self.milliseconds += other.milliseconds;
        self.alone += other.alone;
    }
}

/// The sums over the units of a store.
pub(super) fn unit_times(from: &Connection) -> rusqlite::Result<UnitTimes> {
    if !has_table(from, "unit")? {
        return Ok(UnitTimes::default());
    }
    let read = "SELECT COUNT(*), TOTAL(milliseconds), TOTAL(alone) FROM unit";
    from.query_row(read, [], |row| {
        let units = row.get::<_, i64>(0)? as u64;
        Ok(UnitTimes { units, milliseconds: row.get(1)?, alone: row.get(2)? })
    })
}

/// Calls `visit` with architecture, seed and times of each unit of a store.
pub(super) fn visit_units(
    from: &Connection,
    mut visit: impl FnMut(&str, u64, UnitTimes),
) -> rusqlite::Result<()> {
    if !has_table(from, "unit")? {
        return Ok(());
    }
    let read = "SELECT plan.arch, seed, milliseconds, alone
         FROM unit JOIN plan ON position = unit.arch";
    let mut query = from.prepare(read)?;
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        let (milliseconds, alone) = (row.get(2)?, row.get(3)?);
        let seed = row.get::<_, i64>(1)? as u64;
        visit(row.get_ref(0)?.as_str()?, seed, UnitTimes { units: 1, milliseconds, alone });
    }
    Ok(())
}

/// Adds the time of `records` to that of their unit, which other estimators may have begun.
pub(super) fn add_time(
    to: &Connection,
    records: &[Record],
    milliseconds: f64,
) -> rusqlite::Result<()> {
    let Some(first) = records.first() else { return Ok(()) };
    let alone: f64 = records.iter().map(|record| record.milliseconds).sum();
    let write = "INSERT INTO unit VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (arch, seed) DO UPDATE SET
             milliseconds = milliseconds + excluded.milliseconds, alone = alone + excluded.alone";
    let values = params![first.arch_index as i64, first.seed as i64, milliseconds, alone];
    to.prepare_cached(write)?.execute(values).map(drop)
}

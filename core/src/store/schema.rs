//! The tables of `results.sqlite`. `plan` and `score` hold architectures and results; `epoch` and
//! `evaluation` hold the results of supernets, by the supernet's key.

use rusqlite::{Connection, OptionalExtension};

/// Inserts a result: it replaces a failure, but never a score.
pub const INSERT: &str = "INSERT INTO score
     (row, arch, seed, value, failure_kind, failure_message, milliseconds, device)
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
     ON CONFLICT (row, arch, seed) DO UPDATE SET
         value = excluded.value, failure_kind = excluded.failure_kind,
         failure_message = excluded.failure_message, milliseconds = excluded.milliseconds,
         device = excluded.device
     WHERE score.value IS NULL";

/// Condition for results that count as done: all except the mark that a supernet was not trained.
pub const IS_DONE: &str = "failure_kind IS NOT '\"untrained\"'";

/// Format number, stored in `user_version`. Tables that readers can do without are added under the
/// same number, see [`ADDED`].
pub const FORMAT: i64 = 5;

/// The previous format, which is read as well; all others are refused.
pub const OLD: i64 = 4;

/// Tables of a new file.
pub const SCHEMA: &str = "
    CREATE TABLE plan (position INTEGER PRIMARY KEY, arch TEXT NOT NULL UNIQUE);
    CREATE TABLE row (
        id INTEGER PRIMARY KEY,
        key TEXT NOT NULL UNIQUE,
        used INTEGER NOT NULL
    );
    CREATE TABLE score (
        row INTEGER NOT NULL REFERENCES row(id),
        arch INTEGER NOT NULL REFERENCES plan(position),
        seed INTEGER NOT NULL,
        value REAL,
        failure_kind TEXT,
        failure_message TEXT,
        milliseconds REAL NOT NULL,
        device TEXT NOT NULL,
        PRIMARY KEY (row, arch, seed)
    ) WITHOUT ROWID;
    CREATE TABLE epoch (
        supernet TEXT NOT NULL,
        seed INTEGER NOT NULL,
        epoch INTEGER NOT NULL,
        loss REAL NOT NULL,
        accuracy REAL NOT NULL,
        learning_rate REAL NOT NULL,
        images_per_second REAL NOT NULL,
        PRIMARY KEY (supernet, seed, epoch)
    ) WITHOUT ROWID;
    CREATE TABLE evaluation (
        supernet TEXT NOT NULL,
        seed INTEGER NOT NULL,
        epochs TEXT NOT NULL,
        arch TEXT NOT NULL,
        batches TEXT NOT NULL,
        milliseconds REAL NOT NULL,
        PRIMARY KEY (supernet, seed, epochs, arch)
    ) WITHOUT ROWID;
";

/// Tables that a file may lack: `unit` has the time of a unit, for all its estimators together and
/// as the sum of what each would take alone; `failure_limit` has the limits that failures exceeded;
/// `weights` has the checkpoints that scores were made with; `population` has what the scores of a
/// meta estimator are about.
pub const ADDED: &str = "
    CREATE TABLE IF NOT EXISTS unit (
        arch INTEGER NOT NULL,
        seed INTEGER NOT NULL,
        milliseconds REAL NOT NULL,
        alone REAL NOT NULL,
        PRIMARY KEY (arch, seed)
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS failure_limit (
        row INTEGER NOT NULL,
        arch INTEGER NOT NULL,
        seed INTEGER NOT NULL,
        seconds REAL,
        bytes INTEGER,
        PRIMARY KEY (row, arch, seed)
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS weights (
        supernet TEXT NOT NULL,
        seed INTEGER NOT NULL,
        epoch INTEGER NOT NULL,
        sha256 TEXT NOT NULL,
        PRIMARY KEY (supernet, seed, epoch)
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS population (
        row INTEGER PRIMARY KEY,
        architectures INTEGER NOT NULL,
        sha256 TEXT NOT NULL
    );
";

/// True if the file has this table.
pub fn has_table(connection: &Connection, name: &str) -> rusqlite::Result<bool> {
    let find = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?1";
    Ok(connection.query_row(find, [name], |_| Ok(())).optional()?.is_some())
}

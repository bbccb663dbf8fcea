//! The tables of `results.sqlite`. `plan` and `score` are what is asked and
//! answered; `epoch` and `evaluation` are what came of supernets, by the
//! supernet's key.

/// Stores a result: what is there already stays, unless all that is there is
/// that a supernet was not trained.
pub const INSERT: &str = "INSERT OR IGNORE INTO score
    (scorer, arch, seed, value, failure_kind, failure_message, milliseconds, device)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
    ON CONFLICT (scorer, arch, seed) DO UPDATE SET value = excluded.value, failure_kind = excluded.failure_kind,
        failure_message = excluded.failure_message, milliseconds = excluded.milliseconds,
        device = excluded.device
    WHERE score.failure_kind = '\"untrained\"'";

/// A condition for what counts as done.
pub const IS_DONE: &str = "failure_kind IS NOT '\"untrained\"'";

/// Kept in `user_version`; another one is refused.
pub const FORMAT: i64 = 4;

/// A new file.
pub const SCHEMA: &str = "
    CREATE TABLE plan (position INTEGER PRIMARY KEY, arch TEXT NOT NULL UNIQUE);
    CREATE TABLE scorer (
        id INTEGER PRIMARY KEY,
        key TEXT NOT NULL UNIQUE,
        used INTEGER NOT NULL
    );
    CREATE TABLE score (
        scorer INTEGER NOT NULL REFERENCES scorer(id),
        arch INTEGER NOT NULL REFERENCES plan(position),
        seed INTEGER NOT NULL,
        value REAL,
        failure_kind TEXT,
        failure_message TEXT,
        milliseconds REAL NOT NULL,
        device TEXT NOT NULL,
        PRIMARY KEY (scorer, arch, seed)
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

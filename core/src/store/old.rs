//! Reading stores of format 4, which call a row a scorer and hold JSON documents as texts in its
//! key.
//!
//! The scores of estimators that see no images are taken over, since their keys no longer include
//! images. Other keys may cover only a sample of the images; such rows can be read, but a run
//! scores them anew (see [`super::superseded`]).

use super::{RowId, json::from_json};
use crate::row::{Checkpoint, Conditions, EstimatorKey, RowKey, SpaceKey, SupernetWeights};
use osee_model::{
    device::DeviceKind,
    estimator::{Direction, EstimatorKind},
    protocol::Protocol,
    recipe::Recipe,
};
use rusqlite::{Connection, params};
use serde::Deserialize;

use super::schema::{FORMAT, has_table};

/// The key of a row in format 4.
#[derive(Deserialize)]
struct OldKey {
    name: String,
    estimator: String,
    version: String,
    kind: EstimatorKind,
    direction: Direction,
    settings: String,
    plugin_sha256: String,
    space: String,
    space_version: String,
    space_settings: String,
    space_sha256: String,
    protocol: String,
    data: String,
}

/// The `protocol` field of a row that scored trained weights.
#[derive(Deserialize)]
struct OldWeights {
    supernet: String,
    recipe: Recipe,
    epochs: Vec<u32>,
    #[serde(default)]
    seeds: Option<Vec<u64>>,
    protocol: Option<Protocol>,
}

fn new_key(json: &str) -> rusqlite::Result<RowKey> {
    let old: OldKey = from_json(json)?;
    let estimator = EstimatorKey {
        id: old.estimator,
        version: old.version,
        kind: old.kind,
        direction: old.direction,
        settings: from_json(&old.settings)?,
        plugin_sha256: old.plugin_sha256,
    };
    let space = SpaceKey {
        id: old.space,
        version: old.space_version,
        settings: from_json(&old.space_settings)?,
        plugin_sha256: old.space_sha256,
    };
    let conditions = match from_json::<OldWeights>(&old.protocol) {
        Ok(OldWeights { supernet: key, recipe, epochs, seeds, protocol }) => {
            Conditions::Supernet(Box::new(SupernetWeights { key, recipe, epochs, seeds, protocol }))
        }
        Err(_) => Conditions::Untrained(from_json(&old.protocol)?),
    };
    Ok(RowKey {
        checkpoint_of: checkpoint(&old.name, &conditions),
        images: estimator.sees_images().then_some(old.data),
        device: DeviceKind::Cpu,
        name: old.name,
        estimator,
        space,
        conditions,
    })
}

/// The checkpoint that a row scores, which format 4 records only in its name. A row that the user
/// named that way scores another epoch and is not taken for one.
fn checkpoint(name: &str, conditions: &Conditions) -> Option<Checkpoint> {
    let Conditions::Supernet(weights) = conditions else { return None };
    let (row, epoch) = name.rsplit_once('@')?;
    let epoch = epoch.parse().ok().filter(|epoch| weights.epochs.last() == Some(epoch))?;
    Some(Checkpoint { row: row.to_owned(), epoch })
}

/// The rows of the store with their keys in this format, the last used last.
fn rows(old: &Connection) -> rusqlite::Result<Vec<(RowId, String, i64)>> {
    let mut query = old.prepare("SELECT id, key, used FROM scorer ORDER BY used")?;
    let rows = query.query_map([], |row| {
        let key = new_key(&row.get::<_, String>(1)?)?;
        let json = serde_json::to_string(&key).expect("keys are plain data");
        Ok((RowId(row.get(0)?), json, row.get(2)?))
    });
    rows?.collect()
}

/// Makes temporary tables and views that show the store in this format; the file is not changed.
pub(super) fn show_as_new(old: &Connection) -> rusqlite::Result<()> {
    old.execute_batch(
        "PRAGMA temp_store = MEMORY;
         CREATE TEMP TABLE row (id INTEGER PRIMARY KEY, key TEXT, used INTEGER);
         CREATE TEMP VIEW score AS
             SELECT scorer AS row, arch, seed, value, failure_kind, failure_message, milliseconds,
                 device
             FROM main.score;",
    )?;
    for (id, key, used) in rows(old)? {
        old.execute("INSERT INTO row VALUES (?1, ?2, ?3)", params![id.0, key, used])?;
    }
    if has_table(old, "failure_limit")? {
        old.execute_batch(
            "CREATE TEMP VIEW failure_limit AS
                 SELECT scorer AS row, arch, seed, seconds, bytes FROM main.failure_limit;",
        )?;
    }
    Ok(())
}

/// Rewrites the file in this format, all of it or nothing.
pub(super) fn rewrite(old: &mut Connection) -> rusqlite::Result<()> {
    let rows = rows(old)?;
    let transaction = old.transaction()?;
    let tables: &[&str] = match has_table(&transaction, "failure_limit")? {
        true => &["score", "failure_limit"],
        false => &["score"],
    };
    for table in tables {
        transaction.execute_batch(&format!("ALTER TABLE {table} RENAME COLUMN scorer TO row"))?;
    }
    transaction.execute_batch("ALTER TABLE scorer RENAME TO row")?;
    // No new key equals the key of an old row that is not rewritten yet.
    for (at, (id, key, _)) in rows.iter().enumerate() {
        let later = rows[at + 1..].iter().find(|(_, other, _)| other == key);
        match later {
            None => {
                transaction.execute("UPDATE row SET key = ?2 WHERE id = ?1", params![id.0, key])?
            }
            // Rows that differed only in images which their estimator never saw become one row.
            Some((later, ..)) => {
                for table in tables {
                    let take = format!("UPDATE OR IGNORE {table} SET row = ?2 WHERE row = ?1");
                    transaction.execute(&take, [id.0, later.0])?;
                    transaction.execute(&format!("DELETE FROM {table} WHERE row = ?1"), [id.0])?;
                }
                transaction.execute("DELETE FROM row WHERE id = ?1", [id.0])?
            }
        };
    }
    transaction.pragma_update(None, "user_version", FORMAT)?;
    transaction.commit()
}
